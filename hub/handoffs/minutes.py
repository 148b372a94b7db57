"""The paper minute (biên bản giao nhận): where the receiver cannot sign digitally, or papers went by post."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub.audit import AuditAction
from hub.errors import InvalidState
from hub.events import Event, HandoffAcknowledged
from hub.handoffs import record, service, store
from hub.handoffs.service import officer_on_duty
from hub.handoffs.store import HandoffRow, HandoffStatus
from hub.locale import vi
from hub.signing import custody
from hub.unit_of_work import UnitOfWork
from schemas.handoff import SALT_BYTES, HandedDocument, HandoffSide, MinuteRecord

LARGEST: Final = 10 * 1024 * 1024
"""bytes of a scan"""
MEDIA_TYPES: Final = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""first bytes of a scan → its media type"""


@dataclass(frozen=True, slots=True)
class ScannedMinute:
    """A scanned minute: the file, who signed it, and the time that it states."""

    file: bytes
    signers: tuple[str, ...]
    at: datetime


def enter(uow: UnitOfWork, handoff_id: str, minute: ScannedMinute) -> tuple[HandoffStatus, list[Event]]:
    """Store the minute with a record that the Centre's officer signs; the handoff's status afterwards.

    Its time is the legal one of the submission (QĐ 45/2016 Article 7). Raises NotFound; InvalidState where it is not
    the way to complete this handoff; RetryLater where nobody can sign.
    """
    media_type = _check(minute)
    row = store.lock(uow.conn, handoff_id)
    _check_needed(uow, row, minute)
    salt, officer = secrets.token_bytes(SALT_BYTES), officer_on_duty(uow, row.department)
    minute_record = _record(uow, row, minute, media_type, record.salted(salt, list(minute.signers)), officer.id)
    signatures = uow.signer.sign_record(minute_record, officer, uow.now, department=row.department)
    leaf_id = custody.enter(
        uow.conn, kind="minute", subject=row.id, record=minute_record, signatures=[signatures.person, signatures.seal]
    )
    uow.conn.execute(
        "INSERT INTO handoff_minute (handoff_id, at, signers, salt, media_type, sha256, file, leaf_id, entered_by,"
        " entered_at) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            row.id,
            minute.at,
            list(minute.signers),
            salt,
            media_type,
            hashlib.sha256(minute.file).digest(),
            minute.file,
            leaf_id,
            uow.actor,
            uow.now,
        ),
    )
    uow.write_audit(row.id, AuditAction.HANDOFF_MINUTE_ENTERED, reason=hashlib.sha256(minute.file).hexdigest())
    first = row.status is HandoffStatus.PREPARED
    row = store.change(uow.conn, row.id, taken_at=minute.at)
    events: list[Event] = [HandoffAcknowledged(row.dossier_id, minute.at)] if first else []
    events += service.advance(uow, row, at_least=HandoffStatus.ACKNOWLEDGED)
    return store.lock(uow.conn, row.id).status, events


def _check(minute: ScannedMinute) -> str:
    """The media type of the scan, by its first bytes. Raises InvalidState."""
    if not 1 <= len(minute.file) <= LARGEST:
        raise InvalidState(f"a scan has 1 to {LARGEST} bytes; this one has {len(minute.file)}")
    for beginning, media_type in MEDIA_TYPES.items():
        if minute.file.startswith(beginning):
            return media_type
    raise InvalidState("a scan is a PDF, PNG or JPEG file")


def _check_needed(uow: UnitOfWork, row: HandoffRow, minute: ScannedMinute) -> None:
    """Raises InvalidState."""
    if row.minuted:
        raise InvalidState(f"{row.id} has its minute already")
    if row.record_hash is None or row.status not in (HandoffStatus.PREPARED, HandoffStatus.ACKNOWLEDGED):
        raise InvalidState(
            f"{row.id} is {row.status}: a minute is for a signed handoff that is on its way or has arrived"
        )
    department = uow.catalogue.departments[row.department]
    if department.signing.signs and not row.by_post:
        raise InvalidState(
            f"{row.department} signs its receipts itself: a minute does not stand in for its counter-record"
        )
    if not row.prepared_at.replace(second=0, microsecond=0) <= minute.at <= uow.now:  # on paper, to the minute
        raise InvalidState(
            f"the minute's time lies between the handoff's ({row.prepared_at:%Y-%m-%d %H:%M} UTC) and now"
        )


def _record(
    uow: UnitOfWork, row: HandoffRow, minute: ScannedMinute, media_type: str, personal: str, officer: str
) -> bytes:
    assert row.record_hash is not None  # noqa: S101 - checked before
    dossier = record.dossier_of(uow, row.dossier_id)
    minute_record = MinuteRecord(
        v=1,
        typ="vn.hub.minute",
        handoff=row.id,
        dossier=dossier.raw_code,
        leg=row.leg,
        record=row.record_hash.hex(),
        at=minute.at,
        scan=HandedDocument(
            code="bien-ban",
            name=vi("Minutes of the handing over"),
            media_type=media_type,
            size=len(minute.file),
            sha256=hashlib.sha256(minute.file).hexdigest(),
        ),
        signers=len(minute.signers),
        personal=personal,
        entered_by=HandoffSide(agency=uow.catalogue.portal.centre, role="centre", officer=officer),
        entered_at=uow.now,
    )
    return record.written(minute_record)
