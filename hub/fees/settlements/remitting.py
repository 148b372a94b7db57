"""The handler of payment orders for settlements (remittances)."""

from datetime import date
from typing import Final

from hub.clock import local
from hub.errors import InvalidState
from hub.fees import exceptions
from hub.fees.ledger import Origin, Share, postings
from hub.fees.payouts.orders.model import PaymentOrder, SettledOrder
from hub.fees.proof import runs
from hub.fees.settlements import paying, store
from hub.fees.settlements.model import Settlement, SettlementState
from hub.unit_of_work import UnitOfWork

PURPOSE: Final = "remittance"
SHOWN_WITHIN: Final = 2
"""working days after which an order that the bank was told of has to be on a statement"""
_SENT: Final = """
SELECT o.id, o.subject_id, o.amount, o.sent_at, s.department, to_char(s.month, 'YYYY-MM') AS month
FROM payment_order o JOIN settlement s ON s.order_id = o.id
WHERE o.purpose = 'remittance' AND o.state = 'sent' AND o.account = %s ORDER BY o.id
"""


def lock(uow: UnitOfWork, subject_id: str) -> Settlement:
    """The settlement; ours until the transaction ends."""
    return store.lock(uow.conn, subject_id)


def approved(uow: UnitOfWork, order: PaymentOrder, _: Origin) -> SettledOrder:
    """Another person has agreed: the book says nothing before our statement does.

    Raises InvalidState while it is red.
    """
    check_proven(uow)
    settlement = store.lock(uow.conn, order.subject_id)
    if settlement.order_id != order.id or settlement.transferable != order.amount:
        raise InvalidState(f"lệnh chi {order.id} không đúng với số của bảng {settlement.id}")
    return SettledOrder()


def cancelled(uow: UnitOfWork, order: PaymentOrder, _: Origin) -> SettledOrder:
    """It can be ordered anew."""
    _back(uow, order, "order cancelled")
    return SettledOrder()


def sent(uow: UnitOfWork, _: PaymentOrder) -> None:
    """The bank was told. Raises InvalidState while the proof of the book is red."""
    check_proven(uow)


def paid(uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
    """Our statement shows it: the department has its money, and what it is made of is settled."""
    settlement = store.lock(uow.conn, order.subject_id)
    store.move(uow.conn, settlement, SettlementState.TRANSFERRED, transferred_at=uow.now)
    uow.note(settlement.id, "transferred", before=settlement.state, after=SettlementState.TRANSFERRED, reason=order.id)
    paying.settle(uow, settlement.id)
    _explain(uow, order)
    return SettledOrder(entries=[postings.transferred(origin, _shares(uow, settlement))])


def failed(uow: UnitOfWork, order: PaymentOrder) -> None:
    """The bank did not pay it: it can be ordered anew."""
    _back(uow, order, "order failed")
    _explain(uow, order)


def returned(uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
    """It came back: the department has not got it, and it is owed again."""
    settlement = store.lock(uow.conn, order.subject_id)
    away = postings.transferred(origin, _shares(uow, settlement))
    paying.unsettle(uow, settlement.id)
    _back(uow, order, "transfer returned")
    return SettledOrder(entries=[postings.mirrored(away, "transfer_returned", origin)])


def check_proven(uow: UnitOfWork) -> None:
    """Raises InvalidState while the proof of the book is red: nothing is transferred then."""
    if runs.stopped(uow.conn):
        raise InvalidState("phép kiểm tra sổ đang có lỗi (L01-L04): sửa xong mới chuyển tiền")


def open_overdue(uow: UnitOfWork, account: str, day: date) -> int:
    """Open an M02 for each sent order that the statement of ``day`` should have shown by now; how many are new."""
    opened = 0
    for row in uow.conn.execute(_SENT, (account,)).fetchall():
        due = uow.calendar.after(local(row["sent_at"]).date(), SHOWN_WITHIN)
        if day < due:
            continue
        facts = {"settlement": row["subject_id"], "department": row["department"], "month": row["month"]}
        case = exceptions.open_case(uow, "M02", "payment_order", row["id"], row["amount"], facts | {"due": f"{due}"})
        opened += case is not None
    return opened


def _shares(uow: UnitOfWork, settlement: Settlement) -> list[Share]:
    return [
        Share(settlement.department, fee.fee_code, fee.net - fee.disputed)
        for fee in store.fee_rows(uow.conn, settlement.id)
        if fee.net != fee.disputed
    ]


def _back(uow: UnitOfWork, order: PaymentOrder, verb: str) -> None:
    settlement = store.lock(uow.conn, order.subject_id)
    to = SettlementState.DISPUTED if store.is_disputed(uow.conn, settlement.id) else SettlementState.CONFIRMED
    store.move(uow.conn, settlement, to, order_id=None, transferred_at=None)
    uow.note(settlement.id, verb, before=settlement.state, after=to, reason=order.id)


def _explain(uow: UnitOfWork, order: PaymentOrder) -> None:
    """What was missing is not, or is no more."""
    for case in exceptions.explained(uow.conn, ["M02"], "payment_order", [order.id], "found"):
        uow.note(case, "explained", after="resolved", reason=order.subject_id)
