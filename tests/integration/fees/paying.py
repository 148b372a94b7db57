"""Paying out, for the tests: refunds that are asked for and approved by different persons, and what the bank books."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from hub.fees.payouts import orders, refunds
from hub.fees.payouts.orders import Payee, PaymentOrder
from tests.bank_files import StatementMovement

if TYPE_CHECKING:
    from tests.integration.fees.matching import AccountTill

PAYEE: Final = Payee(bank_bin="970436", account="0011223344", holder="Nguyễn Thị Thử Nghiệm")


def asked(till: "AccountTill", item: str, actor: str = "ke-toan-a", **more: Any) -> PaymentOrder:
    """Somebody asks for a refund of what stands of ``item``; the order that waits for another person."""
    order = till.act(lambda uow: refunds.request(uow, item, PAYEE, "người nộp đề nghị", **more), actor)
    assert isinstance(order, PaymentOrder)
    return order


def approved(till: "AccountTill", order: PaymentOrder) -> PaymentOrder:
    """Another person agrees."""
    till.act(lambda uow: orders.approve(uow, order.id, "đồng ý"), "ke-toan-b")
    return current(till, order)


def ordered(till: "AccountTill", item: str, **more: Any) -> PaymentOrder:
    """Asked for, approved, and the bank was told."""
    order = approved(till, asked(till, item, **more))
    till.act(lambda uow: orders.send(uow, order.id))
    return current(till, order)


def current(till: "AccountTill", order: PaymentOrder) -> PaymentOrder:
    """The order as it is now."""
    with till.hub.db.connection() as conn:
        return orders.find(conn, order.id)


def debit(order: PaymentOrder, **changes: Any) -> StatementMovement:
    """What our bank books when it pays the order."""
    movement = StatementMovement(-order.amount, f"CT DI {order.content}", ref=f"TT{order.id[-6:]}")
    return replace(movement, **changes)


def refund_of(till: "AccountTill", order: PaymentOrder) -> dict[str, Any]:
    """The refund that the order pays."""
    [row] = till.hub.rows("SELECT * FROM refund WHERE id = %s", order.subject_id)
    return row
