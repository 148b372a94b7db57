"""Remittances: the payment order that transfers a settlement to its department, and what its outcome changes."""

from datetime import date
from typing import Any, Final

from hub.audit import AuditAction
from hub.clock import local
from hub.errors import InvalidState, NotConfigured
from hub.fees import clerks, exceptions
from hub.fees.ledger import Origin, Share, postings
from hub.fees.payouts import orders
from hub.fees.payouts.orders.model import Payee, PaymentOrder, SettledOrder
from hub.fees.proof import proving
from hub.fees.settlements import store
from hub.fees.settlements.model import Settlement, SettlementState
from hub.fees.settlements.table import OWN
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

_LOCK: Final = """
SELECT 1 FROM dossier WHERE id IN (
    SELECT d.dossier_id FROM settlement_item i JOIN fee_demand d ON d.id = i.demand_id WHERE i.settlement_id = %(id)s)
ORDER BY id FOR UPDATE
"""
_SETTLE: Final = """
WITH gone AS (  -- all that the book owes for it is in tables whose money went, or in a later one of those
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
), settled AS (
    UPDATE fee_demand d SET status = 'settled', version = version + 1, updated_at = now()
    FROM gone WHERE gone.id = d.id RETURNING d.id
)
INSERT INTO audit_log (subject, actor, action, before, after, reason)
SELECT id, %(actor)s, 'demand_settled', 'paid', 'settled', %(id)s FROM settled ORDER BY id
"""
_UNSETTLE: Final = """
WITH back AS (
    UPDATE fee_demand d SET status = 'paid', version = version + 1, updated_at = now()
    WHERE d.status = 'settled'
      AND d.id IN (SELECT demand_id FROM settlement_item WHERE settlement_id = %(id)s AND NOT disputed)
    RETURNING d.id
)
INSERT INTO audit_log (subject, actor, action, before, after, reason)
SELECT id, %(actor)s, 'demand_not_settled', 'settled', 'paid', %(id)s FROM back ORDER BY id
"""


def settle(uow: UnitOfWork, settlement_id: str) -> None:
    """Settle the demands all of whose money has been transferred, by this settlement and others before it."""
    _do(uow, _SETTLE, settlement_id)


def unsettle(uow: UnitOfWork, settlement_id: str) -> None:
    """Set the settlement's demands back to paid: the transfer was returned."""
    _do(uow, _UNSETTLE, settlement_id)


def _do(uow: UnitOfWork, query: Any, settlement_id: str) -> None:
    parameters = {"id": settlement_id, "actor": uow.actor, "own": list(OWN)}
    uow.conn.execute(_LOCK, parameters)
    uow.conn.execute(query, parameters)


PURPOSE: Final = "remittance"
SHOWN_WITHIN: Final = 2
"""working days within which a sent order has to be on a statement"""
_SENT: Final = """
SELECT o.id, o.subject_id, o.amount, o.sent_at, s.department, to_char(s.month, 'YYYY-MM') AS month
FROM payment_order o JOIN settlement s ON s.order_id = o.id
WHERE o.purpose = 'remittance' AND o.state = 'sent' AND o.account = %s ORDER BY o.id
"""


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
    for row in uow.conn.execute(_SENT, (account,)).fetchall():
        due = uow.calendar.after(local(row["sent_at"]).date(), SHOWN_WITHIN)
        if day < due:
            continue
        facts = {"settlement": row["subject_id"], "department": row["department"], "month": row["month"]}
        exception = exceptions.open_exception(
            uow, "M02", "payment_order", row["id"], row["amount"], facts | {"due": f"{due}"}
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
