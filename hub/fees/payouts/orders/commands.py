"""Commands on payment orders: place, approve (another person), send to the bank, cancel, fail, paid, returned.

Each locks the subject before the order and writes the ledger last. The handler of the order's purpose (model.handler)
does what follows for the refund or settlement behind it.
"""

from typing import Final

from hub.audit import AuditAction
from hub.clock import local
from hub.errors import InvalidState, NotConfigured
from hub.events import Event
from hub.fees import clerks, payments
from hub.fees.ledger import Origin, post_all
from hub.fees.payouts.orders import model, store
from hub.fees.payouts.orders.model import OrderState, Payee, PaymentOrder, SettledOrder
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id

SOURCE: Final = "payment_order"
_AUDIT_ACTIONS: Final = {
    OrderState.APPROVED: AuditAction.PAYMENT_ORDER_APPROVED,
    OrderState.SENT: AuditAction.PAYMENT_ORDER_SENT,
    OrderState.FAILED: AuditAction.PAYMENT_ORDER_FAILED,
    OrderState.CANCELLED: AuditAction.PAYMENT_ORDER_CANCELLED,
}
"""of the ledger entries of an order before a statement line shows it"""


def place(
    uow: UnitOfWork, purpose: str, subject_id: str, account: str, amount: int, payee: Payee, reason: str
) -> PaymentOrder:
    """Ask for ``amount`` to be paid from our ``account``; another person approves it.

    Raises InvalidState where the same subject is ordered already, NotConfigured where nothing is collected, Forbidden.
    """
    clerks.check_proposes(uow)
    fee_settings = uow.catalogue.fee_settings
    if fee_settings is None:
        raise NotConfigured(vi("the catalogue has no fees.toml: nothing can be paid out"))
    order = PaymentOrder(
        id=new_id(Prefix.PAYMENT_ORDER),
        purpose=purpose,
        subject_id=subject_id,
        reference=store.next_reference(uow.conn, fee_settings.order_prefix),
        account=account,
        amount=amount,
        payee=payee,
        state=OrderState.REQUESTED,
        maker=uow.actor,
        checker=None,
        reason=reason,
        requested_at=uow.now,
        approved_at=None,
        sent_at=None,
        settled_at=None,
        line_id=None,
        returned_line_id=None,
    )
    store.add(uow.conn, order)
    summary = f"{subject_id} {order.reference} {amount}"
    uow.write_audit(order.id, AuditAction.PAYMENT_ORDER_REQUESTED, after=OrderState.REQUESTED, reason=summary)
    return order


def approve(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """Approve the order as another person than its maker. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    order = locked(uow, name)
    order.check(OrderState.APPROVED)
    clerks.check_agrees(uow, order.maker)
    settled = model.handler(order).approved(uow, order, origin(uow, order))
    store.move(uow.conn, order, OrderState.APPROVED, at=uow.now, checker=uow.actor)
    return finish(uow, order, OrderState.APPROVED, settled, reason)


def send(uow: UnitOfWork, name: str) -> PaymentOrder:
    """Mark the order as sent to the bank, whose file paper.py makes; again for a sent one only repeats the file.

    Returns the order as it is now. Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    order = locked(uow, name)
    if order.state is OrderState.SENT:
        uow.write_audit(order.id, AuditAction.PAYMENT_ORDER_FILE_RECREATED)
        return order
    order.check(OrderState.SENT)
    model.handler(order).sent(uow, order)
    store.move(uow.conn, order, OrderState.SENT, at=uow.now)
    finish(uow, order, OrderState.SENT, SettledOrder(), None)
    return store.find(uow.conn, order.id)


def cancel(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """Cancel an order that was not sent to the bank. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    order = locked(uow, name)
    order.check(OrderState.CANCELLED)
    settled = model.handler(order).cancelled(uow, order, origin(uow, order))
    store.move(uow.conn, order, OrderState.CANCELLED, at=uow.now)
    return finish(uow, order, OrderState.CANCELLED, settled, reason)


def fail(uow: UnitOfWork, name: str, reason: str) -> list[Event]:
    """Record that the bank did not pay: the money never left. Raises NotFound, InvalidState, Forbidden."""
    clerks.check_clerk(uow)
    order = locked(uow, name)
    if order.state is not OrderState.SENT:
        raise InvalidState(
            vi("payment order {id} is {state}: only one sent to the bank can fail", id=order.id, state=order.state)
        )
    model.handler(order).failed(uow, order)
    store.move(uow.conn, order, OrderState.FAILED, at=uow.now)
    return finish(uow, order, OrderState.FAILED, SettledOrder(), reason)


def paid(uow: UnitOfWork, order: PaymentOrder, line: int, line_origin: Origin) -> SettledOrder:
    """Record that our own debit line shows a locked order. The caller publishes the events and posts the entries."""
    settled = model.handler(order).paid(uow, order, line_origin)
    store.move(uow.conn, order, OrderState.CONFIRMED, at=uow.now, line=line)
    _audit_line(uow, order, AuditAction.PAYMENT_ORDER_CONFIRMED, OrderState.CONFIRMED, line)
    return settled


def returned(uow: UnitOfWork, order: PaymentOrder, line: int, line_origin: Origin) -> SettledOrder:
    """Record that the money of a paid, locked order came back by this credit line. The caller does as for ``paid``."""
    settled = model.handler(order).returned(uow, order, line_origin)
    store.move(uow.conn, order, OrderState.FAILED, at=uow.now, returned=line)
    _audit_line(uow, order, AuditAction.PAYMENT_ORDER_RETURNED, OrderState.FAILED, line)
    return settled


def _audit_line(uow: UnitOfWork, order: PaymentOrder, action: AuditAction, to: OrderState, line: int) -> None:
    uow.write_audit(order.id, action, before=order.state, after=to, reason=f"line {line}", details={"line_id": line})


def locked(uow: UnitOfWork, name: str) -> PaymentOrder:
    """Lock the order, and before it what is behind its subject. Raises NotFound."""
    order = store.find(uow.conn, name)
    model.handler(order).lock(uow, order.subject_id)
    return store.find(uow.conn, order.id, lock=True)


def origin(uow: UnitOfWork, order: PaymentOrder) -> Origin:
    """The origin of today's ledger entries of an order that no statement line shows."""
    return payments.origin_on(uow, SOURCE, order.id, order.account, local(uow.now).date())


def finish(
    uow: UnitOfWork, order: PaymentOrder, to: OrderState, settled: SettledOrder, reason: str | None
) -> list[Event]:
    uow.write_audit(order.id, _AUDIT_ACTIONS[to], before=order.state, after=to, reason=reason)
    post_all(uow.conn, settled.entries)
    return settled.events
