"""Handoffs: prepare and sign one when a dossier is released, record the department's answer, complete it."""

from dataclasses import replace
from typing import Final

from config.officers import Officer, on_duty
from hub.audit import AuditAction
from hub.codes import HubCode
from hub.errors import RetryLater
from hub.events import (
    ConsignmentDelivered,
    DossierReleased,
    DossierTerms,
    Event,
    HandoffAcknowledged,
    HandoffCompleted,
    HandoffPrepared,
    HandoffRefused,
)
from hub.handoffs import counter_record, record, store
from hub.handoffs.record import Recorded
from hub.handoffs.store import LIFECYCLE, HandoffRow, HandoffStatus
from hub.messages.model import Transfer
from hub.messages.outbox import NewTransfer
from hub.signing import custody
from hub.signing.signer import Signatures
from hub.unit_of_work import UnitOfWork
from schemas.department import Handoff as Message
from schemas.department import HandoffReceipt
from schemas.handoff import FIRST, Act, Carrier, ShareResult
from schemas.identifiers import Prefix, new_id

KIND: Final = "department.submit"
LEAF: Final = "handoff"
"""kind of a handoff's leaf in the custody log"""


def prepare(uow: UnitOfWork, event: DossierReleased) -> list[Event]:
    """Record the handoff, sign it as the officer on duty and with our seal, log it, and put it into the outbox.

    Raises RetryLater where it cannot be signed: nothing is sent, and the message waits. Where the officer signs
    outside the hub, the handoff waits unsigned until the signature is attached (external_signing).
    """
    dossier = event.dossier
    carrier = uow.catalogue.procedures[dossier.procedure].carrier
    # A dossier is released once, and nothing is handed over before: the chain begins here. The table refuses a fork.
    handoff = record.message(uow, dossier, new_id(Prefix.HANDOFF), 1)
    officer = officer_on_duty(uow, dossier.department)
    recorded = record.transfer(uow, handoff, officer, carrier, FIRST)
    if officer.signs_elsewhere:
        _add(uow, dossier, handoff, officer, recorded, carrier, HandoffStatus.UNSIGNED)
        uow.write_audit(handoff.id, AuditAction.HANDOFF_PREPARED, after=HandoffStatus.UNSIGNED, reason=officer.id)
        return []
    signatures = uow.signer.sign_record(recorded.record, officer, uow.now, department=dossier.department)
    transfer_id, leaf_id = send(uow, dossier, handoff, recorded, signatures)
    _add(
        uow,
        dossier,
        handoff,
        officer,
        recorded,
        carrier,
        HandoffStatus.PREPARED,
        transfer_id=transfer_id,
        leaf_id=leaf_id,
    )
    return [HandoffPrepared(event.dossier_id, handoff.id, carrier)]


def officer_on_duty(uow: UnitOfWork, department: str | None) -> Officer:
    """Who signs for the Centre now. Raises RetryLater where the roster has nobody."""
    able = on_duty(list(uow.catalogue.officers.values()), department, uow.now)
    if not able:
        raise RetryLater(
            HubCode.OFFICER_MAY_NOT_SIGN, f"officers.toml has nobody who may hand over for {department} today"
        )
    return able[0]


def send(
    uow: UnitOfWork, dossier: DossierTerms, handoff: Message, recorded: Recorded, signatures: Signatures
) -> tuple[str, str]:
    """Enter the signed record into the custody log and put the handoff into the outbox: (transfer id, leaf id)."""
    department = uow.catalogue.departments[dossier.department]
    leaf = custody.NewLeaf(LEAF, handoff.id, recorded.record, [signatures.person, signatures.seal])
    uow.later(custody.insert, leaf)
    body = handoff.model_copy(update={"signed": record.carried(recorded.record, signatures, recorded.salt)})
    transfer_id = new_id(Prefix.TRANSFER)
    uow.put(
        NewTransfer(
            id=transfer_id,
            kind=KIND,
            counterparty=department.counterparty,
            ordering_key=dossier.id,
            key=transfer_id,
            subject=dossier.id,
            body=body.model_dump_json().encode(),
            deadline=dossier.due_at,
        )
    )
    return transfer_id, leaf.id


def _add(
    uow: UnitOfWork,
    dossier: DossierTerms,
    handoff: Message,
    officer: Officer,
    recorded: Recorded,
    carrier: Carrier,
    status: HandoffStatus,
    *,
    transfer_id: str | None = None,
    leaf_id: str | None = None,
) -> None:
    uow.later(
        store.insert,
        store.New(
            id=handoff.id,
            dossier_id=dossier.id,
            leg=handoff.leg,
            department=dossier.department,
            transfer_id=transfer_id,
            status=status,
            prepared_at=uow.now,
            act=Act.TRANSFER,
            carrier=carrier,
            officer=officer.id,
            result=ShareResult.NONE,
            record_hash=recorded.hash,
            salt=recorded.salt,
            draft=recorded.record if status is HandoffStatus.UNSIGNED else None,
            leaf_id=leaf_id,
        ),
    )


def acknowledged(uow: UnitOfWork, transfer: Transfer, receipt: HandoffReceipt) -> list[Event]:
    """The department has the handoff: store its number and its counter-record.

    Raises ManualAction or RetryLater where a department that counter-signs did not sign for exactly this handoff.
    """
    # The handoff was committed before its transfer was sent: nothing of it is put off.
    row = store.lock_by_transfer(uow.unflushed, transfer.id)
    leaf_id = _counter_signed(uow, row, receipt)
    uow.write_audit(
        row.id, AuditAction.HANDOFF_ANSWERED, before=row.status, after=HandoffStatus.ACKNOWLEDGED, reason=receipt.number
    )
    answered = replace(row, receipt_leaf_id=leaf_id, taken_at=row.taken_at or receipt.received_at)
    to = _status_after(answered, HandoffStatus.ACKNOWLEDGED)
    answer = store.Answer(
        id=row.id,
        status=to,
        number=receipt.number,
        answered_at=receipt.received_at,
        receipt_leaf_id=leaf_id,
        taken_at=answered.taken_at,
        completed_at=uow.now if to is HandoffStatus.COMPLETE and to is not row.status else None,
    )
    uow.later(store.answer, answer)
    return [HandoffAcknowledged(row.dossier_id, receipt.received_at), *_completed(uow, row, to)]


def _counter_signed(uow: UnitOfWork, row: HandoffRow, receipt: HandoffReceipt) -> str | None:
    """Enter the department's counter-record into the custody log: its leaf id; None where it does not sign."""
    department = uow.catalogue.departments[row.department]
    if row.record_hash is None or not department.signing.signs:
        if receipt.signed is not None:
            uow.write_audit(
                row.id,
                AuditAction.HANDOFF_COUNTER_RECORD_NOT_CHECKED,
                reason="the catalogue does not say that it signs",
            )
        return None
    signed_record = counter_record.receipt(uow, department, row, receipt)
    leaf = custody.NewLeaf("receipt", row.id, signed_record.record, signed_record.signatures)
    uow.later(custody.insert, leaf)  # before the handoff's row, which refers to it
    return leaf.id


def refused(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """The department has refused the handoff; the reason is for the applicant."""
    row = store.lock_by_transfer(uow.conn, transfer.id)
    LIFECYCLE.check(row.status, HandoffStatus.REFUSED)
    store.change(uow.conn, row.id, status=HandoffStatus.REFUSED, answered_at=uow.now)
    uow.write_audit(row.id, AuditAction.HANDOFF_ANSWERED, before=row.status, after=HandoffStatus.REFUSED)
    return [HandoffRefused(row.dossier_id, uow.now, reason)]


def advance(uow: UnitOfWork, row: HandoffRow, *, at_least: HandoffStatus) -> list[Event]:
    """Move the handoff to complete if nothing is missing, else to ``at_least``, if it is not there or beyond."""
    to = _status_after(row, at_least)
    if to is not row.status:
        store.change(uow.conn, row.id, status=to, completed_at=uow.now if to is HandoffStatus.COMPLETE else None)
    return _completed(uow, row, to)


def _status_after(row: HandoffRow, at_least: HandoffStatus) -> HandoffStatus:
    """The status of a handoff that has what ``row`` has. Raises MoveRefused."""
    to = HandoffStatus.COMPLETE if row.is_complete else at_least
    if row.status in (to, HandoffStatus.COMPLETE, HandoffStatus.REFUSED):
        return row.status
    LIFECYCLE.check(row.status, to)
    return to


def _completed(uow: UnitOfWork, row: HandoffRow, to: HandoffStatus) -> list[Event]:
    """The event of a handoff that was as ``row`` and is complete now."""
    if to is row.status or to is not HandoffStatus.COMPLETE:
        return []
    uow.write_audit(row.id, AuditAction.HANDOFF_COMPLETED, before=row.status, after=to)
    return [HandoffCompleted(row.dossier_id, row.id)]


def papers_delivered(uow: UnitOfWork, event: ConsignmentDelivered) -> list[Event]:
    """The operator has delivered the papers of a handoff. To complete it, the signed minute is needed as well."""
    if event.handoff_id is None:
        return []
    row = store.lock(uow.conn, event.handoff_id)
    if row.delivered_at is not None:
        return []
    row = store.change(uow.conn, row.id, delivered_at=event.at)
    uow.write_audit(row.id, AuditAction.HANDOFF_PAPERS_DELIVERED, reason=event.consignment_id)
    return advance(uow, row, at_least=row.status)
