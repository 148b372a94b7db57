"""hub fee match payout: a report that is none is refused in a line, never with a traceback."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.cli.exits import ExitCode
from tests.bank_files import ago
from tests.integration.fees.telling import ACCOUNT
from tests.scripted_hub import ScriptedHub

CommandLine = Callable[..., tuple[int, str, str]]


def report_body(*items: dict[str, object]) -> bytes:
    head = {"provider": "vnpay-t", "report": "PAYOUT-SAID-1", "account": ACCOUNT, "day": f"{ago(1)}"}
    return json.dumps(head | {"items": list(items)}).encode()


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (report_body({"provider_txn": "1", "amount": 0, "charge": 0}), "/items/0/amount"),
        (report_body({"provider_txn": "1", "amount": 9}, {"provider_txn": "2", "amount": -5}), "/items/1/amount"),
        (report_body({"provider_txn": "1", "amount": 9}, {"provider_txn": "1", "amount": 9}), "/items/1/provider_txn"),
        (report_body({"provider_txn": "1", "amount": 9}, {"provider_txn": "2", "amount": 5, "charge": 6}), "/items/1"),
        (report_body({"provider_txn": "1", "amount": 9, "charge": 9}), "net"),
        (report_body(), "/items"),
        (b"[]", "/"),
    ],
)
def test_a_report_of_what_is_no_payout_is_refused_in_a_line(
    cli: CommandLine, hub: ScriptedHub, tmp_path: Path, raw: bytes, says: str
) -> None:
    (tmp_path / "r.json").write_bytes(raw)
    code, _, err = cli("fee", "match", "payout", str(tmp_path / "r.json"))
    assert (code, err.count("\n"), says in err) == (ExitCode.USAGE, 1, True), err
    assert hub.count("payout_report") == 0


def test_what_another_report_has_paid_out_is_refused_in_a_line(
    cli: CommandLine, hub: ScriptedHub, tmp_path: Path
) -> None:
    raw = report_body({"provider_txn": "1", "amount": 9})
    first, second = tmp_path / "a.json", tmp_path / "b.json"
    first.write_bytes(raw)
    second.write_bytes(raw.replace(b"SAID-1", b"SAID-2"))
    assert cli("fee", "match", "payout", str(first))[0] == ExitCode.OK
    code, _, err = cli("fee", "match", "payout", str(second))
    assert (code, "báo cáo PAYOUT-SAID-1" in err) == (ExitCode.REFUSED, True)
    assert hub.count("payout_report") == 1
