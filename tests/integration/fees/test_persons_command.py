"""In production: who it is says the operating system, and who may decide about money says the catalogue."""

import json
import os
import pwd
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.cli.exits import ExitCode
from tests.bank_files import StatementMovement
from tests.clerks import a_catalogue
from tests.integration.fees.matching import DUE, AccountTill
from tests.integration.test_command_line import Hub

OWN = f"cli:{pwd.getpwuid(os.getuid()).pw_name}"
Names = Callable[..., None]


@pytest.fixture
def production(cli: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Names:
    """HUB_PRODUCTION, with a catalogue that names these accounts, each with all rights."""
    monkeypatch.setenv("HUB_CATALOGUE", str(tmp_path / "catalogue"))
    monkeypatch.setenv("HUB_PRODUCTION", "true")
    monkeypatch.delenv("HUB_ACTOR")
    monkeypatch.delenv("SUDO_USER", raising=False)

    def names(*accounts: str) -> None:
        a_catalogue(tmp_path / "catalogue", *accounts)

    return names


@pytest.fixture
def settle(till: AccountTill) -> tuple[str, ...]:
    """Says how a case is settled."""
    till.books(StatementMovement(DUE, "nop tien"))
    [case] = till.hub.rows("SELECT id FROM fee_exception WHERE code = 'R01'")
    return ("fee", "resolve", case["id"], "not_fee", "--set", "kind=other", "--reason", "lãi")


def test_a_name_that_somebody_gives_himself_is_refused(
    production: Names, cli: Hub, till: AccountTill, settle: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    production(OWN, "cli:truong-phong")
    monkeypatch.setenv("HUB_ACTOR", "cli:truong-phong")

    code, _, err = cli(*settle)

    assert (code, err.count("\n")) == (ExitCode.USAGE, 1)
    assert "HUB_ACTOR" in err
    assert till.hub.rows("SELECT maker FROM fee_exception WHERE code = 'R01'") == [{"maker": None}]


def test_the_account_proposes_and_does_not_agree_as_well(
    production: Names, cli: Hub, till: AccountTill, settle: tuple[str, ...]
) -> None:
    production(OWN, "cli:truong-phong")
    assert cli(*settle)[0] == ExitCode.OK
    assert till.hub.rows("SELECT maker FROM fee_exception WHERE code = 'R01'") == [{"maker": OWN}]

    code, _, err = cli(*settle)

    assert (code, "cần người khác đồng ý" in err) == (ExitCode.REFUSED, True)


def test_an_account_that_is_not_named_decides_nothing(production: Names, cli: Hub, settle: tuple[str, ...]) -> None:
    production("cli:ke-toan", "cli:truong-phong")
    code, _, err = cli(*settle)
    assert (code, err.count("\n")) == (ExitCode.REFUSED, 1)
    assert f"{OWN}: không có trong [[clerks]]" in err


def test_production_does_not_start_where_nobody_is_named(production: Names, cli: Hub, settle: tuple[str, ...]) -> None:
    production()
    code, _, err = cli(*settle)
    assert code == ExitCode.USAGE
    assert "fees.toml: /clerks: HUB_PRODUCTION" in err


def test_the_doctor_says_who_decides(cli: Hub, production: Names, monkeypatch: pytest.MonkeyPatch) -> None:
    def clerks_check() -> tuple[bool, str]:
        [row] = [row for row in json.loads(cli("doctor", "--json")[1])["data"] if row["check"] == "clerks"]
        return row["ok"], row["finding"]

    production()
    ok, why = clerks_check()
    assert (ok, "add [[clerks]]" in why) == (False, True)
    production(OWN, "cli:truong-phong")
    assert clerks_check() == (True, "2 decide about money")
    production()
    monkeypatch.setenv("HUB_PRODUCTION", "false")
    assert clerks_check() == (True, "none: everybody proposes and agrees (development only)")
