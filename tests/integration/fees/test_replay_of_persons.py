"""What persons decided about money is decided again by the replay, and all that followed from it comes out alike."""

from typing import Any

import pytest

from hub import dispatch
from hub.fees.payouts import chargebacks, orders
from hub.fees.reconciliation.matching import commands
from hub.fees.replay import replaying
from hub.fees.resolutions import allocating
from hub.fees.resolutions import commands as cases
from hub.fees.settlements import remitting
from tests.bank_files import StatementMovement, ago
from tests.integration.fees.booking import opened, tampered
from tests.integration.fees.casework import Casework
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, status
from tests.integration.fees.paying import approved, asked, debit, ordered
from tests.integration.fees.settling import SettlementOffice
from tests.integration.fees.telling import NotifyingProvider
from tests.scripted_hub import ScriptedHub

FIRST, SECOND = "ke-toan-a", "ke-toan-b"


@pytest.fixture
def uow(till: AccountTill) -> Casework:
    return Casework(till)


def differences(hub: ScriptedHub) -> list[str]:
    """What the replay has to say."""
    result = dispatch.run_command(hub, "hub", lambda uow: (replaying.replayed(uow), []))
    return [f"{one.what} {one.how}" for one in result.offenders]


def near(reference: str) -> str:
    """The reference with one wrong digit: a proposal for two persons."""
    return reference[:6] + ("7" if reference[6] != "7" else "3") + reference[7:]


def test_matches_that_were_confirmed_rejected_and_revoked(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str, database_url: str
) -> None:
    (second, other), (third, last) = another(cashier), another(cashier)
    day = till.books(
        StatementMovement(DUE, near(reference), ref="FT1"),
        StatementMovement(DUE, near(other), ref="FT2"),
        StatementMovement(DUE, last),
    )
    of = {row["demand_id"]: row["id"] for row in till.proposals()}
    for person in (FIRST, SECOND):
        till.act(lambda uow: commands.confirm(uow, of[cashier.demand(dossier)["id"]], "đúng người"), person)
    till.act(lambda uow: commands.reject(uow, of[cashier.demand(second)["id"]], "không phải"))
    till.matches(day)
    [joined] = till.hub.rows("SELECT id FROM match_group WHERE state = 'confirmed' AND pass = 'P3'")
    for person in (FIRST, SECOND):
        till.act(lambda uow: commands.revoke(uow, joined["id"], "nhầm hồ sơ"), person)

    assert [status(cashier, one) for one in (dossier, second, third)] == ["paid", "issued", "reopened"]
    assert differences(till.hub) == []

    with opened(database_url) as conn:  # a decision that nobody took has no note
        tampered(conn, "DELETE FROM audit_log WHERE action = 'match_revoked'", tables=("audit_log",))
    assert any(last in one for one in differences(till.hub))


def test_cases_that_were_settled_withdrawn_and_opened_again(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str
) -> None:
    (second, _), (third, _) = another(cashier), another(cashier)
    demand, other = (str(cashier.demand(one)["id"]) for one in (dossier, third))
    till.books(StatementMovement(DUE + 20_000, "nop tien", ref="FT1"))
    case = uow.proposes("R01", "not_fee", kind="other")
    till.act(lambda uow: cases.withdraw(uow, case, "xem lại"), SECOND)
    uow.settles("R01", "assign", demand=demand)
    uow.settles("R05", "allocate", demand=cashier.demand(second)["id"])
    till.act(lambda uow: cases.reopen(uow, case, "người nộp hỏi lại"))
    till.act(lambda uow: allocating.report(uow, demand, other, "nộp nhầm hồ sơ"))
    uow.settles("R08", "move")

    assert [status(cashier, one) for one in (dossier, second, third)] == ["reopened", "part_paid", "paid"]
    assert differences(till.hub) == []


def test_a_notification_that_two_persons_took_for_no_money(
    uow: Casework, till: AccountTill, provider: NotifyingProvider, cashier: Cashier, dossier: str, reference: str
) -> None:
    provider.tells(reference, bank_ref="FT1")
    paid = till.hub.rows("SELECT id FROM payment")[0]["id"]
    uow.opened("N01", "payment", paid, DUE, payment=paid)
    uow.settles("N01", "void")

    assert (status(cashier, dossier), till.book()) == ("reopened", {})
    assert differences(till.hub) == []


def paid_by(till: AccountTill, reference: str) -> str:
    [row] = till.hub.rows("SELECT id FROM fee_demand WHERE reference = %s", reference)
    return str(row["id"])


def test_refunds_that_were_paid_cancelled_and_ordered_again(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    (_, other), (_, last) = another(cashier), another(cashier)
    till.books(
        StatementMovement(DUE, reference),
        StatementMovement(DUE, other),
        StatementMovement(DUE + 5_000, last),
        StatementMovement(77_000, "tien an"),
    )
    first = ordered(till, cashier.demand(dossier)["id"])
    cancelled = approved(till, asked(till, paid_by(till, other)))
    till.act(lambda uow: orders.cancel(uow, cancelled.id, "người nộp rút đề nghị"))
    [over] = till.hub.rows("SELECT id FROM payment WHERE amount = %s", DUE + 5_000)
    failing = ordered(till, over["id"])
    till.act(lambda uow: orders.fail(uow, failing.id, "sai tài khoản"))
    [unknown] = till.hub.rows("SELECT id FROM payment WHERE amount = 77000")
    back = ordered(till, unknown["id"])
    till.books(debit(first), debit(back))
    till.books(StatementMovement(back.amount, f"HOAN {back.content}", ref="TT-BACK"))

    assert (status(cashier, dossier), till.cases()) == ("refunded", ["V04"])
    assert differences(till.hub) == []


def test_a_case_that_was_settled_by_agreeing_with_its_refund(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference), StatementMovement(DUE, reference))
    asked(till, str(uow.case("R03")["object_id"]))
    case = str(uow.case("R03")["id"])
    for person in (FIRST, SECOND):
        till.act(lambda uow: cases.resolve(uow, case, "refund", {}, "nộp hai lần"), person)

    assert till.hub.rows("SELECT state FROM payment_order") == [{"state": "approved"}]
    assert differences(till.hub) == []


def test_a_month_that_was_handed_on(till: AccountTill, cashier: Cashier, dossier: str, reference: str) -> None:
    office = SettlementOffice(till.hub)
    day = till.books(StatementMovement(DUE, reference))
    office.closes(day.replace(day=1))
    [row] = till.hub.rows("SELECT id, department FROM settlement")
    office.answers(row["department"], day.replace(day=1))
    order: Any = till.act(lambda uow: remitting.remit(uow, row["id"], "chuyển tháng"))
    till.act(lambda uow: orders.approve(uow, order.id, "đúng bảng"), SECOND)
    till.act(lambda uow: orders.send(uow, order.id))
    till.books(debit(order))

    assert (status(cashier, dossier), till.book()) == ("settled", {"111": 84_000, "511": -84_000})
    assert differences(till.hub) == []


def test_a_chargeback_that_was_argued_and_lost(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    [paid] = till.hub.rows("SELECT id FROM payment")
    chargeback = till.act(lambda uow: chargebacks.notice(uow, paid["id"], "CB 2026-000777", ago(-5), "công văn"))
    till.act(lambda uow: chargebacks.answered(uow, chargeback.id, "đã gửi biên nhận hồ sơ"))
    till.books(StatementMovement(-DUE, "DOI HOAN CB2026000777", ref="TT9"))

    assert (status(cashier, dossier), till.book()) == ("reopened", {})
    assert differences(till.hub) == []
