"""Refunds (hoàn trả): money that came and goes back to its payer, by a payment order.

One is requested of a demand, or of what a payment brought too much or for nobody, and again when its order failed. Then
the handler of its orders: approved, the money leaves its account for 113; shown on a statement, it is gone. A payment
that was given back whole out of 338 is ``refunded``, so that no later run joins it to a demand.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from hub.audit import AuditAction
from hub.clock import local
from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.events import Event
from hub.fees import clerks, exceptions, payments
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.model import DemandStatusCode
from hub.fees.ledger import LedgerAccount, LedgerEntry, Origin, postings
from hub.fees.ledger.entry import posted
from hub.fees.payouts import orders, refund_store
from hub.fees.payouts.orders import OrderState, Payee, PaymentOrder, SettledOrder
from hub.fees.payouts.refund_store import Refund
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
    amount_asked = refund_store.standing(uow.conn, item).get(source, 0) if amount is None else amount
    if amount_asked <= 0:
        raise InvalidState(vi("nothing is left to refund"))
    check(uow, source, item, amount_asked)
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
    refund_store.add(uow.conn, refund)
    uow.write_audit(
        refund.id, AuditAction.REFUND_REQUESTED, after=OrderState.REQUESTED, reason=f"{source} {item} {amount_asked}"
    )
    return orders.place(uow, PURPOSE, refund.id, account, amount_asked, payee, reason)


def again(uow: UnitOfWork, refund_id: str, payee: Payee, reason: str) -> PaymentOrder:
    """Order what the bank did not pay, or what came back, once more; to another account if need be.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_proposes(uow)
    refund = lock(uow, refund_id)
    if refund.state is not OrderState.FAILED:
        raise InvalidState(
            vi(
                "refund {refund_id} is {state}: an order is made again only where the last one could not be paid",
                refund_id=refund_id,
                state=refund.state,
            )
        )
    account = _account(uow.conn, refund.source, refund.item)
    refund_store.move(uow.conn, refund, OrderState.REQUESTED, booked_at=refund.booked_at)
    uow.write_audit(
        refund.id, AuditAction.REFUND_REQUESTED, before=refund.state, after=OrderState.REQUESTED, reason=reason
    )
    return orders.place(uow, PURPOSE, refund.id, account, refund.amount, payee, reason)


def _account(conn: Connection, source: LedgerAccount, item: str) -> str:
    """The account of ours into which it came; locked. Raises NotFound."""
    if source is LedgerAccount.PAYABLE:
        return demand_store.lock(conn, item).account
    return refund_store.money(conn, item).account


def _source(conn: Connection, item: str) -> LedgerAccount:
    """Where it stands. Raises NotFound, InvalidState."""
    if item.startswith(f"{Prefix.FEE_DEMAND.value}_"):
        return LedgerAccount.PAYABLE
    amounts = refund_store.standing(conn, item)
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


SOURCE: Final = "refund"
_AUDIT_ACTIONS: Final = {
    OrderState.APPROVED: AuditAction.REFUND_APPROVED,
    OrderState.SENT: AuditAction.REFUND_SENT,
    OrderState.CONFIRMED: AuditAction.REFUND_CONFIRMED,
    OrderState.FAILED: AuditAction.REFUND_FAILED,
    OrderState.CANCELLED: AuditAction.REFUND_CANCELLED,
}
RETURNED: Final = "V04"
_OF_DEMAND: Final = ("R04", "R07")
_OF_MONEY: Final = ("R01", "R02", "R03", "R05", "R06", "R07", "R09", "P01", "N03", RETURNED)
"""exceptions that are over when nothing of the money that they are about stands there any more"""


def lock(uow: UnitOfWork, refund_id: str) -> Refund:
    """The refund, ours until the transaction ends: behind its demand's dossier, or behind its payment."""
    refund = refund_store.find(uow.conn, refund_id)
    if refund.source is LedgerAccount.PAYABLE:
        demand_store.lock(uow.conn, refund.item)
    else:
        refund_store.money(uow.conn, refund.item)
    return refund_store.find(uow.conn, refund_id, lock=True)


def check(uow: UnitOfWork, source: LedgerAccount, item: str, amount: int) -> None:
    """What is to be given back is there, and a statement has shown it. Raises NotFound, InvalidState."""
    available = refund_store.standing(uow.conn, item).get(source, 0)
    if amount > available:
        raise InvalidState(
            vi("{amount} VND to refund, but only {available} VND are left", amount=amount, available=available)
        )
    if source is not LedgerAccount.PAYABLE:
        if refund_store.money(uow.conn, item).status not in payments.SHOWN:
            raise InvalidState(vi("the statement does not have this money yet: wait for it, then refund"))
        return
    demand = demand_store.lock(uow.conn, item)
    if demand.allocated != amount:
        raise InvalidState(
            vi(
                "all that was paid for this reference has to be refunded: {allocated} VND, not {amount} VND",
                allocated=demand.allocated,
                amount=amount,
            )
        )
    if demand.confirmed != demand.allocated:
        raise InvalidState(vi("the statement does not have all of this money yet: wait for it, then refund"))


def approved(uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
    """It leaves its account, and the exceptions about it are over.

    Raises InvalidState where it is not there any more.
    """
    refund = refund_store.find(uow.conn, order.subject_id)
    if refund.booked_at is not None:  # it was paid once and came back: it stands on 113 already
        over = _over(uow, refund, order, (RETURNED,), "refund")
        _move(uow, refund, OrderState.APPROVED, booked_at=refund.booked_at, over=over)
        return SettledOrder()
    check(uow, refund.source, refund.item, refund.amount)
    is_whole = refund_store.standing(uow.conn, refund.item)[refund.source] == refund.amount
    events: list[Event] = []
    if refund.source is LedgerAccount.PAYABLE:
        entry = postings.refund_ordered(_own(origin, refund), refund.id, refund_store.shares(uow.conn, refund.item))
        events = demand_commands.order_refund(uow, refund.item, refund.id)
    else:
        entry = _of_money(refund, origin)
        if refund.source is LedgerAccount.UNIDENTIFIED and is_whole:
            refund_store.place(uow.conn, refund.item, gone=True)
    over = _close(uow, refund, order) if is_whole else []
    _move(uow, refund, OrderState.APPROVED, booked_at=uow.now, over=over)
    return SettledOrder(events, [entry])


def _of_money(refund: Refund, origin: Origin) -> LedgerEntry:
    if refund.source is LedgerAccount.OVERPAID:
        return postings.refund_ordered(_own(origin, refund), refund.id, overpaid=[(refund.item, refund.amount)])
    return postings.refund_of_unidentified(_own(origin, refund), refund.id, refund.item, refund.amount)


def _close(uow: UnitOfWork, refund: Refund, order: PaymentOrder) -> list[str]:
    of_demand = refund.source is LedgerAccount.PAYABLE
    how = "return_to_sender" if refund.source is LedgerAccount.UNIDENTIFIED else "refund"
    codes = _OF_DEMAND if of_demand else _OF_MONEY
    return _over(uow, refund, order, codes, how)


def _over(uow: UnitOfWork, refund: Refund, order: PaymentOrder, codes: Sequence[str], how: str) -> list[str]:
    resolved = exceptions.resolve_refunded(
        uow.conn,
        codes,
        item=refund.item,
        lines=refund_store.lines_of(uow.conn, refund.item),
        refund=refund.id,
        resolution=how,
        maker=order.maker,
        checker=uow.actor,
    )
    for exception_id in resolved:
        uow.write_audit(exception_id, AuditAction.EXCEPTION_RESOLVED, after="resolved", reason=f"{how} {refund.id}")
    return resolved


def cancelled(uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
    """It is not given back after all: where it stood, it stands again, and so do its exceptions."""
    refund = refund_store.find(uow.conn, order.subject_id)
    if refund_store.was_paid(uow.conn, refund.id):
        if refund.state is OrderState.APPROVED:
            _reopen(uow, refund)
        _move(uow, refund, OrderState.FAILED, booked_at=refund.booked_at)  # its payer is owed it all the same
        return SettledOrder()
    settled = SettledOrder()
    entry = posted(uow.conn, SOURCE, refund.id, "refund_ordered")
    if entry is not None:
        settled.entries.append(postings.mirrored(entry, "refund_cancelled", _own(origin, refund)))
        if refund.source is LedgerAccount.PAYABLE:
            settled.events.extend(demand_commands.keep(uow, refund.item, refund.id))
        elif refund.source is LedgerAccount.UNIDENTIFIED:
            refund_store.place(uow.conn, refund.item, gone=False)
        _reopen(uow, refund)
    _move(uow, refund, OrderState.CANCELLED, booked_at=None)
    return settled


def _reopen(uow: UnitOfWork, refund: Refund) -> None:
    for exception_id in exceptions.reopen(uow.conn, refund.exception_ids):
        uow.write_audit(
            exception_id,
            AuditAction.EXCEPTION_REOPENED,
            before="resolved",
            after="open",
            reason=f"{refund.id} was cancelled",
            details={"refund_id": refund.id},
        )


def sent(uow: UnitOfWork, order: PaymentOrder) -> None:
    """The bank was told."""
    refund = refund_store.find(uow.conn, order.subject_id)
    _move(uow, refund, OrderState.SENT, booked_at=refund.booked_at)


def failed(uow: UnitOfWork, order: PaymentOrder) -> None:
    """The bank did not pay: it stands on 113 until it is ordered again."""
    refund = refund_store.find(uow.conn, order.subject_id)
    _move(uow, refund, OrderState.FAILED, booked_at=refund.booked_at)


def paid(uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
    """Our own statement shows it: the payer has the money."""
    refund = refund_store.find(uow.conn, order.subject_id)
    settled = SettledOrder(entries=[postings.refund_line(origin, refund.id, refund.amount)])
    if refund.source is LedgerAccount.PAYABLE:
        demand = demand_store.lock(uow.conn, refund.item)
        if demand.status == DemandStatusCode.REFUND_PENDING:
            payments.release(uow.conn, demand.id)
            settled.events.extend(demand_commands.refunded(uow, demand.id, by=refund.id))
    _move(uow, refund, OrderState.CONFIRMED, booked_at=None)
    return settled


def open_overdue(_: UnitOfWork, __: str, ___: date) -> int:
    """None: the list of refunds shows which are past their day."""
    return 0


def returned(uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
    """It came back: its payer is still owed it, and a person finds out where it is to go (V04)."""
    refund = refund_store.find(uow.conn, order.subject_id)
    _move(uow, refund, OrderState.FAILED, booked_at=uow.now)
    facts = {"refund": refund.id, "order": order.id, "reference": order.reference, "returned_by": origin.source_id}
    exceptions.open_exception(uow, RETURNED, SOURCE, refund.id, refund.amount, facts)
    return SettledOrder(entries=[postings.refund_returned(origin, refund.id, refund.amount)])


def _move(
    uow: UnitOfWork, refund: Refund, to: OrderState, *, booked_at: datetime | None, over: Sequence[str] | None = None
) -> None:
    refund_store.move(uow.conn, refund, to, booked_at=booked_at, exception_ids=over)
    uow.write_audit(
        refund.id, _AUDIT_ACTIONS[to], before=refund.state, after=to, reason=f"{refund.source} {refund.item}"
    )


def _own(origin: Origin, refund: Refund) -> Origin:
    return replace(origin, source_type=SOURCE, source_id=refund.id)
