"""Sign handoffs with keys that the hub does not hold (USB token, VGCA): export the record, attach the signature."""

from typing import Any

from hub.audit import AuditAction
from hub.errors import InvalidState
from hub.events import DossierTerms, Event, HandoffPrepared
from hub.handoffs import record, store
from hub.handoffs.record import Recorded
from hub.handoffs.service import officer_on_duty, send
from hub.handoffs.store import LIFECYCLE, HandoffRow, HandoffStatus
from hub.signing.signer import Signatures
from hub.unit_of_work import UnitOfWork
from schemas.department import Handoff as Message
from schemas.handoff import Carrier


def exported(uow: UnitOfWork, handoff_id: str) -> bytes:
    """The exact bytes to sign. ``attach`` takes a detached CAdES-B signature over them.

    Raises NotFound, InvalidState.
    """
    draft = _draft(store.lock(uow.conn, handoff_id))
    uow.write_audit(handoff_id, AuditAction.HANDOFF_EXPORTED_FOR_SIGNING)
    return draft


def attach(uow: UnitOfWork, handoff_id: str, signature: bytes) -> tuple[HandoffStatus, list[Event]]:
    """Verify the officer's signature, add our seal, and send the handoff.

    Raises NotFound, InvalidState, or MayNotSign for a signature that does not hold or is not that officer's.
    """
    row = store.lock(uow.conn, handoff_id)
    draft = _draft(row)
    officer = uow.catalogue.officers.get(row.officer or "")
    if officer is None:
        raise InvalidState(f"{row.officer} has left the roster: renew the record (hub handoff sign --renew)")
    signatures = uow.signer.seal_record(draft, signature, officer, uow.now, department=row.department)
    dossier = record.dossier_of(uow, row.dossier_id)
    handoff = record.message(uow, dossier, row.id, row.leg)
    recorded = Recorded(draft, row.salt or b"")
    uow.write_audit(
        row.id, AuditAction.HANDOFF_SIGNED, before=row.status, after=HandoffStatus.PREPARED, reason=officer.id
    )
    return HandoffStatus.PREPARED, _send(uow, row, dossier, handoff, recorded, signatures)


def renew(uow: UnitOfWork, handoff_id: str) -> tuple[HandoffStatus, list[Event]]:
    """Write the record again for the officer now on duty, where the one that it waits for has left.

    It is signed and sent at once if the hub holds that officer's key. Raises NotFound, InvalidState, RetryLater.
    """
    row = store.lock(uow.conn, handoff_id)
    _draft(row)
    dossier, officer = record.dossier_of(uow, row.dossier_id), officer_on_duty(uow, row.department)
    handoff = record.message(uow, dossier, row.id, row.leg)
    before = store.last(uow.conn, row.dossier_id, below=row.leg)
    recorded = record.transfer(uow, handoff, officer, Carrier(row.carrier), before.hash)
    renewed = {"officer": officer.id, "record_hash": recorded.hash, "salt": recorded.salt, "prepared_at": uow.now}
    uow.write_audit(row.id, AuditAction.HANDOFF_RENEWED, before=row.officer, after=officer.id)
    if officer.signs_elsewhere:
        store.change(uow.conn, row.id, draft=recorded.record, **renewed)
        return HandoffStatus.UNSIGNED, []
    signatures = uow.signer.sign_record(recorded.record, officer, uow.now, department=row.department)
    return HandoffStatus.PREPARED, _send(uow, row, dossier, handoff, recorded, signatures, **renewed)


def _send(
    uow: UnitOfWork,
    row: HandoffRow,
    dossier: DossierTerms,
    handoff: Message,
    recorded: Recorded,
    signatures: Signatures,
    **changed: Any,
) -> list[Event]:
    LIFECYCLE.check(row.status, HandoffStatus.PREPARED)
    transfer_id, leaf_id = send(uow, dossier, handoff, recorded, signatures)
    sent = {"status": HandoffStatus.PREPARED, "draft": None, "transfer_id": transfer_id, "leaf_id": leaf_id}
    store.change(uow.conn, row.id, **changed, **sent)
    return [HandoffPrepared(row.dossier_id, row.id, Carrier(row.carrier))]


def _draft(row: HandoffRow) -> bytes:
    if row.draft is None:
        raise InvalidState(f"{row.id} is {row.status}: there is nothing to sign")
    return row.draft
