"""Officers whose keys are not here (USB token, VGCA): the record is taken out, signed, and brought in."""

from typing import Any

from hub.errors import NotNow
from hub.events import Event, HandoffPrepared
from hub.handoffs import record, store
from hub.handoffs.model import LIFECYCLE, Handoff, Status
from hub.handoffs.record import Recorded
from hub.handoffs.service import officer_on_duty, send
from hub.signing.signer import Signatures
from hub.work import Work
from schemas.department import Handoff as Message
from schemas.handoff import Carrier


def exported(work: Work, handoff_id: str) -> bytes:
    """The exact bytes to be signed: detached CAdES-B over them is what ``attach`` takes. Raises NotFound, NotNow."""
    draft = _draft(store.lock(work.conn, handoff_id))
    work.note(handoff_id, "taken out to be signed")
    return draft


def attach(work: Work, handoff_id: str, signature: bytes) -> tuple[Status, list[Event]]:
    """The officer's signature: verified, then sealed, and the handoff goes out.

    Raises NotFound, NotNow, or MayNotSign for a signature that does not hold or is not that officer's.
    """
    row = store.lock(work.conn, handoff_id)
    draft = _draft(row)
    officer = work.catalogue.officers.get(row.officer or "")
    if officer is None:
        raise NotNow(f"{row.officer} has left the roster: renew the record (hub handoff sign --renew)")
    signatures = work.signer.seal_record(draft, signature, officer, work.now, department=row.department)
    dossier = record.dossier_of(work, row.dossier_id)
    said = record.message(work, dossier, row.id, row.leg)
    made = Recorded(draft, row.salt or b"")
    work.note(row.id, "signed", before=row.status, after=Status.PREPARED, reason=officer.id)
    return Status.PREPARED, _go(work, row, dossier, said, made, signatures)


def renew(work: Work, handoff_id: str) -> tuple[Status, list[Event]]:
    """Draw the record up anew in the name of whoever is on duty now: the officer that it waits for may have left.

    Signed and sent at once where that officer's key is here. Raises NotFound, NotNow, NotYet.
    """
    row = store.lock(work.conn, handoff_id)
    _draft(row)
    dossier, officer = record.dossier_of(work, row.dossier_id), officer_on_duty(work, row.department)
    said = record.message(work, dossier, row.id, row.leg)
    before = store.last(work.conn, row.dossier_id, below=row.leg)
    made = record.transfer(work, said, officer, Carrier(row.carrier), before.hash)
    renewed = {"officer": officer.id, "record_hash": made.hash, "salt": made.salt, "prepared_at": work.now}
    work.note(row.id, "renewed", before=row.officer, after=officer.id)
    if officer.signs_elsewhere:
        store.change(work.conn, row.id, draft=made.record, **renewed)
        return Status.UNSIGNED, []
    signatures = work.signer.sign_record(made.record, officer, work.now, department=row.department)
    return Status.PREPARED, _go(work, row, dossier, said, made, signatures, **renewed)


def _go(
    work: Work,
    row: Handoff,
    dossier: dict[str, Any],
    said: Message,
    made: Recorded,
    signatures: Signatures,
    **changed: Any,
) -> list[Event]:
    LIFECYCLE.check(row.stands, Status.PREPARED)
    transfer_id, leaf_id = send(work, dossier, said, made, signatures)
    sent = {"status": Status.PREPARED, "draft": None, "transfer_id": transfer_id, "leaf_id": leaf_id}
    store.change(work.conn, row.id, **changed, **sent)
    return [HandoffPrepared(row.dossier_id, row.id, Carrier(row.carrier))]


def _draft(row: Handoff) -> bytes:
    if row.draft is None:
        raise NotNow(f"{row.id} is {row.status}: there is nothing to sign")
    return row.draft
