"""Sending a table to its department, and the department's receipt and answer.

It confirms the table, or disputes lines of it. Silence is neither.
"""

import base64
from collections.abc import Sequence
from typing import Any, Final

from hub.audit import AuditAction
from hub.clock import local
from hub.codes import HubCode
from hub.errors import InvalidState, ManualAction, NotFound
from hub.events import Event
from hub.fees import clerks, exceptions
from hub.fees.settlements import remitting, store
from hub.fees.settlements.store import ANSWERABLE, Settlement, SettlementState
from hub.locale import vi
from hub.messages import outbox
from hub.messages.model import Message, Transfer
from hub.messages.outbox import NewTransfer
from hub.unit_of_work import UnitOfWork
from schemas import strict
from schemas.identifiers import Prefix, new_id
from schemas.settlement import HandedTable, TableAnswer, TableReceipt

_SETTLED: Final = """
SELECT s.id FROM settlement s WHERE s.state = 'receipted' AND s.department = %s AND NOT EXISTS (
    SELECT 1 FROM fee_exception c
    WHERE c.code = 'M01' AND c.state <> 'resolved' AND c.facts ->> 'settlement' = s.id)
ORDER BY s.month
"""


def handed(uow: UnitOfWork, settlement_id: str, sha256: str) -> Settlement:
    """Record that the month package with this digest was made. Of a transferred month it hands over the papers."""
    settlement = store.lock(uow.conn, settlement_id)
    if settlement.state == SettlementState.TRANSFERRED:
        store.move(uow.conn, settlement, SettlementState.RECEIPTED)
        uow.write_audit(
            settlement.id,
            AuditAction.SETTLEMENT_PAPERS_HANDED_OVER,
            before=settlement.state,
            after=SettlementState.RECEIPTED,
            reason=sha256,
        )
        close(uow, settlement.department)
    return store.lock(uow.conn, settlement_id)


def close(uow: UnitOfWork, department: str) -> None:
    """Close the department's months whose papers were handed over and of which no line is disputed any more."""
    for row in uow.conn.execute(_SETTLED, (department,)).fetchall():
        settlement = store.lock(uow.conn, row["id"])
        store.move(uow.conn, settlement, SettlementState.CLOSED)
        uow.write_audit(
            settlement.id, AuditAction.SETTLEMENT_CLOSED, before=settlement.state, after=SettlementState.CLOSED
        )


KIND: Final = "department.settlement"
LINE: Final = "settlement_line"
_AUDIT_ACTIONS: Final = {
    SettlementState.CONFIRMED: AuditAction.SETTLEMENT_CONFIRMED,
    SettlementState.DISPUTED: AuditAction.SETTLEMENT_DISPUTED,
}
"""object type of an exception M01; its id: settlement/number"""

_DISPUTE: Final = """
WITH disputed AS (
    UPDATE settlement_item SET disputed = true WHERE settlement_id = %(id)s AND number = ANY(%(numbers)s)
    RETURNING settlement_id, number, fee_code, amount, entry_seq, demand_id
)
INSERT INTO settlement_carry (settlement_id, number, department, fee_code, amount, entry_seq, demand_id)
SELECT settlement_id, number, %(department)s, fee_code, amount, entry_seq, demand_id FROM disputed ORDER BY number
RETURNING number, fee_code, amount, entry_seq AS entry, demand_id AS demand
"""
_DISPUTED_BEFORE: Final = """
SELECT k.settlement_id || '/' || k.number AS line FROM settlement_item i JOIN settlement_carry k ON k.id = i.carry_id
WHERE i.settlement_id = %s AND i.disputed = %s AND k.number IS NOT NULL
"""


def answered(uow: UnitOfWork, message: Message) -> list[Event]:
    """Handle a department's answer. Raises ManualAction for one that is refused."""
    try:
        answer = strict.read(TableAnswer, message.body)
    except strict.Refused as refused:
        raise ManualAction(HubCode.ANSWER_REFUSED, str(refused)) from None
    return answer_with(uow, answer, message.body, message.source.removeprefix("department."))


def answer_with(uow: UnitOfWork, answer: TableAnswer, body: bytes, department: str | None = None) -> list[Event]:
    """Record ``answer`` (its bytes: ``body``); the same again changes nothing.

    1. Check that it answers this very table: its department, its digest, and not dated before it.
    2. Refuse an answer id that was used with other content, and an answer to a table that is past answering.
    3. Mark the disputed lines and carry them on to the next table.
    4. Open an M01 for each; those of earlier tables end or go on as these.
    5. Where nothing is left to transfer, carry the rest on and close the settlement.

    ``department``: the sender; None: a person brings it as a file. Raises ManualAction for an answer that is refused,
    Forbidden for a person who is no clerk.
    """
    if department is None:
        clerks.check_clerk(uow)
    # 1.
    settlement = _settlement(uow, answer, department)
    # 2.
    if settlement.answer_id == answer.answer_id:
        if answer != TableAnswer.model_validate_json(store.answer(uow.conn, settlement.id)):
            raise ManualAction(
                HubCode.ANSWER_REFUSED,
                vi("answer {answer_id} was received before with other content", answer_id=answer.answer_id),
            )
        return []
    if settlement.state not in ANSWERABLE:
        raise ManualAction(HubCode.ANSWER_REFUSED, f"the table of {settlement.name} is {settlement.state}")
    # 3.
    lines = _disputed(uow, settlement, answer)
    disputed = sum(line["amount"] for line in lines)
    store.answered(uow.conn, settlement.id, uow.now, answer.answer_id, body, disputed)
    to = SettlementState.DISPUTED if lines else SettlementState.CONFIRMED
    moved = store.move(uow.conn, settlement, to)
    reason = answer.answer_id + "".join(f" {line['number']}" for line in lines)
    uow.write_audit(settlement.id, _AUDIT_ACTIONS[to], before=settlement.state, after=to, reason=reason)
    # 4.
    _open_disputes(uow, settlement, lines)
    # 5.
    if moved.transferable <= 0:
        carry_on(uow, moved)
    return []


def carry_on(uow: UnitOfWork, settlement: Settlement) -> None:
    """Close a settlement with nothing to transfer: its rest goes into the next table, against what is owed there."""
    rest = store.carry_rest(uow.conn, settlement.id)
    store.move(uow.conn, settlement, SettlementState.CLOSED)
    uow.write_audit(
        settlement.id,
        AuditAction.SETTLEMENT_CARRIED_OVER,
        before=settlement.state,
        after=SettlementState.CLOSED,
        reason=f"{rest}",
    )
    remitting.settle(uow, settlement.id)


def _settlement(uow: UnitOfWork, answer: TableAnswer, department: str | None) -> Settlement:
    try:
        settlement = store.lock(uow.conn, answer.settlement_id)
    except NotFound as error:
        raise ManualAction(HubCode.ANSWER_REFUSED, str(error)) from None
    if department not in (None, settlement.department):
        raise ManualAction(HubCode.ANSWER_REFUSED, f"{settlement.id} is not a table of {department}")
    computed_on, answered_on = (local(at).date() for at in (settlement.computed_at, answer.answered_at))
    if answered_on < computed_on:
        why = vi(
            "the answer is dated {answered:%d/%m/%Y}, before the table was made ({computed:%d/%m/%Y})",
            answered=answered_on,
            computed=computed_on,
        )
        raise ManualAction(HubCode.ANSWER_REFUSED, why)
    if answer.sha256 != settlement.sha256.hex():
        raise ManualAction(HubCode.ANSWER_REFUSED, f"the answer is to another table than {settlement.id}")
    return settlement


def _disputed(uow: UnitOfWork, settlement: Settlement, answer: TableAnswer) -> Sequence[dict[str, Any]]:
    numbers = sorted(line.number for line in answer.lines)
    parameters = {"id": settlement.id, "numbers": numbers, "department": settlement.department}
    lines = uow.conn.execute(_DISPUTE, parameters).fetchall()
    if len(lines) != len(numbers):
        raise ManualAction(HubCode.ANSWER_REFUSED, f"{settlement.id} does not have every line that is disputed")
    return lines


def _open_disputes(uow: UnitOfWork, settlement: Settlement, lines: Sequence[dict[str, Any]]) -> None:
    """Open an M01 for each disputed line; that of an earlier table, for a line carried on, ends or goes on as this."""
    for how, disputed in (("confirmed by the department", False), ("disputed again", True)):
        before = [row["line"] for row in uow.conn.execute(_DISPUTED_BEFORE, (settlement.id, disputed))]
        for exception_id in exceptions.resolve_about(uow.conn, LINE, before, how, codes=["M01"]):
            uow.write_audit(
                exception_id, AuditAction.EXCEPTION_EXPLAINED, after="resolved", reason=f"{settlement.id} {how}"
            )
    close(uow, settlement.department)
    facts = {"department": settlement.department, "month": settlement.name, "settlement": settlement.id}
    for line in lines:
        about = f"{settlement.id}/{line['number']}"
        exceptions.open_exception(uow, "M01", LINE, about, abs(line["amount"]), facts | dict(line))


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
