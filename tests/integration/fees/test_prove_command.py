"""hub fee prove: green is exit 0, red names the row and is exit 3."""

import json
import sys

import pytest

from hub.cli.exits import ExitCode
from hub.fees.proof import findings
from tests.integration.fees.booking import opened, tampered
from tests.integration.fees.telling import NotifyingProvider
from tests.integration.test_command_line import Hub


def test_a_green_book_is_said_with_its_digest(provider: NotifyingProvider, cli: Hub, reference: str) -> None:
    provider.tells(reference)
    code, out, err = cli("fee", "prove", "--json")
    report = json.loads(out)
    assert (code, report["green"], report["last_seq"], report["offenders"]) == (ExitCode.OK, True, 1, [])
    assert {check["invariant"] for check in report["checks"]} | set(report["not_looked_at"]) == {
        f"I{number}" for number in range(1, 11)
    }
    assert all(check["label"] == findings.CHECKS[check["check"]] for check in report["checks"])
    code, table, _ = cli("fee", "prove")
    assert code == ExitCode.OK
    assert all(check["label"] in table and check["check"] not in table for check in report["checks"])
    assert not err


def test_both_other_ways_to_prove_come_to_the_same(provider: NotifyingProvider, cli: Hub, reference: str) -> None:
    provider.tells(reference)
    code, out, _ = cli("fee", "prove", "--second-engine", "--replay", "--json")
    names = [check["check"] for check in json.loads(out)["checks"] if check["invariant"] == "I9"]
    assert code == ExitCode.OK
    assert "the second engine comes to the same balances" in names
    assert "all that came, handled again from the beginning, ends where the hub stands" in names


def test_a_changed_row_is_named_and_the_runbook_told(
    provider: NotifyingProvider, cli: Hub, reference: str, database_url: str
) -> None:
    provider.tells(reference)
    with opened(database_url) as conn:
        tampered(conn, "UPDATE ledger_line SET department = 'so-khac' WHERE account = '331'")
    code, out, err = cli("fee", "prove")
    assert code == ExitCode.FINDING
    assert "bút toán 1" in out
    assert "đã bị sửa" in out
    assert "I1" in err
    assert "when-the-proof-is-red" in err


def test_without_duckdb_it_is_said_plainly(
    provider: NotifyingProvider, cli: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    code, _, err = cli("fee", "prove", "--second-engine")
    assert code == ExitCode.USAGE
    assert "DuckDB is not installed" in err
