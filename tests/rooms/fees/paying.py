"""Paying out, for the tests: refunds that are asked for and approved by different persons, and what the bank books."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hub.fees import orders
from hub.fees.orders import Order, Payee, store
from hub.fees.refunds import asking
from tests.bank_files import Move

if TYPE_CHECKING:
    from tests.rooms.fees.matching import Till

PAYEE: Final = Payee(bank_bin="970436", account="0011223344", holder="Nguyễn Thị Thử Nghiệm")


def asked(till: "Till", item: str, actor: str = "ke-toan-a", **more: Any) -> Order:
    """Somebody asks for a refund of what stands of ``item``; the order that waits for another person."""
    order = till.act(lambda work: asking.request(work, item, PAYEE, "người nộp đề nghị", **more), actor)
    assert isinstance(order, Order)
    return order


def approved(till: "Till", order: Order) -> Order:
    """Another person agrees."""
    till.act(lambda work: orders.approve(work, order.id, "đồng ý"), "ke-toan-b")
    return stands(till, order)


def ordered(till: "Till", item: str, **more: Any) -> Order:
    """Asked for, approved, and the bank was told."""
    order = approved(till, asked(till, item, **more))
    till.act(lambda work: orders.send(work, order.id))
    return stands(till, order)


def stands(till: "Till", order: Order) -> Order:
    """The order as it is now."""
    with till.house.db.connection() as conn:
        return store.find(conn, order.id)


def debit(order: Order, **changes: Any) -> Move:
    """What our bank books when it pays the order."""
    told = Move(-order.amount, f"CT DI {order.content}", ref=f"TT{order.id[-6:]}")
    return replace(told, **changes)


def refund_of(till: "Till", order: Order) -> dict[str, Any]:
    """The refund that the order pays."""
    [row] = till.house.rows("SELECT * FROM refund WHERE id = %s", order.subject_id)
    return row
