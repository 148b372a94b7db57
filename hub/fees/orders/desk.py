"""What happens to payment orders: asked for, approved by another person, sent to the bank, cancelled, paid, returned.

The subject is locked before the order, the book is written last. What follows for the refund or settlement behind an
order stands in settling.FOLLOWS.
"""

from typing import Final

from hub.clock import local
from hub.errors import NotConfigured, NotNow
from hub.events import Event
from hub.fees import bookings, persons
from hub.fees.ledger import Origin, post_all
from hub.fees.orders import settling, store
from hub.fees.orders.model import Order, Payee, Settled, State
from hub.work import Work
from schemas.identifiers import Prefix, new_id

SOURCE: Final = "payment_order"
"""of what the book says of an order before our statement shows it"""


def place(work: Work, purpose: str, subject_id: str, account: str, amount: int, payee: Payee, reason: str) -> Order:
    """Ask for ``amount`` to be paid from our ``account``; another person approves it.

    Raises NotNow where the same subject is ordered already, NotConfigured where nothing is collected, MayNot.
    """
    persons.check_proposes(work)
    desk = work.catalogue.fee_desk
    if desk is None:
        raise NotConfigured("danh mục không có fees.toml: không chi được gì")
    order = Order(
        id=new_id(Prefix.PAYMENT_ORDER),
        purpose=purpose,
        subject_id=subject_id,
        reference=store.next_reference(work.conn, desk.order_prefix),
        account=account,
        amount=amount,
        payee=payee,
        state=State.REQUESTED,
        maker=work.actor,
        checker=None,
        reason=reason,
        requested_at=work.now,
        approved_at=None,
        sent_at=None,
        settled_at=None,
        line_id=None,
        returned_line_id=None,
    )
    store.add(work.conn, order)
    said = f"{subject_id} {order.reference} {amount}"
    work.note(order.id, "order requested", after=State.REQUESTED, reason=said)
    return order


def approve(work: Work, name: str, reason: str) -> list[Event]:
    """It may be paid: said by another person than who asked for it. Raises NotFound, NotNow, MayNot."""
    persons.check_clerk(work)
    order = locked(work, name)
    order.check(State.APPROVED)
    persons.check_agrees(work, order.maker)
    settled = settling.FOLLOWS[order.purpose].approved(work, order, origin(work, order))
    store.move(work.conn, order, State.APPROVED, at=work.now, checker=work.actor)
    return finish(work, order, State.APPROVED, settled, reason)


def send(work: Work, name: str) -> Order:
    """The bank is told of it (paper.py makes what it takes); told again, it is the same paper.

    Gives the order as it stands now. Raises NotFound, NotNow, MayNot.
    """
    persons.check_clerk(work)
    order = locked(work, name)
    if order.state is State.SENT:
        work.note(order.id, "order file made again")
        return order
    order.check(State.SENT)
    settling.FOLLOWS[order.purpose].sent(work, order)
    store.move(work.conn, order, State.SENT, at=work.now)
    finish(work, order, State.SENT, Settled(), None)
    return store.find(work.conn, order.id)


def cancel(work: Work, name: str, reason: str) -> list[Event]:
    """It is not paid after all; too late once the bank was told. Raises NotFound, NotNow, MayNot."""
    persons.check_clerk(work)
    order = locked(work, name)
    order.check(State.CANCELLED)
    settled = settling.FOLLOWS[order.purpose].cancelled(work, order, origin(work, order))
    store.move(work.conn, order, State.CANCELLED, at=work.now)
    return finish(work, order, State.CANCELLED, settled, reason)


def fail(work: Work, name: str, reason: str) -> list[Event]:
    """The bank says that it did not pay: the money never left. Raises NotFound, NotNow, MayNot."""
    persons.check_clerk(work)
    order = locked(work, name)
    if order.state is not State.SENT:
        raise NotNow(f"lệnh chi {order.id} đang {order.state}: chỉ lệnh đã chuyển ngân hàng mới ghi là không chi được")
    settling.FOLLOWS[order.purpose].failed(work, order)
    store.move(work.conn, order, State.FAILED, at=work.now)
    return finish(work, order, State.FAILED, Settled(), reason)


def paid(work: Work, order: Order, line: int, said: Origin) -> Settled:
    """Our own debit line shows it: by a locked order. The caller hands on the events and posts the entries."""
    settled = settling.FOLLOWS[order.purpose].paid(work, order, said)
    store.move(work.conn, order, State.CONFIRMED, at=work.now, line=line)
    work.note(order.id, "order confirmed", before=order.state, after=State.CONFIRMED, reason=f"line {line}")
    return settled


def returned(work: Work, order: Order, line: int, said: Origin) -> Settled:
    """What had been paid came back by this credit line: as ``paid``."""
    settled = settling.FOLLOWS[order.purpose].returned(work, order, said)
    store.move(work.conn, order, State.FAILED, at=work.now, returned=line)
    work.note(order.id, "order returned", before=order.state, after=State.FAILED, reason=f"line {line}")
    return settled


def locked(work: Work, name: str) -> Order:
    """The order, ours until the transaction ends; what stands behind it before. Raises NotFound."""
    order = store.find(work.conn, name)
    settling.FOLLOWS[order.purpose].lock(work, order.subject_id)
    return store.find(work.conn, order.id, lock=True)


def origin(work: Work, order: Order) -> Origin:
    """Of what the book says today of an order that our statement does not show."""
    return bookings.origin_on(work, SOURCE, order.id, order.account, local(work.now).date())


def finish(work: Work, order: Order, to: State, settled: Settled, reason: str | None) -> list[Event]:
    work.note(order.id, f"order {to}", before=order.state, after=to, reason=reason)
    post_all(work.conn, settled.entries)
    return settled.events
