"""Remittances: the payment order that transfers a settlement to its department, and what its outcome changes."""

from datetime import date
from typing import Final

from hub.audit import AuditAction
from hub.clock import local
from hub.errors import InvalidState, NotConfigured
from hub.fees import clerks, exceptions
from hub.fees.demands import demand_commands, demand_store
from hub.fees.ledger import Origin, Share, postings
from hub.fees.payouts import orders
from hub.fees.payouts.orders import Payee, PaymentOrder, SettledOrder
from hub.fees.proof import proving
from hub.fees.settlements import store
from hub.fees.settlements.store import Settlement, SettlementState
from hub.fees.settlements.table import OWN
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

_TRANSFERRED: Final = """
SELECT d.id FROM fee_demand d
WHERE d.status = 'paid'
  AND d.id IN (SELECT demand_id FROM settlement_item WHERE settlement_id = %(id)s AND NOT disputed)
  AND NOT EXISTS (SELECT 1 FROM settlement_item i JOIN settlement s ON s.id = i.settlement_id
                  WHERE i.demand_id = d.id AND i.live AND NOT i.disputed AND s.transferred_at IS NULL
                    AND s.state <> 'closed')
  AND NOT EXISTS (SELECT 1 FROM settlement_carry c WHERE c.demand_id = d.id AND c.taken_by IS NULL)
  AND NOT EXISTS (SELECT 1 FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
                  WHERE l.demand_id = d.id AND l.account = '331' AND e.kind <> ALL(%(own)s) AND NOT EXISTS (
                      SELECT 1 FROM settlement_item i
                      WHERE i.entry_seq = l.entry_seq AND i.line_number = l.number AND i.live))
"""
"""Demands of a settlement all of whose money is in tables that were transferred, or in a later one of those."""


def settle(uow: UnitOfWork, settlement_id: str) -> None:
    """Settle the demands all of whose money has been transferred, by this settlement and others before it."""
    demand_store.lock_all(uow.conn, store.demands_of(uow.conn, settlement_id))
    rows = uow.conn.execute(_TRANSFERRED, {"id": settlement_id, "own": list(OWN)}).fetchall()
    demand_commands.settle_all(uow, [row["id"] for row in rows], by=settlement_id)


def unsettle(uow: UnitOfWork, settlement_id: str) -> None:
    """Set the settlement's demands back to paid: the transfer was returned."""
    demands = demand_store.lock_all(uow.conn, store.demands_of(uow.conn, settlement_id, disputed=False))
    demand_commands.unsettle_all(uow, [one.id for one in demands], by=settlement_id)


PURPOSE: Final = "remittance"
SHOWN_WITHIN: Final = 2
"""working days within which a sent order has to be on a statement"""


def lock(uow: UnitOfWork, subject_id: str) -> Settlement:
    """Lock the settlement."""
    return store.lock(uow.conn, subject_id)


def approved(uow: UnitOfWork, order: PaymentOrder, _: Origin) -> SettledOrder:
    """Another person has approved the order. Nothing is posted before the statement shows it.

    Raises InvalidState while the proof is red, or where order and settlement differ.
    """
    check_proven(uow)
    settlement = store.lock(uow.conn, order.subject_id)
    if settlement.order_id != order.id or settlement.transferable != order.amount:
        raise InvalidState(
            vi("payment order {id} does not agree with table {table_id}", id=order.id, table_id=settlement.id)
        )
    return SettledOrder()


def cancelled(uow: UnitOfWork, order: PaymentOrder, _: Origin) -> SettledOrder:
    """The order was cancelled: the settlement can be ordered again."""
    _back(uow, order, AuditAction.SETTLEMENT_ORDER_CANCELLED)
    return SettledOrder()


def sent(uow: UnitOfWork, _: PaymentOrder) -> None:
    """The order goes to the bank. Raises InvalidState while the proof of the ledger is red."""
    check_proven(uow)


def paid(uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
    """Our statement shows the transfer: post it, and settle the demands that it is made of."""
    settlement = store.lock(uow.conn, order.subject_id)
    store.move(uow.conn, settlement, SettlementState.TRANSFERRED, transferred_at=uow.now)
    uow.write_audit(
        settlement.id,
        AuditAction.SETTLEMENT_TRANSFERRED,
        before=settlement.state,
        after=SettlementState.TRANSFERRED,
        reason=order.id,
    )
    settle(uow, settlement.id)
    _explain(uow, order)
    return SettledOrder(entries=[postings.transferred(origin, _shares(uow, settlement))])


def failed(uow: UnitOfWork, order: PaymentOrder) -> None:
    """The bank did not pay: the settlement can be ordered again."""
    _back(uow, order, AuditAction.SETTLEMENT_ORDER_FAILED)
    _explain(uow, order)


def returned(uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
    """The transfer was returned: post it back; the department is owed it again."""
    settlement = store.lock(uow.conn, order.subject_id)
    away = postings.transferred(origin, _shares(uow, settlement))
    unsettle(uow, settlement.id)
    _back(uow, order, AuditAction.SETTLEMENT_TRANSFER_RETURNED)
    return SettledOrder(entries=[postings.mirrored(away, "transfer_returned", origin)])


def check_proven(uow: UnitOfWork) -> None:
    """Raises InvalidState while the proof of the ledger is red: nothing is transferred then."""
    if proving.is_stopped(uow.conn):
        raise InvalidState(vi("checks of the ledger fail (L01-L04): mend that before money is transferred"))


def open_overdue(uow: UnitOfWork, account: str, day: date) -> int:
    """Open an M02 for each sent order that the statement of ``day`` should have shown by now; how many are new."""
    opened = 0
    for order in orders.sent(uow.conn, account, PURPOSE):
        due = uow.calendar.after(local(order.sent_at or uow.now).date(), SHOWN_WITHIN)
        if day < due:
            continue
        settlement = store.named(uow.conn, order.subject_id)
        facts = {"settlement": settlement.id, "department": settlement.department, "month": settlement.name}
        exception = exceptions.open_exception(
            uow, "M02", "payment_order", order.id, order.amount, facts | {"due": f"{due}"}
        )
        opened += exception is not None
    return opened


def _shares(uow: UnitOfWork, settlement: Settlement) -> list[Share]:
    return [
        Share(settlement.department, fee.fee_code, fee.net - fee.disputed)
        for fee in store.fee_rows(uow.conn, settlement.id)
        if fee.net != fee.disputed
    ]


def _back(uow: UnitOfWork, order: PaymentOrder, action: AuditAction) -> None:
    settlement = store.lock(uow.conn, order.subject_id)
    to = SettlementState.DISPUTED if store.is_disputed(uow.conn, settlement.id) else SettlementState.CONFIRMED
    store.move(uow.conn, settlement, to, order_id=None, transferred_at=None)
    uow.write_audit(settlement.id, action, before=settlement.state, after=to, reason=order.id)


def _explain(uow: UnitOfWork, order: PaymentOrder) -> None:
    """End the exceptions M02 of the order: it was paid, or failed."""
    for exception in exceptions.resolve_about(uow.conn, "payment_order", [order.id], "found", codes=["M02"]):
        uow.write_audit(exception, AuditAction.EXCEPTION_EXPLAINED, after="resolved", reason=order.subject_id)


# The request: a payment order, which another person approves.

ANSWERED: Final = frozenset({SettlementState.CONFIRMED, SettlementState.DISPUTED})


def remit(uow: UnitOfWork, settlement_id: str, reason: str) -> PaymentOrder:
    """Order the transfer of what the department has confirmed of its month.

    Raises NotFound, NotConfigured, Forbidden; InvalidState where it has not answered, there is nothing to transfer, it
    is ordered already, or the proof of the ledger is red.
    """
    clerks.check_proposes(uow)
    settlement = store.lock(uow.conn, settlement_id)
    if settlement.state not in ANSWERED:
        raise InvalidState(
            vi(
                "table {name} of {department} is {state}, it cannot be transferred yet",
                name=settlement.name,
                department=settlement.department,
                state=settlement.state,
            )
        )
    check_proven(uow)
    account, payee = _between(uow, settlement)
    amount = settlement.transferable
    order = orders.place(uow, PURPOSE, settlement.id, account, amount, payee, reason)
    store.move(uow.conn, settlement, SettlementState.ORDERED, order_id=order.id)
    uow.write_audit(
        settlement.id,
        AuditAction.SETTLEMENT_TRANSFER_ORDERED,
        before=settlement.state,
        after=SettlementState.ORDERED,
        reason=order.id,
    )
    return order


def _between(uow: UnitOfWork, settlement: Settlement) -> tuple[str, Payee]:
    """Our account, and the department's. Raises NotConfigured."""
    fees, department = uow.catalogue.fee_settings, uow.catalogue.departments.get(settlement.department)
    if fees is None:
        raise NotConfigured(vi("the catalogue has no fees.toml: nothing can be paid out"))
    if department is None or department.remittance is None:
        raise NotConfigured(
            vi(
                "departments/{department}.toml has no [remittance]: there is no account to transfer to",
                department=settlement.department,
            )
        )
    to = department.remittance
    return fees.account.number, Payee(bank_bin=to.bank_bin, account=to.account, holder=to.holder)
