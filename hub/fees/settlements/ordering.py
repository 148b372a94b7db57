"""The transfer of a month to its department is asked for: a payment order, which another person approves."""

from typing import Final

from hub.errors import NotConfigured, NotNow
from hub.fees import orders, persons
from hub.fees.orders.model import Order, Payee
from hub.fees.settlements import remitting, store
from hub.fees.settlements.model import Settlement, State
from hub.work import Work

ANSWERED: Final = frozenset({State.CONFIRMED, State.DISPUTED})


def remit(work: Work, settlement_id: str, reason: str) -> Order:
    """Order what the department has confirmed of its month. Raises NotFound, NotConfigured, MayNot; NotNow where it
    has not answered, there is nothing to transfer, it is ordered already, or the proof of the book is red.
    """
    persons.check_proposes(work)
    settlement = store.lock(work.conn, settlement_id)
    if settlement.state not in ANSWERED:
        raise NotNow(
            f"bảng {settlement.name} của {settlement.department} đang {settlement.state}, chưa chuyển tiền được"
        )
    remitting.check_proven(work)
    account, payee = _between(work, settlement)
    amount = settlement.transferable
    order = orders.place(work, remitting.PURPOSE, settlement.id, account, amount, payee, reason)
    store.move(work.conn, settlement, State.ORDERED, order_id=order.id)
    work.note(settlement.id, "ordered", before=settlement.state, after=State.ORDERED, reason=order.id)
    return order


def _between(work: Work, settlement: Settlement) -> tuple[str, Payee]:
    """Our account, and the department's."""
    desk, department = work.catalogue.fee_desk, work.catalogue.departments.get(settlement.department)
    if desk is None:
        raise NotConfigured("danh mục không có fees.toml: không chi được gì")
    if department is None or department.remittance is None:
        raise NotConfigured(
            f"departments/{settlement.department}.toml không có [remittance]: chưa có tài khoản nhận tiền"
        )
    to = department.remittance
    return desk.account.number, Payee(bank_bin=to.bank_bin, account=to.account, holder=to.holder)
