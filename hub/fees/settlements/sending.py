"""Sending a table to its department, and the department's receipt of it."""

import base64

from hub.audit import AuditAction
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import clerks
from hub.fees.settlements import store
from hub.fees.settlements.model import Settlement, SettlementState
from hub.locale import vi
from hub.messages import outbox
from hub.messages.model import Transfer
from hub.messages.outbox import NewTransfer
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.settlement import HandedTable, TableReceipt

HAND = "department.settlement-table"
"""the kind of transfer; its body is a HandedTable, its subject and key the settlement's id"""
_ORDERING_KEY = "settlements"


def send(uow: UnitOfWork, settlement_id: str) -> None:
    """Put the table into the outbox for its department, once.

    Raises NotFound, Forbidden, and InvalidState for one that it has already.
    """
    clerks.check_clerk(uow)
    settlement = store.lock(uow.conn, settlement_id)
    if settlement.state != SettlementState.COMPUTED:
        raise InvalidState(
            vi(
                "table {name} of {department} is {state}, it cannot be sent",
                name=settlement.name,
                department=settlement.department,
                state=settlement.state,
            )
        )
    if is_under_way(uow, settlement):
        return
    table = store.sealed_table(uow.conn, settlement.id)
    body = HandedTable(
        table=base64.b64encode(table.body).decode(), signature=base64.b64encode(table.signature).decode()
    )
    uow.put(
        NewTransfer(
            id=new_id(Prefix.TRANSFER),
            kind=HAND,
            counterparty=f"department.{settlement.department}",
            ordering_key=_ORDERING_KEY,
            key=settlement.id,
            subject=settlement.id,
            body=body.model_dump_json().encode(),
        )
    )
    uow.write_audit(settlement.id, AuditAction.SETTLEMENT_SENT, before=settlement.state, reason=settlement.department)


def is_under_way(uow: UnitOfWork, settlement: Settlement) -> bool:
    """Whether it was put into the outbox before."""
    return bool(outbox.by_key(uow.conn, [HAND], settlement.id))


def received(uow: UnitOfWork, transfer: Transfer, receipt: TableReceipt) -> list[Event]:
    """Record the department's receipt, if it names the digest of this table."""
    settlement = store.lock(uow.conn, transfer.subject)
    if receipt.sha256 != settlement.sha256.hex():
        uow.write_audit(settlement.id, AuditAction.SETTLEMENT_RECEIPT_MISMATCHED, reason=receipt.sha256)
        return []
    if settlement.state == SettlementState.COMPUTED:
        store.move(uow.conn, settlement, SettlementState.NOTIFIED, notified_at=uow.now)
        uow.write_audit(
            settlement.id,
            AuditAction.SETTLEMENT_DELIVERED,
            before=settlement.state,
            after=SettlementState.NOTIFIED,
            reason=transfer.id,
        )
    return []


def not_received(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """Record that the department refuses the table; a person can hand it over on paper."""
    uow.write_audit(transfer.subject, AuditAction.SETTLEMENT_NOT_RECEIVED, reason=reason)
    return []
