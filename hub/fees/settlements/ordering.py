"""The transfer of a month to its department is asked for: a payment order, which another person approves."""

from typing import Final

from hub.errors import InvalidState, NotConfigured
from hub.fees import clerks
from hub.fees.payouts import orders
from hub.fees.payouts.orders.model import Payee, PaymentOrder
from hub.fees.settlements import remitting, store
from hub.fees.settlements.model import Settlement, SettlementState
from hub.unit_of_work import UnitOfWork

ANSWERED: Final = frozenset({SettlementState.CONFIRMED, SettlementState.DISPUTED})


def remit(uow: UnitOfWork, settlement_id: str, reason: str) -> PaymentOrder:
    """Order what the department has confirmed of its month. Raises NotFound, NotConfigured, Forbidden; InvalidState
    where it has not answered, there is nothing to transfer, it is ordered already, or the proof of the book is red.
    """
    clerks.check_proposes(uow)
    settlement = store.lock(uow.conn, settlement_id)
    if settlement.state not in ANSWERED:
        raise InvalidState(
            f"bảng {settlement.name} của {settlement.department} đang {settlement.state}, chưa chuyển tiền được"
        )
    remitting.check_proven(uow)
    account, payee = _between(uow, settlement)
    amount = settlement.transferable
    order = orders.place(uow, remitting.PURPOSE, settlement.id, account, amount, payee, reason)
    store.move(uow.conn, settlement, SettlementState.ORDERED, order_id=order.id)
    uow.note(settlement.id, "ordered", before=settlement.state, after=SettlementState.ORDERED, reason=order.id)
    return order


def _between(uow: UnitOfWork, settlement: Settlement) -> tuple[str, Payee]:
    """Our account, and the department's."""
    desk, department = uow.catalogue.fee_desk, uow.catalogue.departments.get(settlement.department)
    if desk is None:
        raise NotConfigured("danh mục không có fees.toml: không chi được gì")
    if department is None or department.remittance is None:
        raise NotConfigured(
            f"departments/{settlement.department}.toml không có [remittance]: chưa có tài khoản nhận tiền"
        )
    to = department.remittance
    return desk.account.number, Payee(bank_bin=to.bank_bin, account=to.account, holder=to.holder)
