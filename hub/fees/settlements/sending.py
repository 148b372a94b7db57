"""A table on its way to its department."""

import base64

from hub.errors import NotNow
from hub.events import Event
from hub.fees import persons
from hub.fees.settlements import store
from hub.fees.settlements.model import Settlement, State
from hub.messages.model import Transfer
from hub.messages.outbox import Posting
from hub.work import Work
from schemas.identifiers import Prefix, new_id
from schemas.settlement import HandedTable, TableReceipt

HAND = "department.settlement-table"
"""the kind of transfer; its body is a HandedTable, its subject and key the settlement's id"""
_LANE = "settlements"


def send(work: Work, settlement_id: str) -> None:
    """Owe the table to its department; once. Raises NotFound, MayNot, or NotNow for one that it has already."""
    persons.check_clerk(work)
    settlement = store.lock(work.conn, settlement_id)
    if settlement.state != State.COMPUTED:
        raise NotNow(f"bảng {settlement.name} của {settlement.department} đang {settlement.state}, không gửi được")
    if is_under_way(work, settlement):
        return
    table = store.handed(work.conn, settlement.id)
    body = HandedTable(
        table=base64.b64encode(table.body).decode(), signature=base64.b64encode(table.signature).decode()
    )
    work.put(
        Posting(
            id=new_id(Prefix.TRANSFER),
            kind=HAND,
            counterparty=f"department.{settlement.department}",
            lane=_LANE,
            key=settlement.id,
            subject=settlement.id,
            body=body.model_dump_json().encode(),
        )
    )
    work.note(settlement.id, "sent", before=settlement.state, reason=settlement.department)


def is_under_way(work: Work, settlement: Settlement) -> bool:
    """Whether it was put into the outbox before."""
    row = work.conn.execute(
        "SELECT 1 FROM outbox WHERE kind = %s AND key = %s LIMIT 1", (HAND, settlement.id)
    ).fetchone()
    return row is not None


def received(work: Work, transfer: Transfer, receipt: TableReceipt) -> list[Event]:
    """The department has it, by its own word, which names the table's digest."""
    settlement = store.lock(work.conn, transfer.subject)
    if receipt.sha256 != settlement.sha256.hex():
        work.note(settlement.id, "receipt of another table", reason=receipt.sha256)
        return []
    if settlement.state == State.COMPUTED:
        store.move(work.conn, settlement, State.NOTIFIED, notified_at=work.now)
        work.note(settlement.id, "notified", before=settlement.state, after=State.NOTIFIED, reason=transfer.id)
    return []


def not_received(work: Work, transfer: Transfer, reason: str) -> list[Event]:
    """The department does not take it: a person asks why; it can be handed over on paper."""
    work.note(transfer.subject, "not received", reason=reason)
    return []
