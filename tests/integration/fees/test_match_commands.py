"""What persons do about matches, and what the database refuses whoever asks."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest

from hub.errors import InvalidState, NotFound
from hub.fees.demands import demand_commands
from hub.fees.reconciliation.matching import commands
from tests.bank_files import StatementMovement, ago
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red
from tests.integration.fees.telling import ACCOUNT, NotifyingProvider
from tests.integration.test_command_line import Hub
from tests.scripted_hub import ScriptedHub


@pytest.fixture
def till(hub: ScriptedHub) -> AccountTill:
    return AccountTill(hub)


def near(reference: str) -> str:
    """The reference with one wrong digit: a proposal for two persons."""
    return reference[:6] + ("7" if reference[6] != "7" else "3") + reference[7:]


def status(cashier: Cashier, dossier: str) -> Any:
    return cashier.demand(dossier)["status"]


def test_one_person_confirms_class_b(till: AccountTill, cashier: Cashier, dossier: str) -> None:
    [row] = till.hub.rows("SELECT code FROM dossier WHERE id = %s", dossier)
    till.books(StatementMovement(DUE, f"phi {row['code']}"))
    [proposal] = till.proposals()

    till.act(lambda uow: commands.confirm(uow, proposal["id"], "đúng hồ sơ"), "ke-toan-a")

    assert (till.line()["pass"], till.line()["state"], status(cashier, dossier)) == ("P6", "matched", "paid")
    assert (till.cases(), till.book()) == ([], {"111": DUE, "331": -DUE})
    assert red(till.hub) == []


def test_class_c_takes_two_persons(till: AccountTill, cashier: Cashier, dossier: str, reference: str) -> None:
    till.books(StatementMovement(DUE, near(reference)))
    [proposal] = till.proposals()

    till.act(lambda uow: commands.confirm(uow, proposal["id"], "đúng người"), "ke-toan-a")
    assert status(cashier, dossier) == "issued"
    with pytest.raises(InvalidState, match="cần người khác"):
        till.act(lambda uow: commands.confirm(uow, proposal["id"], "đúng người"), "ke-toan-a")
    till.act(lambda uow: commands.confirm(uow, proposal["id"], "đúng người"), "ke-toan-b")

    assert (status(cashier, dossier), till.line()["pass"]) == ("paid", "P11")
    [group] = till.hub.rows("SELECT maker, checker FROM match_group WHERE id = %s", proposal["id"])
    assert group == {"maker": "ke-toan-a", "checker": "ke-toan-b"}
    assert red(till.hub) == []


def test_a_run_in_between_keeps_what_a_first_person_has_confirmed(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, near(reference)))
    [proposal] = till.proposals()
    till.act(lambda uow: commands.confirm(uow, proposal["id"], "đúng người"), "ke-toan-a")

    till.matches(day)
    till.act(lambda uow: commands.confirm(uow, proposal["id"], "đúng người"), "ke-toan-b")

    assert (status(cashier, dossier), till.proposals()) == ("paid", [])


def test_a_confirmation_looks_again_at_what_it_stands_on(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, near(reference)))
    [proposal] = till.proposals()
    provider.tells(reference, bank_ref="FT77")

    for person in ("ke-toan-a", "ke-toan-b"):
        act = lambda uow: commands.confirm(uow, proposal["id"], "đúng người")  # noqa: E731 - said twice
        if person == "ke-toan-a":
            till.act(act, person)
        else:
            with pytest.raises(InvalidState, match="chỉ còn phải thu 0 đ"):
                till.act(act, person)

    assert status(cashier, dossier) == "paid_unconfirmed"


def test_what_was_rejected_is_not_proposed_again(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, near(reference)))
    [proposal] = till.proposals()

    till.act(lambda uow: commands.reject(uow, proposal["id"], "người khác"))
    till.matches(day)

    assert (till.proposals(), till.cases()) == ([], ["R01"])


def test_to_revoke_takes_two_persons_and_opens_the_demand_again(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference))
    [row] = till.hub.rows("SELECT id FROM match_group WHERE state = 'confirmed'")

    till.act(lambda uow: commands.revoke(uow, row["id"], "nhầm hồ sơ"), "ke-toan-a")
    with pytest.raises(InvalidState, match="cần người khác"):
        till.act(lambda uow: commands.revoke(uow, row["id"], "nhầm hồ sơ"), "ke-toan-a")
    till.act(lambda uow: commands.revoke(uow, row["id"], "nhầm hồ sơ"), "ke-toan-b")

    assert (status(cashier, dossier), till.cases()) == ("reopened", ["R01", "R04"])  # it had gone out
    assert (till.line()["pass"], till.line()["state"]) == ("P0", "in_exception")
    assert till.book() == {"111": DUE, "338": -DUE}
    assert red(till.hub) == []
    till.matches(day)
    assert status(cashier, dossier) == "reopened"


def test_what_the_bank_s_number_has_joined_is_not_revoked(
    till: AccountTill, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    provider.tells(reference, bank_ref="FT1")
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    [row] = till.hub.rows("SELECT id FROM match_group")

    with pytest.raises(InvalidState, match="không hủy được ghép theo P1"):
        till.act(lambda uow: commands.revoke(uow, row["id"], "nhầm"))


def test_there_is_no_match_of_that_number(till: AccountTill) -> None:
    with pytest.raises(NotFound):
        till.act(lambda uow: commands.confirm(uow, 4711, "đúng"))


@pytest.mark.parametrize("column", ["line_id", "payment_id"])
def test_the_database_lets_a_line_and_a_payment_belong_to_one_confirmed_group(
    till: AccountTill, dossier: str, reference: str, column: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    again = (
        "WITH made AS (INSERT INTO match_group (run_id, pass, class, rule_version, state, evidence)"
        " SELECT run_id, pass, class, rule_version, state, evidence FROM match_group LIMIT 1 RETURNING id)"
        f" INSERT INTO match_leg (group_id, number, {column}, amount, credited, confirmed)"
        f" SELECT made.id, 1, leg.{column}, 0, false, true FROM made CROSS JOIN match_leg leg LIMIT 1"
    )

    with pytest.raises(psycopg.errors.UniqueViolation), till.hub.db.transaction() as conn:
        conn.execute(again)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ("UPDATE payment SET allocated = amount + 1", psycopg.errors.CheckViolation),
        ("UPDATE statement_line SET allocated = amount + 1", psycopg.errors.CheckViolation),
        ("DELETE FROM match_leg", psycopg.errors.InsufficientPrivilege),
        ("UPDATE match_group SET state = 'proposed'", psycopg.errors.CheckViolation),
        ("UPDATE match_group SET class = 'C'", psycopg.errors.CheckViolation),
    ],
)
def test_the_database_refuses_what_no_match_may_do(
    till: AccountTill, dossier: str, reference: str, wrong: str, error: type[Exception]
) -> None:
    till.books(StatementMovement(DUE, reference))

    with pytest.raises(error), till.hub.db.transaction() as conn:
        conn.execute(wrong)


def test_a_demand_moved_to_another_dossier_s_money_is_credited_once(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, near(reference)))
    [proposal] = till.proposals()
    cashier.act(lambda uow: demand_commands.cancel(uow, cashier.demand(dossier)["id"], "rút hồ sơ"))

    till.act(lambda uow: commands.confirm(uow, proposal["id"], "đúng"), "ke-toan-a")
    with pytest.raises(InvalidState):
        till.act(lambda uow: commands.confirm(uow, proposal["id"], "đúng"), "ke-toan-b")

    assert till.book() == {"111": DUE, "338": -DUE}


def test_the_command_matches_lists_and_decides(
    cli: Hub, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, near(reference)), carry=False)

    code, out, _ = cli("fee", "match", "--dry-run", "--json")
    assert code == 0
    assert json.loads(out)["data"][0]["found"] == "R01 1"
    assert till.line()["state"] == "new"

    assert cli("fee", "match")[0] == 0
    code, out, _ = cli("fee", "match", "list", "--json")
    [item] = json.loads(out)["data"]
    assert (item["pass"], item["reference"], item["errors"]) == ("P11", reference, 1)
    assert cli("fee", "match", "confirm", str(item["id"]), "-r", "đúng người")[0] == 0
    assert cli("fee", "match", "confirm", str(item["id"]), "-r", "đúng người")[0] == 5
    assert cli("fee", "match", "reject", str(item["id"]), "-r", "không phải")[0] == 0
    assert cli("fee", "match", "revoke", "4711", "-r", "không phải")[0] == 4
    assert cli("fee", "match", "--account", ACCOUNT)[0] == 2
    assert cli("fee", "match", "--account", ACCOUNT, "--day", day.isoformat())[0] == 0
    assert cli("fee", "match", "--account", "99", "--day", day.isoformat())[0] == 4
    assert status(cashier, dossier) == "issued"


def test_the_command_takes_a_payout_report(
    cli: Hub, till: AccountTill, provider: NotifyingProvider, dossier: str, reference: str, tmp_path: Path
) -> None:
    report = {
        "provider": "vnpay-t",
        "report": "PAYOUT-01",
        "account": ACCOUNT,
        "day": ago(60).isoformat(),
        "items": [{"provider_txn": provider.tells(reference, provider="vnpay-t"), "amount": DUE, "charge": 0}],
    }
    file = tmp_path / "report.json"
    file.write_text(json.dumps(report), encoding="utf-8")

    assert [cli("fee", "match", "payout", str(file))[0] for _ in range(2)] == [0, 0]
    report["items"][0]["charge"] = 1  # type: ignore[index]
    file.write_text(json.dumps(report), encoding="utf-8")
    assert cli("fee", "match", "payout", str(file))[0] == 5
    file.write_text("{}", encoding="utf-8")
    code, _, err = cli("fee", "match", "payout", str(file))
    assert (code, err.count("\n"), "/provider " in err) == (2, 1, True)

    till.books(StatementMovement(DUE, "PAYOUT-01"))
    assert till.lines()[0]["pass"] == "P9"
