"""What was notified wrongly, paid for the wrong dossier, taken back or taken out: settled by two persons."""

from datetime import datetime, time

import pytest

from hub import dispatch
from hub.clock import VIETNAM
from hub.errors import InvalidState
from hub.fees.demands import demand_store
from hub.fees.demands.model import DemandStatusCode
from hub.fees.reconciliation.matching import gateway_payouts
from hub.fees.reconciliation.matching.gateway_payouts import PayoutItem, PayoutReport
from hub.fees.reconciliation.statements import importing
from hub.fees.resolutions import allocating
from tests.bank_files import StatementDraft, StatementMovement, ago, camt
from tests.integration.fees.casework import CHECKER, MAKER, Casework
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, another, red, status
from tests.integration.fees.telling import ACCOUNT, NotifyingProvider

PAID_AT = datetime.combine(ago(60), time(9), VIETNAM)
"""on the first day of the till"""


@pytest.fixture
def uow(till: AccountTill) -> Casework:
    return Casework(till)


@pytest.fixture
def overdue(till: AccountTill, provider: NotifyingProvider, dossier: str, reference: str) -> str:
    """A payment that was notified, and that no statement of the days after shows; its id."""
    assert dossier
    till.books()
    txn = provider.tells(reference, paid_at=PAID_AT)
    for _ in range(5):
        till.books()
    assert provider.payment(txn)["status"] == "unconfirmed_overdue"
    return str(provider.payment(txn)["id"])


def reported(uow: Casework, cashier: Cashier, dossier: str, other: str) -> str:
    """Somebody says that the money of one dossier was for another."""
    one, two = (cashier.demand(name)["id"] for name in (dossier, other))
    case = dispatch.run_command(uow.hub, MAKER, lambda doing: (allocating.report(doing, one, two, "khiếu nại"), []))
    return str(case)


def test_what_was_paid_for_the_wrong_dossier_goes_to_the_right_one_and_both_hear_of_it(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, _ = another(cashier)
    till.books(StatementMovement(DUE, reference))
    reported(uow, cashier, dossier, other)

    uow.settles("R08", "move")

    assert (status(cashier, dossier), status(cashier, other)) == ("reopened", "paid")
    assert (cashier.notices(dossier)[-1], "fee.paid" in cashier.notices(other)) == ("fee.reopened", True)
    rows = till.hub.rows("SELECT demand_id, sum(cr - dr)::int AS owed FROM ledger_line WHERE account = '331'"
                           " GROUP BY 1 HAVING sum(cr - dr) <> 0")  # fmt: skip
    assert rows == [{"demand_id": cashier.demand(other)["id"], "owed": DUE}]


def test_what_was_moved_is_taken_back_by_the_bank_where_it_is_now(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, _ = another(cashier)
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    reported(uow, cashier, dossier, other)
    uow.settles("R08", "move")

    till.books(StatementMovement(-DUE, "HOAN TRA", ref="FT2", e2e="FT1", reversal=True))

    assert (status(cashier, other), till.book()) == ("reopened", {})
    assert red(till.hub) == []


def test_only_what_was_paid_and_what_the_other_demand_takes_is_reported_as_wrong(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, second = another(cashier)
    with pytest.raises(InvalidState, match="chưa có khoản nộp nào"):
        reported(uow, cashier, dossier, other)
    till.books(StatementMovement(DUE, reference), StatementMovement(DUE, second))
    with pytest.raises(InvalidState, match="chỉ còn phải thu 0 đ"):
        reported(uow, cashier, dossier, other)
    with pytest.raises(InvalidState, match="một khoản phải thu"):
        reported(uow, cashier, dossier, dossier)


def test_a_notification_that_was_never_money_is_voided(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, overdue: str
) -> None:
    assert uow.standing() == ["N01"]

    uow.settles("N01", "void")

    [payment] = till.hub.rows("SELECT status, allocated FROM payment WHERE id = %s", overdue)
    assert payment == {"status": "voided", "allocated": 0}
    assert (status(cashier, dossier), till.book()) == ("reopened", {})
    assert uow.standing() == ["R04"]  # it had gone out to its department


def test_a_notification_is_the_line_that_nobody_could_place(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, overdue: str
) -> None:
    till.books(StatementMovement(DUE, "nop tien"))
    assert uow.standing() == ["N01", "R01"]

    uow.settles("N01", "confirm", line=str(till.line()["id"]))

    line = till.line()
    assert (line["state"], line["payment_id"], line["payment"]) == ("matched", overdue, "confirmed")
    assert (status(cashier, dossier), till.book(), uow.standing()) == ("paid", {"111": DUE, "331": -DUE}, [])


def test_a_notification_is_no_line_of_another_amount(uow: Casework, till: AccountTill, overdue: str) -> None:
    assert overdue
    till.books(StatementMovement(DUE - 1, "nop tien"))
    line = str(till.line()["id"])

    with pytest.raises(InvalidState, match="dòng sao kê"):
        uow.proposes("N01", "confirm", line=line)


def test_a_payout_that_is_not_what_its_report_comes_to_is_booked_less_a_charge(
    uow: Casework, till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    txn = provider.tells(reference, provider="vnpay-t", paid_at=PAID_AT)
    report = PayoutReport(provider="vnpay-t", report="PAYOUT-20261103-01", account=ACCOUNT, day=ago(60),
                    items=(PayoutItem(provider_txn=txn, amount=DUE, charge=1_100),))  # fmt: skip
    till.act(lambda uow: gateway_payouts.bring(uow, report))
    till.books(StatementMovement(DUE - 1_650, "PAYOUT-20261103-01"))
    assert uow.standing() == ["P01"]

    uow.settles("P01", "book_payout")

    assert till.book() == {"111": DUE - 1_650, "642": 1_650, "331": -DUE}
    assert (status(cashier, dossier), uow.standing()) == ("paid", [])


def test_what_the_bank_took_back_without_saying_of_what_is_recovered_from_its_payment(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    till.books(StatementMovement(-DUE, "HOAN TRA", ref="FT9", reversal=True))
    assert (uow.standing(), till.book()["341"]) == (["V01"], DUE)

    uow.settles("V01", "recover", payment=str(till.lines()[0]["payment_id"]))

    assert (status(cashier, dossier), till.book()) == ("reopened", {})
    assert [row["state"] for row in till.lines()] == ["reversed", "matched"]


def test_what_the_bank_took_back_after_the_department_had_it_is_kept_from_the_department(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    settled(till, cashier.demand(dossier)["id"])
    till.books(StatementMovement(-DUE, "HOAN TRA", ref="FT2", e2e="FT1", reversal=True))
    assert "V02" in uow.standing()
    assert red(till.hub) == []

    uow.settles("V02", "recover_from_department")

    assert (status(cashier, dossier), till.book()) == ("reopened", {})


def settled(till: AccountTill, demand: str) -> None:
    """As if the month had gone to its department."""

    def set_back(doing: object) -> list[object]:
        with till.hub.db.connection() as conn:
            before = demand_store.lock(conn, demand)
            demand_store.update(conn, before, before.amounts.moved(DemandStatusCode.SETTLED))
        return []

    till.act(set_back)


def test_a_line_that_the_bank_took_out_takes_its_money_with_it(
    uow: Casework, till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference), StatementMovement(20_000, "nop tien"))
    corrected(till, StatementDraft([StatementMovement(20_000, "nop tien")], day=ago(60)))
    assert uow.standing() == ["R01", "S08"]
    assert red(till.hub) != []

    uow.settles("S08", "bank_answer")

    assert (status(cashier, dossier), till.book()) == ("reopened", {"111": 20_000, "338": -20_000})


def corrected(till: AccountTill, draft: StatementDraft) -> None:
    """The bank's statement of the day once more, with other content, approved by two persons."""
    held = till.act(lambda uow: importing.bring(uow, till.bank, "corrected", camt(draft)))
    for who in (MAKER, CHECKER):
        dispatch.run_command(till.hub, who, lambda uow: importing.decide(uow, held.id, "approve", "đã hỏi"))
    till.hub.carry()
