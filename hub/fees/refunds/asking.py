"""Asking for a refund: from a demand, or of what a payment brought too much or for nobody; and again when it failed."""

from typing import Final

from hub.clock import local
from hub.db import Connection
from hub.errors import NotFound, NotNow
from hub.fees import orders, persons
from hub.fees import store as demand_store
from hub.fees.ledger import Account
from hub.fees.orders.model import Order, Payee, State
from hub.fees.refunds import following, store
from hub.fees.refunds.model import Refund
from hub.work import Work
from schemas.identifiers import Prefix, new_id

PURPOSE: Final = "refund"
WORKING_DAYS: Final = 5
"""within which its payer is to have the money"""


def request(work: Work, item: str, payee: Payee, reason: str, *, amount: int | None = None) -> Order:
    """Ask for what stands of ``item`` (a demand, a payment or a line) to be given back, all of it or ``amount``.

    The order that it is paid by waits for another person. Raises NotFound, NotNow, MayNot.
    """
    persons.check_proposes(work)
    source = _source(work.conn, item)
    account = _account(work.conn, source, item)
    wanted = store.standing(work.conn, item).get(source, 0) if amount is None else amount
    if wanted <= 0:
        raise NotNow("không còn gì để hoàn trả")
    following.check(work, source, item, wanted)
    refund = Refund(
        id=new_id(Prefix.REFUND),
        source=source,
        item=item,
        amount=wanted,
        state=State.REQUESTED,
        reason=reason,
        due_on=work.calendar.after(local(work.now).date(), WORKING_DAYS),
        requested_at=work.now,
        booked_at=None,
        case_ids=[],
    )
    store.add(work.conn, refund)
    work.note(refund.id, "refund requested", after=State.REQUESTED, reason=f"{source} {item} {wanted}")
    return orders.place(work, PURPOSE, refund.id, account, wanted, payee, reason)


def again(work: Work, refund_id: str, payee: Payee, reason: str) -> Order:
    """Order what the bank did not pay, or what came back, once more; to another account if need be.

    Raises NotFound, NotNow, MayNot.
    """
    persons.check_proposes(work)
    refund = following.lock(work, refund_id)
    if refund.state is not State.FAILED:
        raise NotNow(f"khoản hoàn {refund_id} đang {refund.state}: chỉ lập lại lệnh cho khoản không chi được")
    account = _account(work.conn, refund.source, refund.item)
    store.move(work.conn, refund, State.REQUESTED, booked_at=refund.booked_at)
    work.note(refund.id, "refund requested", before=refund.state, after=State.REQUESTED, reason=reason)
    return orders.place(work, PURPOSE, refund.id, account, refund.amount, payee, reason)


def _account(conn: Connection, source: Account, item: str) -> str:
    """The account of ours into which it came; locked. Raises NotFound."""
    if source is Account.PAYABLE:
        return demand_store.lock(conn, item).account
    return store.money(conn, item).account


def _source(conn: Connection, item: str) -> Account:
    """Where it stands. Raises NotFound, NotNow."""
    if item.startswith(f"{Prefix.FEE_DEMAND.value}_"):
        return Account.PAYABLE
    stands = store.standing(conn, item)
    if not stands:
        raise NotFound(f"{item} không có tiền trên 338 hay 339")
    if len(stands) > 1:
        raise NotNow(f"{item} đang ở trên {' và '.join(stands)}: xử lý ca của một bên trước")
    return next(iter(stands))
