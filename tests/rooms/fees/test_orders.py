"""Payment orders: asked for by one person, approved by another, and never changed."""

from typing import Any

import psycopg
import pytest

from hub.errors import NotNow
from hub.fees import orders
from hub.fees.orders import Payee
from hub.fees.refunds import asking
from tests.bank_files import Move
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till, red, status

PAYEE = Payee(bank_bin="970436", account="0011223344", holder="Nguyễn Thị Thử Nghiệm")


@pytest.fixture
def paid(till: Till, cashier: Cashier, dossier: str, reference: str) -> str:
    """A demand whose money is on the statement; its id."""
    till.books(Move(DUE, reference))
    return str(cashier.demand(dossier)["id"])


def asked(till: Till, item: str, actor: str = "ke-toan-a", **more: Any) -> orders.Order:
    """Somebody asks for a refund."""
    order = till.act(lambda work: asking.request(work, item, PAYEE, "người nộp đề nghị", **more), actor)
    assert isinstance(order, orders.Order)
    return order


def test_an_order_takes_two_persons(till: Till, cashier: Cashier, dossier: str, paid: str) -> None:
    order = asked(till, paid)

    assert (status(cashier, dossier), till.book()) == ("paid", {"111": DUE, "331": -DUE})
    with pytest.raises(NotNow, match="another person"):
        till.act(lambda work: orders.approve(work, order.id, "đồng ý"), "ke-toan-a")
    till.act(lambda work: orders.approve(work, order.id, "đồng ý"), "ke-toan-b")

    assert (status(cashier, dossier), till.book()) == ("refund_pending", {"111": DUE, "113": -DUE})
    assert red(till.house) == []


def test_the_database_refuses_an_order_that_one_person_approves(till: Till, paid: str) -> None:
    order = asked(till, paid)

    with till.house.db.connection() as conn, pytest.raises(psycopg.errors.CheckViolation):
        conn.execute(
            "UPDATE payment_order SET state = 'approved', checker = maker, approved_at = now() WHERE id = %s",
            (order.id,),
        )
