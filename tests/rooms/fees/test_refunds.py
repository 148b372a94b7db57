"""Refunds: from every place where money may stand, to the debit on our own statement; what goes wrong on the way."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from hub.errors import NotNow
from hub.fees import demands, orders
from hub.fees.refunds import asking
from tests.bank_files import Move
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till, red, status
from tests.rooms.fees.paying import PAYEE, approved, asked, debit, ordered, refund_of, stands
from tests.rooms.fees.telling import Provider


def payment(till: Till, amount: int | None = None) -> str:
    """The last payment of this amount."""
    rows = till.house.rows("SELECT id FROM payment WHERE amount = coalesce(%s, amount) ORDER BY id", amount)
    return str(rows[-1]["id"])


def cases(till: Till) -> list[dict[str, Any]]:
    return till.house.rows("SELECT code, state, resolution, maker, checker FROM exception_case WHERE code <> 'N02'")


def test_a_demand_s_money_goes_back_and_our_statement_shows_it(
    till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE, reference))
    order = ordered(till, cashier.demand(dossier)["id"])
    assert (status(cashier, dossier), till.book()) == ("refund_pending", {"111": DUE, "113": -DUE})

    till.books(debit(order))

    assert (status(cashier, dossier), till.book(), till.cases()) == ("refunded", {}, [])
    assert (stands(till, order).state, refund_of(till, order)["state"]) == ("confirmed", "confirmed")
    assert [(row["pass"], row["state"]) for row in till.lines()] == [("P3", "matched"), ("PO", "matched")]
    assert red(till.house) == []


def test_a_duplicate_goes_back_and_its_case_is_over(till: Till, cashier: Cashier, dossier: str, reference: str) -> None:
    till.books(Move(DUE, reference, ref="FT1"), Move(DUE, reference, ref="FT2"))
    [second] = till.house.rows("SELECT id FROM payment WHERE allocated = 0")
    assert till.cases() == ["R03"]

    order = ordered(till, second["id"])
    assert cases(till) == [
        {"code": "R03", "state": "resolved", "resolution": "refund", "maker": "ke-toan-a", "checker": "ke-toan-b"}
    ]
    till.books(debit(order))

    assert (status(cashier, dossier), till.book()) == ("paid", {"111": DUE, "331": -DUE})
    assert red(till.house) == []


def test_what_was_paid_too_much_goes_back_in_two_parts(
    till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE + 50_000, reference))
    first = ordered(till, payment(till), amount=20_000)
    assert (till.cases(), till.book()["339"]) == (["R05"], -30_000)
    second = ordered(till, payment(till))

    till.books(debit(first), debit(second))

    assert (second.amount, till.cases(), till.book()) == (30_000, [], {"111": DUE, "331": -DUE})
    assert red(till.house) == []


def test_what_nobody_could_place_goes_back_to_its_sender_and_is_joined_to_nothing_later(
    till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    demand = cashier.demand(dossier)["id"]
    with till.house.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET status = 'expired', expires_at = now() - interval '1 day'")
    day = till.books(Move(DUE, reference))
    assert (till.cases(), till.book()) == (["R06"], {"111": DUE, "338": -DUE})

    order = ordered(till, payment(till))
    assert (till.cases(), till.book()) == ([], {"111": DUE, "113": -DUE})
    till.act(lambda work: demands.renew(work, demand, "người nộp đề nghị"))
    till.matches(day)
    till.books(debit(order))

    assert (status(cashier, dossier), till.book(), till.cases()) == ("issued", {}, [])
    assert red(till.house) == []


def test_a_part_payment_goes_back_whole(till: Till, cashier: Cashier, dossier: str, reference: str) -> None:
    till.books(Move(100_000, reference))
    assert (till.cases(), status(cashier, dossier)) == (["R04"], "part_paid")

    till.books(debit(ordered(till, cashier.demand(dossier)["id"])))

    assert (status(cashier, dossier), till.book(), till.cases()) == ("refunded", {}, [])
    assert red(till.house) == []


def test_what_is_only_notified_is_not_given_back(
    till: Till, cashier: Cashier, provider: Provider, dossier: str, reference: str
) -> None:
    provider.tells(reference)

    with pytest.raises(NotNow, match="sao kê chưa có"):
        asked(till, cashier.demand(dossier)["id"])


def test_a_double_click_asks_once(till: Till, cashier: Cashier, dossier: str, reference: str) -> None:  # D6
    till.books(Move(DUE + 50_000, reference))
    asked(till, payment(till), amount=20_000)

    with pytest.raises(NotNow, match="đang chờ duyệt"):
        asked(till, payment(till), amount=20_000)
    assert till.house.rows("SELECT count(*) AS orders FROM payment_order") == [{"orders": 1}]


def test_two_officers_at_once_ask_once(till: Till, cashier: Cashier, dossier: str, reference: str) -> None:  # D6
    till.books(Move(DUE, reference))
    demand = cashier.demand(dossier)["id"]

    def ask(actor: str) -> str:
        try:
            return asked(till, demand, actor).state
        except NotNow:
            return "refused"

    with ThreadPoolExecutor(2) as pool:
        said = sorted(pool.map(ask, ("ke-toan-a", "ke-toan-b")))

    assert said == ["refused", "requested"]
    assert till.house.rows("SELECT count(*) AS refunds FROM refund") == [{"refunds": 1}]


def test_more_than_is_there_is_not_given_back_whoever_asks(till: Till, reference: str) -> None:
    till.books(Move(DUE + 50_000, reference))
    with pytest.raises(NotNow, match="chỉ còn 50000 đ"):
        asked(till, payment(till), amount=50_001)

    with till.house.db.connection() as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "INSERT INTO refund (id, source, item, amount, state, reason, due_on, requested_at)"
            " VALUES ('rf_1', '339', %s, 50001, 'requested', 'x', now(), now())",
            (payment(till),),
        )


def test_what_has_gone_elsewhere_since_it_was_asked_for_is_not_approved(
    till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE, reference, ref="FT1"))
    order = asked(till, cashier.demand(dossier)["id"])
    till.books(Move(-DUE, "SUA SAI", ref="FT2", e2e="FT1", reversal=True))

    with pytest.raises(NotNow, match="chỉ còn 0 đ"):
        approved(till, order)
    till.act(lambda work: orders.cancel(work, order.id, "ngân hàng đã thu hồi"))
    assert (refund_of(till, order)["state"], till.book()) == ("cancelled", {})
    assert red(till.house) == []


def test_a_cancelled_refund_leaves_all_as_it_was(till: Till, cashier: Cashier, dossier: str, reference: str) -> None:
    till.books(Move(DUE, reference), Move(77_000, "KHONG RO"))
    of_demand = approved(till, asked(till, cashier.demand(dossier)["id"]))
    of_sender = approved(till, asked(till, payment(till, 77_000)))
    assert (till.book(), till.cases()) == ({"111": DUE + 77_000, "113": -DUE - 77_000}, [])

    till.act(lambda work: orders.cancel(work, of_demand.id, "người nộp đổi ý"))
    till.act(lambda work: orders.cancel(work, of_sender.id, "người nộp đổi ý"))

    assert (status(cashier, dossier), till.cases()) == ("paid", ["R01"])
    assert till.book() == {"111": DUE + 77_000, "331": -DUE, "338": -77_000}
    assert red(till.house) == []


def test_a_refund_that_the_bank_did_not_pay_is_ordered_again(
    till: Till, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(Move(DUE, reference))
    order = ordered(till, cashier.demand(dossier)["id"])

    till.act(lambda work: orders.fail(work, order.id, "ngân hàng báo sai số tài khoản"))
    again = till.act(lambda work: asking.again(work, order.subject_id, PAYEE, "số tài khoản mới"))
    approved(till, again)
    till.act(lambda work: orders.send(work, again.id))
    till.books(debit(again))

    assert (status(cashier, dossier), till.book(), till.cases()) == ("refunded", {}, [])
    assert again.reference != order.reference
    assert red(till.house) == []
