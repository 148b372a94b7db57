"""Payment orders: asked for by one person, approved by another, and never changed."""

import psycopg
import pytest

from hub.errors import NotNow
from hub.fees import orders
from tests.bank_files import Move
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till, red, status
from tests.rooms.fees.paying import asked


@pytest.fixture
def paid(till: Till, cashier: Cashier, dossier: str, reference: str) -> str:
    """A demand whose money is on the statement; its id."""
    till.books(Move(DUE, reference))
    return str(cashier.demand(dossier)["id"])


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
