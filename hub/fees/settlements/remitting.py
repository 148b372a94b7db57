"""A settlement's money on its way: the order, and all that follows from it (hub.fees.orders.settling.FOLLOWS)."""

from datetime import date
from typing import Final

from hub.clock import local
from hub.errors import NotNow
from hub.fees import cases
from hub.fees.ledger import Origin, Share, postings
from hub.fees.orders.model import Order, Settled
from hub.fees.proof import runs
from hub.fees.settlements import paying, store
from hub.fees.settlements.model import Settlement, State
from hub.work import Work

PURPOSE: Final = "remittance"
SHOWN_WITHIN: Final = 2
"""working days after which an order that the bank was told of has to be on a statement"""
_SENT: Final = """
SELECT o.id, o.subject_id, o.amount, o.sent_at, s.department, to_char(s.month, 'YYYY-MM') AS month
FROM payment_order o JOIN settlement s ON s.order_id = o.id
WHERE o.purpose = 'remittance' AND o.state = 'sent' AND o.account = %s ORDER BY o.id
"""


def lock(work: Work, subject_id: str) -> Settlement:
    """The settlement; ours until the transaction ends."""
    return store.lock(work.conn, subject_id)


def approved(work: Work, order: Order, _: Origin) -> Settled:
    """Another person has agreed: the book says nothing before our statement does. Raises NotNow while it is red."""
    check_proven(work)
    settlement = store.lock(work.conn, order.subject_id)
    if settlement.order_id != order.id or settlement.transferable != order.amount:
        raise NotNow(f"lệnh chi {order.id} không đúng với số của bảng {settlement.id}")
    return Settled()


def cancelled(work: Work, order: Order, _: Origin) -> Settled:
    """It can be ordered anew."""
    _back(work, order, "order cancelled")
    return Settled()


def sent(work: Work, _: Order) -> None:
    """The bank was told. Raises NotNow while the proof of the book is red."""
    check_proven(work)


def paid(work: Work, order: Order, origin: Origin) -> Settled:
    """Our statement shows it: the department has its money, and what it is made of is settled."""
    settlement = store.lock(work.conn, order.subject_id)
    store.move(work.conn, settlement, State.TRANSFERRED, transferred_at=work.now)
    work.note(settlement.id, "transferred", before=settlement.state, after=State.TRANSFERRED, reason=order.id)
    paying.settle(work, settlement.id)
    _explain(work, order)
    return Settled(entries=[postings.transferred(origin, _shares(work, settlement))])


def failed(work: Work, order: Order) -> None:
    """The bank did not pay it: it can be ordered anew."""
    _back(work, order, "order failed")
    _explain(work, order)


def returned(work: Work, order: Order, origin: Origin) -> Settled:
    """It came back: the department has not got it, and it is owed again."""
    settlement = store.lock(work.conn, order.subject_id)
    away = postings.transferred(origin, _shares(work, settlement))
    paying.unsettle(work, settlement.id)
    _back(work, order, "transfer returned")
    return Settled(entries=[postings.mirrored(away, "transfer_returned", origin)])


def check_proven(work: Work) -> None:
    """Raises NotNow while the proof of the book is red: nothing is transferred then."""
    if runs.stopped(work.conn):
        raise NotNow("phép kiểm tra sổ đang có lỗi (L01-L04): sửa xong mới chuyển tiền")


def look(work: Work, account: str, day: date) -> int:
    """The statement of ``day`` is in: orders that one should have shown by now are cases (M02). How many are new."""
    opened = 0
    for row in work.conn.execute(_SENT, (account,)).fetchall():
        due = work.calendar.after(local(row["sent_at"]).date(), SHOWN_WITHIN)
        if day < due:
            continue
        facts = {"settlement": row["subject_id"], "department": row["department"], "month": row["month"]}
        case = cases.open_case(work, "M02", "payment_order", row["id"], row["amount"], facts | {"due": f"{due}"})
        opened += case is not None
    return opened


def _shares(work: Work, settlement: Settlement) -> list[Share]:
    return [
        Share(settlement.department, fee.fee_code, fee.net - fee.disputed)
        for fee in store.fee_rows(work.conn, settlement.id)
        if fee.net != fee.disputed
    ]


def _back(work: Work, order: Order, verb: str) -> None:
    settlement = store.lock(work.conn, order.subject_id)
    to = State.DISPUTED if store.is_disputed(work.conn, settlement.id) else State.CONFIRMED
    store.move(work.conn, settlement, to, order_id=None, transferred_at=None)
    work.note(settlement.id, verb, before=settlement.state, after=to, reason=order.id)


def _explain(work: Work, order: Order) -> None:
    """What was missing is not, or is no more."""
    for case in cases.explained(work.conn, ["M02"], "payment_order", [order.id], "found"):
        work.note(case, "explained", after="resolved", reason=order.subject_id)
