"""The handler of payment orders for refunds: approved, it leaves its account for 113; shown, it is gone.

A payment that was given back whole out of 338 is ``refunded``, so that no later run joins it to a demand.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Final

from hub.audit import AuditAction
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import exceptions, payments
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.model import DemandStatusCode
from hub.fees.ledger import LedgerAccount, LedgerEntry, Origin, postings
from hub.fees.ledger.book import posted
from hub.fees.payouts.orders.model import OrderState, PaymentOrder, SettledOrder
from hub.fees.payouts.refunds import store
from hub.fees.payouts.refunds.store import Refund
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

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
    refund = store.find(uow.conn, refund_id)
    if refund.source is LedgerAccount.PAYABLE:
        demand_store.lock(uow.conn, refund.item)
    else:
        store.money(uow.conn, refund.item)
    return store.find(uow.conn, refund_id, lock=True)


def check(uow: UnitOfWork, source: LedgerAccount, item: str, amount: int) -> None:
    """What is to be given back is there, and a statement has shown it. Raises NotFound, InvalidState."""
    available = store.standing(uow.conn, item).get(source, 0)
    if amount > available:
        raise InvalidState(
            vi("{amount} VND to refund, but only {available} VND are left", amount=amount, available=available)
        )
    if source is not LedgerAccount.PAYABLE:
        if store.money(uow.conn, item).status not in payments.SHOWN:
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
    refund = store.find(uow.conn, order.subject_id)
    if refund.booked_at is not None:  # it was paid once and came back: it stands on 113 already
        over = _over(uow, refund, order, (RETURNED,), "refund")
        _move(uow, refund, OrderState.APPROVED, booked_at=refund.booked_at, over=over)
        return SettledOrder()
    check(uow, refund.source, refund.item, refund.amount)
    is_whole = store.standing(uow.conn, refund.item)[refund.source] == refund.amount
    events: list[Event] = []
    if refund.source is LedgerAccount.PAYABLE:
        entry = postings.refund_ordered(_own(origin, refund), refund.id, store.shares(uow.conn, refund.item))
        events = demand_commands.order_refund(uow, refund.item, refund.id)
    else:
        entry = _of_money(refund, origin)
        if refund.source is LedgerAccount.UNIDENTIFIED and is_whole:
            store.place(uow.conn, refund.item, gone=True)
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
        lines=store.lines_of(uow.conn, refund.item),
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
    refund = store.find(uow.conn, order.subject_id)
    if store.was_paid(uow.conn, refund.id):
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
            store.place(uow.conn, refund.item, gone=False)
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
    refund = store.find(uow.conn, order.subject_id)
    _move(uow, refund, OrderState.SENT, booked_at=refund.booked_at)


def failed(uow: UnitOfWork, order: PaymentOrder) -> None:
    """The bank did not pay: it stands on 113 until it is ordered again."""
    refund = store.find(uow.conn, order.subject_id)
    _move(uow, refund, OrderState.FAILED, booked_at=refund.booked_at)


def paid(uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
    """Our own statement shows it: the payer has the money."""
    refund = store.find(uow.conn, order.subject_id)
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
    refund = store.find(uow.conn, order.subject_id)
    _move(uow, refund, OrderState.FAILED, booked_at=uow.now)
    facts = {"refund": refund.id, "order": order.id, "reference": order.reference, "returned_by": origin.source_id}
    exceptions.open_exception(uow, RETURNED, SOURCE, refund.id, refund.amount, facts)
    return SettledOrder(entries=[postings.refund_returned(origin, refund.id, refund.amount)])


def _move(
    uow: UnitOfWork, refund: Refund, to: OrderState, *, booked_at: datetime | None, over: Sequence[str] | None = None
) -> None:
    store.move(uow.conn, refund, to, booked_at=booked_at, cases=over)
    uow.write_audit(
        refund.id, _AUDIT_ACTIONS[to], before=refund.state, after=to, reason=f"{refund.source} {refund.item}"
    )


def _own(origin: Origin, refund: Refund) -> Origin:
    return replace(origin, source_type=SOURCE, source_id=refund.id)
