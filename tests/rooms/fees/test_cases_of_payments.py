"""What was notified wrongly, paid for the wrong dossier, taken back or taken out: settled by two persons."""

from datetime import datetime, time

import pytest

from hub import dispatch
from hub.clock import VIETNAM
from hub.errors import NotNow
from hub.fees import store
from hub.fees.cases import moving
from hub.fees.matching import payouts
from hub.fees.matching.payouts import Item, Report
from hub.fees.model import Status
from hub.fees.statements import deciding, importing
from tests.bank_files import Move, Told, ago, camt
from tests.rooms.fees.casework import CHECKER, MAKER, Casework
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till, another, red, status
from tests.rooms.fees.telling import ACCOUNT, Provider

PAID_AT = datetime.combine(ago(60), time(9), VIETNAM)
"""on the first day of the till"""


@pytest.fixture
def work(till: Till) -> Casework:
    return Casework(till)


@pytest.fixture
def overdue(till: Till, provider: Provider, dossier: str, reference: str) -> str:
    """A payment that was notified, and that no statement of the days after shows; its id."""
    assert dossier
    till.books()
    txn = provider.tells(reference, paid_at=PAID_AT)
    for _ in range(5):
        till.books()
    assert provider.payment(txn)["status"] == "unconfirmed_overdue"
    return str(provider.payment(txn)["id"])


def reported(work: Casework, cashier: Cashier, dossier: str, other: str) -> str:
    """Somebody says that the money of one dossier was for another."""
    one, two = (cashier.demand(name)["id"] for name in (dossier, other))
    case = dispatch.act(work.house, MAKER, lambda doing: (moving.report(doing, one, two, "khiếu nại"), []))
    return str(case)


def test_what_was_paid_for_the_wrong_dossier_goes_to_the_right_one_and_both_hear_of_it(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, _ = another(cashier)
    till.books(Move(DUE, reference))
    reported(work, cashier, dossier, other)

    work.settles("R08", "move")

    assert (status(cashier, dossier), status(cashier, other)) == ("reopened", "paid")
    assert (cashier.told(dossier)[-1], "fee.paid" in cashier.told(other)) == ("fee.reopened", True)
    rows = till.house.rows("SELECT demand_id, sum(cr - dr)::int AS owed FROM journal_line WHERE account = '331'"
                           " GROUP BY 1 HAVING sum(cr - dr) <> 0")  # fmt: skip
    assert rows == [{"demand_id": cashier.demand(other)["id"], "owed": DUE}]


def test_what_was_moved_is_taken_back_by_the_bank_where_it_is_now(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, _ = another(cashier)
    till.books(Move(DUE, reference, ref="FT1"))
    reported(work, cashier, dossier, other)
    work.settles("R08", "move")

    till.books(Move(-DUE, "HOAN TRA", ref="FT2", e2e="FT1", reversal=True))

    assert (status(cashier, other), till.book()) == ("reopened", {})
    assert red(till.house) == []


def test_only_what_was_paid_and_what_the_other_demand_takes_is_reported_as_wrong(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    other, second = another(cashier)
    with pytest.raises(NotNow, match="chưa có khoản nộp nào"):
        reported(work, cashier, dossier, other)
    till.books(Move(DUE, reference), Move(DUE, second))
    with pytest.raises(NotNow, match="chỉ còn phải thu 0 đ"):
        reported(work, cashier, dossier, other)
    with pytest.raises(NotNow, match="một khoản phải thu"):
        reported(work, cashier, dossier, dossier)


def test_a_notification_that_was_never_money_is_voided(
    work: Casework, till: Till, cashier: Cashier, dossier: str, overdue: str
) -> None:
    assert work.standing() == ["N01"]

    work.settles("N01", "void")

    [payment] = till.house.rows("SELECT status, allocated FROM payment WHERE id = %s", overdue)
    assert payment == {"status": "voided", "allocated": 0}
    assert (status(cashier, dossier), till.book()) == ("reopened", {})
    assert work.standing() == ["R04"]  # it had gone out to its department


def test_a_notification_is_the_line_that_nobody_could_place(
    work: Casework, till: Till, cashier: Cashier, dossier: str, overdue: str
) -> None:
    till.books(Move(DUE, "nop tien"))
    assert work.standing() == ["N01", "R01"]

    work.settles("N01", "confirm", line=str(till.line()["id"]))

    line = till.line()
    assert (line["state"], line["payment_id"], line["payment"]) == ("matched", overdue, "confirmed")
    assert (status(cashier, dossier), till.book(), work.standing()) == ("paid", {"111": DUE, "331": -DUE}, [])


def test_a_notification_is_no_line_of_another_amount(work: Casework, till: Till, overdue: str) -> None:
    assert overdue
    till.books(Move(DUE - 1, "nop tien"))
    line = str(till.line()["id"])

    with pytest.raises(NotNow, match="dòng sao kê"):
        work.proposes("N01", "confirm", line=line)


def test_a_payout_that_is_not_what_its_report_comes_to_is_booked_less_a_charge(
    work: Casework, till: Till, cashier: Cashier, provider: Provider, dossier: str, reference: str
) -> None:
    txn = provider.tells(reference, provider="vnpay-t", paid_at=PAID_AT)
    report = Report(provider="vnpay-t", report="PAYOUT-20261103-01", account=ACCOUNT, day=ago(60),
                    items=(Item(provider_txn=txn, amount=DUE, charge=1_100),))  # fmt: skip
    till.act(lambda work: payouts.bring(work, report))
    till.books(Move(DUE - 1_650, "PAYOUT-20261103-01"))
    assert work.standing() == ["P01"]

    work.settles("P01", "book_payout")

    assert till.book() == {"111": DUE - 1_650, "642": 1_650, "331": -DUE}
    assert (status(cashier, dossier), work.standing()) == ("paid", [])


def test_what_the_bank_took_back_without_saying_of_what_is_recovered_from_its_payment(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE, reference, ref="FT1"))
    till.books(Move(-DUE, "HOAN TRA", ref="FT9", reversal=True))
    assert (work.standing(), till.book()["341"]) == (["V01"], DUE)

    work.settles("V01", "recover", payment=str(till.lines()[0]["payment_id"]))

    assert (status(cashier, dossier), till.book()) == ("reopened", {})
    assert [row["state"] for row in till.lines()] == ["reversed", "matched"]


def test_what_the_bank_took_back_after_the_department_had_it_is_kept_from_the_department(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE, reference, ref="FT1"))
    settled(till, cashier.demand(dossier)["id"])
    till.books(Move(-DUE, "HOAN TRA", ref="FT2", e2e="FT1", reversal=True))
    assert "V02" in work.standing()
    assert red(till.house) == []

    work.settles("V02", "recover_from_department")

    assert (status(cashier, dossier), till.book()) == ("reopened", {})


def settled(till: Till, demand: str) -> None:
    """As if the month had gone to its department."""

    def verb(doing: object) -> list[object]:
        with till.house.db.connection() as conn:
            before = store.lock(conn, demand)
            store.stand(conn, before, before.amounts.moved(Status.SETTLED))
        return []

    till.act(verb)


def test_a_line_that_the_bank_took_out_takes_its_money_with_it(
    work: Casework, till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE, reference), Move(20_000, "nop tien"))
    corrected(till, Told([Move(20_000, "nop tien")], day=ago(60)))
    assert work.standing() == ["R01", "S08"]
    assert red(till.house) != []

    work.settles("S08", "bank_answer")

    assert (status(cashier, dossier), till.book()) == ("reopened", {"111": 20_000, "338": -20_000})


def corrected(till: Till, told: Told) -> None:
    """The bank's statement of the day once more, with other content, approved by two persons."""
    held = till.act(lambda work: importing.bring(work, till.bank, "corrected", camt(told)))
    for who in (MAKER, CHECKER):
        dispatch.act(till.house, who, lambda work: deciding.decide(work, held.id, "approve", "đã hỏi"))
    till.house.carry()
