"""What follows for a refund from its payment order: approved, it leaves its account for 113; shown, it is gone.

A payment that was given back whole out of 338 is ``refunded``, so that no later run joins it to a demand.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from hub.errors import NotNow
from hub.events import Event
from hub.fees import cases, demands, payments
from hub.fees import store as demand_store
from hub.fees.ledger import Account, Entry, Origin, postings
from hub.fees.ledger.book import posted
from hub.fees.model import Status
from hub.fees.orders.model import Order, Settled, State
from hub.fees.refunds import store
from hub.fees.refunds.model import Refund
from hub.work import Work

SOURCE: Final = "refund"
RETURNED: Final = "V04"
_OF_DEMAND: Final = ("R04", "R07")
_OF_MONEY: Final = ("R01", "R02", "R03", "R05", "R06", "R07", "R09", "P01", "N03", RETURNED)
"""cases that are over when nothing of the money that they are about stands there any more"""


def lock(work: Work, refund_id: str) -> Refund:
    """The refund, ours until the transaction ends: behind its demand's dossier, or behind its payment."""
    refund = store.find(work.conn, refund_id)
    if refund.source is Account.PAYABLE:
        demand_store.lock(work.conn, refund.item)
    else:
        store.money(work.conn, refund.item)
    return store.find(work.conn, refund_id, lock=True)


def check(work: Work, source: Account, item: str, amount: int) -> None:
    """What is to be given back is there, and a statement has shown it. Raises NotFound, NotNow."""
    there = store.standing(work.conn, item).get(source, 0)
    if amount > there:
        raise NotNow(f"hoàn trả {amount} đ, nhưng chỉ còn {there} đ")
    if source is not Account.PAYABLE:
        if store.money(work.conn, item).status not in payments.SHOWN:
            raise NotNow("sao kê chưa có khoản tiền này: chờ sao kê rồi hoàn trả")
        return
    demand = demand_store.lock(work.conn, item)
    if demand.allocated != amount:
        raise NotNow(f"phải hoàn trả toàn bộ số đã nộp cho mã này: {demand.allocated} đ, không phải {amount} đ")
    if demand.confirmed != demand.allocated:
        raise NotNow("sao kê chưa có đủ khoản tiền này: chờ sao kê rồi hoàn trả")


def approved(work: Work, order: Order, origin: Origin) -> Settled:
    """It leaves its account, and the cases about it are over. Raises NotNow where it is not there any more."""
    refund = store.find(work.conn, order.subject_id)
    if refund.booked_at is not None:  # it was paid once and came back: it stands on 113 already
        over = _over(work, refund, order, (RETURNED,), "refund")
        _move(work, refund, State.APPROVED, booked_at=refund.booked_at, over=over)
        return Settled()
    check(work, refund.source, refund.item, refund.amount)
    is_whole = store.standing(work.conn, refund.item)[refund.source] == refund.amount
    events: list[Event] = []
    if refund.source is Account.PAYABLE:
        entry = postings.refund_ordered(_own(origin, refund), refund.id, store.shares(work.conn, refund.item))
        events = demands.order_refund(work, refund.item, refund.id)
    else:
        entry = _of_money(refund, origin)
        if refund.source is Account.UNIDENTIFIED and is_whole:
            store.place(work.conn, refund.item, gone=True)
    over = _close(work, refund, order) if is_whole else []
    _move(work, refund, State.APPROVED, booked_at=work.now, over=over)
    return Settled(events, [entry])


def _of_money(refund: Refund, origin: Origin) -> Entry:
    if refund.source is Account.OVERPAID:
        return postings.refund_ordered(_own(origin, refund), refund.id, overpaid=[(refund.item, refund.amount)])
    return postings.refund_of_unidentified(_own(origin, refund), refund.id, refund.item, refund.amount)


def _close(work: Work, refund: Refund, order: Order) -> list[str]:
    of_demand = refund.source is Account.PAYABLE
    how = "return_to_sender" if refund.source is Account.UNIDENTIFIED else "refund"
    codes = _OF_DEMAND if of_demand else _OF_MONEY
    return _over(work, refund, order, codes, how)


def _over(work: Work, refund: Refund, order: Order, codes: Sequence[str], how: str) -> list[str]:
    over = store.close_cases(work.conn, refund, codes, how=how, maker=order.maker, checker=work.actor)
    for case in over:
        work.note(case, "resolved", after="resolved", reason=f"{how} {refund.id}")
    return over


def cancelled(work: Work, order: Order, origin: Origin) -> Settled:
    """It is not given back after all: where it stood, it stands again, and so do its cases."""
    refund = store.find(work.conn, order.subject_id)
    if store.was_paid(work.conn, refund.id):
        if refund.state is State.APPROVED:
            _reopen(work, refund)
        _move(work, refund, State.FAILED, booked_at=refund.booked_at)  # its payer is owed it all the same
        return Settled()
    settled = Settled()
    entry = posted(work.conn, SOURCE, refund.id, "refund_ordered")
    if entry is not None:
        settled.entries.append(postings.mirrored(entry, "refund_cancelled", _own(origin, refund)))
        if refund.source is Account.PAYABLE:
            settled.events.extend(demands.keep(work, refund.item, refund.id))
        elif refund.source is Account.UNIDENTIFIED:
            store.place(work.conn, refund.item, gone=False)
        _reopen(work, refund)
    _move(work, refund, State.CANCELLED, booked_at=None)
    return settled


def _reopen(work: Work, refund: Refund) -> None:
    for case in store.reopen_cases(work.conn, refund):
        work.note(case, "reopened", before="resolved", after="open", reason=f"{refund.id} was cancelled")


def sent(work: Work, order: Order) -> None:
    """The bank was told."""
    refund = store.find(work.conn, order.subject_id)
    _move(work, refund, State.SENT, booked_at=refund.booked_at)


def failed(work: Work, order: Order) -> None:
    """The bank did not pay: it stands on 113 until it is ordered again."""
    refund = store.find(work.conn, order.subject_id)
    _move(work, refund, State.FAILED, booked_at=refund.booked_at)


def paid(work: Work, order: Order, origin: Origin) -> Settled:
    """Our own statement shows it: the payer has the money."""
    refund = store.find(work.conn, order.subject_id)
    settled = Settled(entries=[postings.refund_line(origin, refund.id, refund.amount)])
    if refund.source is Account.PAYABLE:
        demand = demand_store.lock(work.conn, refund.item)
        if demand.status == Status.REFUND_PENDING:
            store.free_payments(work.conn, demand.id)
            settled.events.extend(demands.refunded(work, demand.id, by=refund.id))
    _move(work, refund, State.CONFIRMED, booked_at=None)
    return settled


def returned(work: Work, order: Order, origin: Origin) -> Settled:
    """It came back: its payer is still owed it, and a person finds out where it is to go (V04)."""
    refund = store.find(work.conn, order.subject_id)
    _move(work, refund, State.FAILED, booked_at=work.now)
    facts = {"refund": refund.id, "order": order.id, "reference": order.reference, "returned_by": origin.source_id}
    cases.open_case(work, RETURNED, SOURCE, refund.id, refund.amount, facts)
    return Settled(entries=[postings.refund_returned(origin, refund.id, refund.amount)])


def _move(
    work: Work, refund: Refund, to: State, *, booked_at: datetime | None, over: Sequence[str] | None = None
) -> None:
    store.move(work.conn, refund, to, booked_at=booked_at, cases=over)
    work.note(refund.id, f"refund {to}", before=refund.state, after=to, reason=f"{refund.source} {refund.item}")


def _own(origin: Origin, refund: Refund) -> Origin:
    return replace(origin, source_type=SOURCE, source_id=refund.id)
