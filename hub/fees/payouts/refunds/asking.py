"""Asking for a refund: from a demand, or of what a payment brought too much or for nobody; and again when it failed."""

from typing import Final

from hub.audit import AuditAction
from hub.clock import local
from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.fees import clerks
from hub.fees.demands import demand_store
from hub.fees.ledger import LedgerAccount
from hub.fees.payouts import orders
from hub.fees.payouts.orders.model import OrderState, Payee, PaymentOrder
from hub.fees.payouts.refunds import order_events, store
from hub.fees.payouts.refunds.store import Refund
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id

PURPOSE: Final = "refund"
WORKING_DAYS: Final = 5
"""within which its payer is to have the money"""


def request(uow: UnitOfWork, item: str, payee: Payee, reason: str, *, amount: int | None = None) -> PaymentOrder:
    """Ask for what stands of ``item`` (a demand, a payment or a line) to be given back, all of it or ``amount``.

    The order that it is paid by waits for another person. Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_proposes(uow)
    source = _source(uow.conn, item)
    account = _account(uow.conn, source, item)
    amount_asked = store.standing(uow.conn, item).get(source, 0) if amount is None else amount
    if amount_asked <= 0:
        raise InvalidState(vi("nothing is left to refund"))
    order_events.check(uow, source, item, amount_asked)
    refund = Refund(
        id=new_id(Prefix.REFUND),
        source=source,
        item=item,
        amount=amount_asked,
        state=OrderState.REQUESTED,
        reason=reason,
        due_on=uow.calendar.after(local(uow.now).date(), WORKING_DAYS),
        requested_at=uow.now,
        booked_at=None,
        exception_ids=[],
    )
    store.add(uow.conn, refund)
    uow.write_audit(
        refund.id, AuditAction.REFUND_REQUESTED, after=OrderState.REQUESTED, reason=f"{source} {item} {amount_asked}"
    )
    return orders.place(uow, PURPOSE, refund.id, account, amount_asked, payee, reason)


def again(uow: UnitOfWork, refund_id: str, payee: Payee, reason: str) -> PaymentOrder:
    """Order what the bank did not pay, or what came back, once more; to another account if need be.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_proposes(uow)
    refund = order_events.lock(uow, refund_id)
    if refund.state is not OrderState.FAILED:
        raise InvalidState(
            vi(
                "refund {refund_id} is {state}: an order is made again only where the last one could not be paid",
                refund_id=refund_id,
                state=refund.state,
            )
        )
    account = _account(uow.conn, refund.source, refund.item)
    store.move(uow.conn, refund, OrderState.REQUESTED, booked_at=refund.booked_at)
    uow.write_audit(
        refund.id, AuditAction.REFUND_REQUESTED, before=refund.state, after=OrderState.REQUESTED, reason=reason
    )
    return orders.place(uow, PURPOSE, refund.id, account, refund.amount, payee, reason)


def _account(conn: Connection, source: LedgerAccount, item: str) -> str:
    """The account of ours into which it came; locked. Raises NotFound."""
    if source is LedgerAccount.PAYABLE:
        return demand_store.lock(conn, item).account
    return store.money(conn, item).account


def _source(conn: Connection, item: str) -> LedgerAccount:
    """Where it stands. Raises NotFound, InvalidState."""
    if item.startswith(f"{Prefix.FEE_DEMAND.value}_"):
        return LedgerAccount.PAYABLE
    amounts = store.standing(conn, item)
    if not amounts:
        raise NotFound(vi("{item} has no money on 338 or 339", item=item))
    if len(amounts) > 1:
        raise InvalidState(
            vi(
                "{item} is on {listed}: resolve the exception of one of them first",
                item=item,
                listed=vi(" and ").join(amounts),
            )
        )
    return next(iter(amounts))
