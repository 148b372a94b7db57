"""A handoff is prepared and signed when a dossier is released, and ends with its receiver's word."""

from typing import Any, Final

from config.officers import Officer, on_duty
from hub.codes import Code
from hub.errors import NotYet
from hub.events import (
    DossierReleased,
    Event,
    HandoffAcknowledged,
    HandoffPrepared,
    HandoffRefused,
)
from hub.handoffs import completion, counter, record, store
from hub.handoffs.model import LIFECYCLE, Handoff, Status
from hub.handoffs.record import Recorded
from hub.messages.model import Transfer
from hub.messages.outbox import Posting
from hub.signing import custody
from hub.signing.signer import Signatures
from hub.work import Work
from schemas.department import Handoff as Message
from schemas.department import Receipt
from schemas.handoff import Act, Carrier, Result
from schemas.identifiers import Prefix, new_id

KIND: Final = "department.submit"
LEAF: Final = "handoff"
"""what a signed record is called in the custody log"""


def prepare(work: Work, event: DossierReleased) -> list[Event]:
    """The dossier for its department: recorded, signed by the officer on duty and our seal, entered, and put out.

    Where it cannot be signed, nothing leaves: NotYet, and the submission waits. An officer who signs elsewhere lets the
    handoff wait unsigned until the signature is brought in.
    """
    dossier = record.dossier_of(work, event.dossier_id)
    carrier = work.catalogue.procedures[dossier["procedure"]].carrier
    before = store.last(work.conn, event.dossier_id)
    said = record.message(work, dossier, new_id(Prefix.HANDOFF), before.next_leg)
    officer = officer_on_duty(work, dossier["department"])
    made = record.transfer(work, said, officer, carrier, before.hash)
    if officer.signs_elsewhere:
        _add(work, dossier, said, officer, made, carrier, Status.UNSIGNED)
        work.note(said.id, "unsigned", after=Status.UNSIGNED, reason=officer.id)
        return []
    signatures = work.signer.sign_record(made.record, officer, work.now, department=dossier["department"])
    transfer_id, leaf_id = send(work, dossier, said, made, signatures)
    _add(work, dossier, said, officer, made, carrier, Status.PREPARED, transfer_id=transfer_id, leaf_id=leaf_id)
    return [HandoffPrepared(event.dossier_id, said.id, carrier)]


def officer_on_duty(work: Work, department: str | None) -> Officer:
    """Who signs for the Centre now. Raises NotYet where the roster has nobody."""
    able = on_duty(list(work.catalogue.officers.values()), department, work.now)
    if not able:
        raise NotYet(Code.OFFICER_MAY_NOT_SIGN, f"officers.toml has nobody who may hand over for {department} today")
    return able[0]


def send(work: Work, dossier: dict[str, Any], said: Message, made: Recorded, signatures: Signatures) -> tuple[str, str]:
    """Enter the signed record into the log and owe the handoff to its department: (transfer, leaf)."""
    department = work.catalogue.departments[dossier["department"]]
    leaf_id = custody.enter(
        work.conn, kind=LEAF, subject=said.id, record=made.record, signatures=[signatures.person, signatures.seal]
    )
    body = said.model_copy(update={"signed": record.carried(made.record, signatures, made.salt)})
    transfer_id = new_id(Prefix.TRANSFER)
    work.put(
        Posting(
            id=transfer_id,
            kind=KIND,
            counterparty=department.counterparty,
            lane=dossier["id"],
            key=transfer_id,
            subject=dossier["id"],
            body=body.model_dump_json().encode(),
            deadline=dossier["due_at"],
        )
    )
    return transfer_id, leaf_id


def _add(
    work: Work,
    dossier: dict[str, Any],
    said: Message,
    officer: Officer,
    made: Recorded,
    carrier: Carrier,
    status: Status,
    *,
    transfer_id: str | None = None,
    leaf_id: str | None = None,
) -> None:
    store.add(
        work.conn,
        store.New(
            id=said.id,
            dossier_id=dossier["id"],
            leg=said.leg,
            department=dossier["department"],
            transfer_id=transfer_id,
            status=status,
            prepared_at=work.now,
            act=Act.TRANSFER,
            carrier=carrier,
            officer=officer.id,
            result=Result.NONE,
            record_hash=made.hash,
            salt=made.salt,
            draft=made.record if status is Status.UNSIGNED else None,
            leaf_id=leaf_id,
        ),
    )


def acknowledged(work: Work, transfer: Transfer, receipt: Receipt) -> list[Event]:
    """The department has it: its own number and its counter-record are kept beside ours.

    Raises NeedsAPerson or NotYet where a department that signs did not sign for exactly this handoff.
    """
    row = store.lock_by_transfer(work.conn, transfer.id)
    leaf_id = _counter_signed(work, row, receipt)
    work.note(row.id, "answered", before=row.status, after=Status.ACKNOWLEDGED, reason=receipt.number)
    row = store.change(
        work.conn,
        row.id,
        number=receipt.number,
        answered_at=receipt.received_at,
        receipt_leaf_id=leaf_id,
        taken_at=row.taken_at or receipt.received_at,
    )
    events: list[Event] = [HandoffAcknowledged(row.dossier_id, receipt.received_at)]
    return events + completion.settle(work, row, at_least=Status.ACKNOWLEDGED)


def _counter_signed(work: Work, row: Handoff, receipt: Receipt) -> str | None:
    """The leaf of the department's counter-record; None where it does not sign."""
    department = work.catalogue.departments[row.department]
    if row.record_hash is None or not department.signing.signs:
        if receipt.signed is not None:
            work.note(row.id, "counter-record not looked at", reason="the catalogue does not say that it signs")
        return None
    told = counter.receipt(work, department, row, receipt)
    return custody.enter(work.conn, kind="receipt", subject=row.id, record=told.record, signatures=told.signatures)


def refused(work: Work, transfer: Transfer, reason: str) -> list[Event]:
    """The department said no; the reason is for the applicant."""
    row = store.lock_by_transfer(work.conn, transfer.id)
    LIFECYCLE.check(row.stands, Status.REFUSED)
    store.change(work.conn, row.id, status=Status.REFUSED, answered_at=work.now)
    work.note(row.id, "answered", before=row.status, after=Status.REFUSED)
    return [HandoffRefused(row.dossier_id, work.now, reason)]
