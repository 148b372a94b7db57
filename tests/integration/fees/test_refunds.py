"""Refunds: from every place where money may stand, to the debit on our own statement; what goes wrong on the way."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from hub.errors import InvalidState
from hub.fees.demands import demand_commands
from hub.fees.payouts import orders, refunds
from tests.bank_files import StatementMovement
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red, status
from tests.integration.fees.paying import PAYEE, approved, asked, current, debit, ordered, refund_of
from tests.integration.fees.telling import NotifyingProvider


def payment(till: AccountTill, amount: int | None = None) -> str:
    """The last payment of this amount."""
    rows = till.hub.rows("SELECT id FROM payment WHERE amount = coalesce(%s, amount) ORDER BY id", amount)
    return str(rows[-1]["id"])


def cases(till: AccountTill) -> list[dict[str, Any]]:
    return till.hub.rows("SELECT code, state, resolution, maker, checker FROM fee_exception WHERE code <> 'N02'")


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_demand_s_money_goes_back_and_our_statement_shows_it(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    order = ordered(till, cashier.demand(dossier)["id"])
    assert (status(cashier, dossier), till.book()) == ("refund_pending", {"111": DUE, "113": -DUE})

    till.books(debit(order))

    assert (status(cashier, dossier), till.book(), till.cases()) == ("refunded", {}, [])
    assert (current(till, order).state, refund_of(till, order)["state"]) == ("confirmed", "confirmed")
    assert [(row["pass"], row["state"]) for row in till.lines()] == [("P3", "matched"), ("PO", "matched")]
    assert red(till.hub) == []


def test_a_duplicate_goes_back_and_its_case_is_over(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"), StatementMovement(DUE, reference, ref="FT2"))
    [second] = till.hub.rows("SELECT id FROM payment WHERE allocated = 0")
    assert till.cases() == ["R03"]

    order = ordered(till, second["id"])
    assert cases(till) == [
        {"code": "R03", "state": "resolved", "resolution": "refund", "maker": "ke-toan-a", "checker": "ke-toan-b"}
    ]
    till.books(debit(order))

    assert (status(cashier, dossier), till.book()) == ("paid", {"111": DUE, "331": -DUE})
    assert red(till.hub) == []


def test_what_was_paid_too_much_goes_back_in_two_parts(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE + 50_000, reference))
    first = ordered(till, payment(till), amount=20_000)
    assert (till.cases(), till.book()["339"]) == (["R05"], -30_000)
    second = ordered(till, payment(till))

    till.books(debit(first), debit(second))

    assert (second.amount, till.cases(), till.book()) == (30_000, [], {"111": DUE, "331": -DUE})
    assert red(till.hub) == []


@pytest.mark.database_roles("owner", "hub_worker")
def test_what_nobody_could_place_goes_back_to_its_sender_and_is_joined_to_nothing_later(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    demand = cashier.demand(dossier)["id"]
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET status = 'expired', expires_at = now() - interval '1 day'")
    day = till.books(StatementMovement(DUE, reference))
    assert (till.cases(), till.book()) == (["R06"], {"111": DUE, "338": -DUE})

    order = ordered(till, payment(till))
    assert (till.cases(), till.book()) == ([], {"111": DUE, "113": -DUE})
    till.act(lambda uow: demand_commands.renew(uow, demand, "người nộp đề nghị"))
    till.matches(day)
    till.books(debit(order))

    assert (status(cashier, dossier), till.book(), till.cases()) == ("issued", {}, [])
    assert red(till.hub) == []


def test_a_part_payment_goes_back_whole(till: AccountTill, cashier: Cashier, dossier: str, reference: str) -> None:
    till.books(StatementMovement(100_000, reference))
    assert (till.cases(), status(cashier, dossier)) == (["R04"], "part_paid")

    till.books(debit(ordered(till, cashier.demand(dossier)["id"])))

    assert (status(cashier, dossier), till.book(), till.cases()) == ("refunded", {}, [])
    assert red(till.hub) == []


def test_what_is_only_notified_is_not_given_back(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    provider.tells(reference)

    with pytest.raises(InvalidState, match="sao kê chưa có"):
        asked(till, cashier.demand(dossier)["id"])


def test_a_double_click_asks_once(till: AccountTill, cashier: Cashier, dossier: str, reference: str) -> None:  # D6
    till.books(StatementMovement(DUE + 50_000, reference))
    asked(till, payment(till), amount=20_000)

    with pytest.raises(InvalidState, match="đang chờ duyệt"):
        asked(till, payment(till), amount=20_000)
    assert till.hub.rows("SELECT count(*) AS orders FROM payment_order") == [{"orders": 1}]


def test_two_officers_at_once_ask_once(till: AccountTill, cashier: Cashier, dossier: str, reference: str) -> None:  # D6
    till.books(StatementMovement(DUE, reference))
    demand = cashier.demand(dossier)["id"]

    def ask(actor: str) -> str:
        try:
            return asked(till, demand, actor).state
        except InvalidState:
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        states = sorted(pool.map(ask, ("ke-toan-a", "ke-toan-b")))

    assert states == ["refused", "requested"]
    assert till.hub.rows("SELECT count(*) AS refunds FROM refund") == [{"refunds": 1}]


def test_more_than_is_there_is_not_given_back_whoever_asks(till: AccountTill, reference: str) -> None:
    till.books(StatementMovement(DUE + 50_000, reference))
    with pytest.raises(InvalidState, match="chỉ còn 50000 đ"):
        asked(till, payment(till), amount=50_001)

    with till.hub.db.connection() as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "INSERT INTO refund (id, source, item, amount, state, reason, due_on, requested_at)"
            " VALUES ('rf_1', '339', %s, 50001, 'requested', 'x', now(), now())",
            (payment(till),),
        )


def test_what_has_gone_elsewhere_since_it_was_asked_for_is_not_approved(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    order = asked(till, cashier.demand(dossier)["id"])
    till.books(StatementMovement(-DUE, "SUA SAI", ref="FT2", e2e="FT1", reversal=True))

    with pytest.raises(InvalidState, match="chỉ còn 0 đ"):
        approved(till, order)
    till.act(lambda uow: orders.cancel(uow, order.id, "ngân hàng đã thu hồi"))
    assert (refund_of(till, order)["state"], till.book()) == ("cancelled", {})
    assert red(till.hub) == []


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_cancelled_refund_leaves_all_as_it_was(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference), StatementMovement(77_000, "KHONG RO"))
    of_demand = approved(till, asked(till, cashier.demand(dossier)["id"]))
    of_sender = approved(till, asked(till, payment(till, 77_000)))
    assert (till.book(), till.cases()) == ({"111": DUE + 77_000, "113": -DUE - 77_000}, [])

    till.act(lambda uow: orders.cancel(uow, of_demand.id, "người nộp đổi ý"))
    till.act(lambda uow: orders.cancel(uow, of_sender.id, "người nộp đổi ý"))

    assert (status(cashier, dossier), till.cases()) == ("paid", ["R01"])
    assert till.book() == {"111": DUE + 77_000, "331": -DUE, "338": -77_000}
    assert red(till.hub) == []


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_refund_that_the_bank_did_not_pay_is_ordered_again(
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    order = ordered(till, cashier.demand(dossier)["id"])

    till.act(lambda uow: orders.fail(uow, order.id, "ngân hàng báo sai số tài khoản"))
    again = till.act(lambda uow: refunds.again(uow, order.subject_id, PAYEE, "số tài khoản mới"))
    approved(till, again)
    till.act(lambda uow: orders.send(uow, again.id))
    till.books(debit(again))

    assert (status(cashier, dossier), till.book(), till.cases()) == ("refunded", {}, [])
    assert again.reference != order.reference
    assert red(till.hub) == []
