"""Payment orders: asked for by one person, approved by another, recognised on our own statement by their reference."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from hub.errors import InvalidState
from hub.fees.payouts import orders, refunds
from hub.fees.payouts.orders import PaymentOrder
from schemas.payment_reference import PaymentReference
from tests.bank_files import StatementDraft, StatementMovement, ago
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red, status
from tests.integration.fees.paying import PAYEE, approved, asked, current, debit, ordered, refund_of
from tests.integration.fees.telling import OTHER_ACCOUNT

UNKNOWN = PaymentReference.issued("LC", 999_999)


@pytest.fixture
def paid(till: AccountTill, cashier: Cashier, dossier: str, reference: str) -> str:
    """A demand whose money is on the statement; its id."""
    till.books(StatementMovement(DUE, reference))
    return str(cashier.demand(dossier)["id"])


def test_an_order_takes_two_persons(till: AccountTill, cashier: Cashier, dossier: str, paid: str) -> None:
    order = asked(till, paid)

    assert (status(cashier, dossier), till.book()) == ("paid", {"111": DUE, "331": -DUE})
    with pytest.raises(InvalidState, match="cần người khác"):
        till.act(lambda uow: orders.approve(uow, order.id, "đồng ý"), "ke-toan-a")
    till.act(lambda uow: orders.approve(uow, order.id, "đồng ý"), "ke-toan-b")

    assert (status(cashier, dossier), till.book()) == ("refund_pending", {"111": DUE, "113": -DUE})
    assert red(till.hub) == []


def test_the_database_refuses_an_order_that_one_person_approves_or_that_changes(till: AccountTill, paid: str) -> None:
    order = asked(till, paid)

    with till.hub.db.connection() as conn:
        with pytest.raises(psycopg.errors.CheckViolation):
            conn.execute(
                "UPDATE payment_order SET state = 'approved', checker = maker, approved_at = now() WHERE id = %s",
                (order.id,),
            )
        for change in ("payee = '{}'", "amount = 1", "reason = 'khác'"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege, match="never changed"):
                conn.execute(f"UPDATE payment_order SET {change} WHERE id = %s", (order.id,))
        with pytest.raises(psycopg.errors.CheckViolation, match="is not confirmed"):
            conn.execute(
                "UPDATE payment_order SET state = 'confirmed', line_id = 1, checker = 'x', approved_at = now(),"
                " settled_at = now() WHERE id = %s",
                (order.id,),
            )


def test_two_officers_who_approve_at_once_post_once(
    till: AccountTill, cashier: Cashier, dossier: str, paid: str
) -> None:
    order = asked(till, paid)

    def agree(actor: str) -> str:
        try:
            till.act(lambda uow: orders.approve(uow, order.id, "đồng ý"), actor)
        except InvalidState:
            return "refused"
        return "approved"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(agree, ("ke-toan-b", "ke-toan-c"))) == ["approved", "refused"]
    assert till.book() == {"111": DUE, "113": -DUE}
    assert red(till.hub) == []


def test_the_bank_is_told_once_and_an_order_that_was_sent_is_not_cancelled(till: AccountTill, paid: str) -> None:
    order = asked(till, paid)
    with pytest.raises(InvalidState, match="requested"):
        till.act(lambda uow: orders.send(uow, order.id))

    approved(till, order)
    first = till.act(lambda uow: orders.send(uow, order.id))
    assert till.act(lambda uow: orders.send(uow, order.id)) == first
    with pytest.raises(InvalidState, match="không chuyển sang cancelled được"):
        till.act(lambda uow: orders.cancel(uow, order.id, "đổi ý"))


def test_a_torn_reference_still_names_its_order(till: AccountTill, cashier: Cashier, dossier: str, paid: str) -> None:
    order = ordered(till, paid)
    torn = f"CK {order.reference[:5]} {order.reference[5:9]}\n{order.reference[9:]} HOAN TRA"

    till.books(debit(order, text=torn))

    assert (status(cashier, dossier), till.cases(), till.book()) == ("refunded", [], {})
    assert red(till.hub) == []


def test_an_order_that_was_paid_before_its_file_was_made_is_recognised(till: AccountTill, paid: str) -> None:
    order = approved(till, asked(till, paid))

    till.books(debit(order))

    assert (current(till, order).state, till.book(), till.cases()) == ("confirmed", {}, [])
    assert red(till.hub) == []


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda order: debit(order, amount=-order.amount + 1_000), "the order is of another amount"),
        (lambda order: debit(order, text=f"CT DI {UNKNOWN} HOAN TRA"), "no order has this reference"),
    ],
)
def test_a_debit_that_names_an_order_and_is_not_it_is_a_case(
    till: AccountTill, paid: str, change: Callable[[PaymentOrder], StatementMovement], why: str
) -> None:
    order = ordered(till, paid)
    move = change(order)

    till.books(move)

    [case] = till.hub.rows("SELECT code, facts ->> 'why' AS why, at_risk FROM fee_exception WHERE code = 'V05'")
    assert case == {"code": "V05", "why": why, "at_risk": -move.amount}
    assert (current(till, order).state, till.book()["642"]) == ("sent", -move.amount)
    assert red(till.hub) == []


def test_an_order_that_nobody_approved_and_that_left_the_account_is_a_case(till: AccountTill, paid: str) -> None:
    order = asked(till, paid)

    till.books(debit(order))

    assert (till.cases(), current(till, order).state) == (["V05"], "requested")
    assert till.book() == {"331": -DUE, "642": DUE}
    assert red(till.hub) == []


def test_an_order_that_the_bank_pays_twice_is_paid_once_and_a_case(till: AccountTill, paid: str) -> None:
    order = ordered(till, paid)

    till.books(debit(order), debit(order, ref="TT2"))

    assert (till.cases(), current(till, order).state, till.book()) == (["V05"], "confirmed", {"111": -DUE, "642": DUE})
    assert red(till.hub) == []


def test_a_debit_on_another_account_is_not_the_order(till: AccountTill, paid: str) -> None:
    order = ordered(till, paid)
    other = AccountTill(till.hub)
    other.statement = StatementDraft((), opening=1_000_000, day=ago(61), account=OTHER_ACCOUNT)

    other.books(debit(order))

    [case] = till.hub.rows("SELECT code, facts ->> 'why' AS why FROM fee_exception WHERE code <> 'N02'")
    assert case == {"code": "V05", "why": "the order is of another account"}
    assert current(till, order).state == "sent"
    assert red(till.hub) == []


def test_what_comes_back_is_owed_again_and_is_paid_to_another_account(
    till: AccountTill, cashier: Cashier, dossier: str, paid: str
) -> None:
    order = ordered(till, paid)
    till.books(debit(order))
    till.books(StatementMovement(DUE, f"HOAN TRA LENH {order.content} SAI SO TAI KHOAN", ref="TL1"))

    assert (current(till, order).state, refund_of(till, order)["state"], till.cases()) == ("failed", "failed", ["V04"])
    assert (till.book(), status(cashier, dossier)) == ({"111": DUE, "113": -DUE}, "refunded")
    assert red(till.hub) == []

    again = till.act(lambda uow: refunds.again(uow, order.subject_id, PAYEE, "tài khoản người nộp báo lại"))
    approved(till, again)
    till.books(debit(again))

    assert (refund_of(till, order)["state"], till.cases(), till.book()) == ("confirmed", [], {})
    assert red(till.hub) == []


def test_a_return_on_the_same_day_that_names_only_the_bank_s_number_is_the_order_s(
    till: AccountTill, paid: str
) -> None:
    order = ordered(till, paid)

    till.books(
        debit(order, ref="FT777001"), StatementMovement(DUE, "HUY LENH", ref="FT777002", e2e="FT777001", reversal=True)
    )

    assert (current(till, order).state, till.cases()) == ("failed", ["V04"])
    assert till.book() == {"111": DUE, "113": -DUE}
    assert red(till.hub) == []


def test_a_return_of_another_amount_is_unidentified_money_in_a_case(till: AccountTill, paid: str) -> None:
    order = ordered(till, paid)
    till.books(debit(order))

    till.books(StatementMovement(DUE - 1_100, f"HOAN TRA {order.reference} TRU PHI"))

    assert (till.cases(), current(till, order).state) == (["V04"], "confirmed")
    assert till.book() == {"111": DUE - 1_100, "338": 1_100 - DUE}
    assert red(till.hub) == []


def test_letters_like_an_order_s_in_a_payer_s_words_take_nothing_from_his_payment(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, f"{reference} {UNKNOWN}"))

    assert (status(cashier, dossier), till.cases(), till.passes()) == ("paid", [], ["P3"])
    assert red(till.hub) == []


def test_an_order_that_came_back_may_be_cancelled_and_its_money_is_owed_all_the_same(
    till: AccountTill, paid: str
) -> None:
    order = ordered(till, paid)
    till.books(debit(order))
    till.books(StatementMovement(DUE, f"HOAN TRA {order.reference}"))
    again = approved(till, till.act(lambda uow: refunds.again(uow, order.subject_id, PAYEE, "lần hai")))
    assert till.cases() == []

    till.act(lambda uow: orders.cancel(uow, again.id, "lại sai tài khoản"))

    assert (refund_of(till, order)["state"], till.cases()) == ("failed", ["V04"])
    assert till.book() == {"111": DUE, "113": -DUE}
    assert red(till.hub) == []


def test_a_day_matched_again_says_the_same_of_what_was_paid_out(till: AccountTill, paid: str) -> None:
    order = ordered(till, paid)
    day = till.books(debit(order), debit(order, amount=-5, text="KHONG RO", ref="X"))
    before = till.digest(day)

    assert till.matches(day).digest.hex() == before
    assert till.hub.rows("SELECT count(*) AS groups FROM match_group WHERE pass = 'PO'") == [{"groups": 1}]
