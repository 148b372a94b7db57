"""The paper minute (biên bản giao nhận): where the receiver cannot sign digitally, or papers went by post."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub.errors import NotNow
from hub.events import Event, HandoffAcknowledged
from hub.handoffs import completion, record, store
from hub.handoffs.model import Handoff, Status
from hub.handoffs.service import officer_on_duty
from hub.signing import custody
from hub.work import Work
from schemas.handoff import SALT_BYTES, Document, MinuteRecord, Side

LARGEST: Final = 10 * 1024 * 1024
"""bytes of a scan"""
MEDIA_TYPES: Final = {b"%PDF-": "application/pdf", b"\x89PNG\r\n\x1a\n": "image/png", b"\xff\xd8\xff": "image/jpeg"}
"""how a scan begins → what it is"""


@dataclass(frozen=True, slots=True)
class Minute:
    """A scanned minute: the file, who signed it, and the time that it states."""

    file: bytes
    signers: tuple[str, ...]
    at: datetime


def enter(work: Work, handoff_id: str, minute: Minute) -> tuple[Status, list[Event]]:
    """Keep the minute with a record that the Centre's officer signs; the handoff's status afterwards.

    Its time is the legal one of the submission (QĐ 45/2016 Article 7). Raises NotFound; NotNow where it is not the way
    to complete this handoff; NotYet where nobody can sign.
    """
    media_type = _check(minute)
    row = store.lock(work.conn, handoff_id)
    _check_needed(work, row, minute)
    salt, officer = secrets.token_bytes(SALT_BYTES), officer_on_duty(work, row.department)
    made = _record(work, row, minute, media_type, record.salted(salt, list(minute.signers)), officer.id)
    signatures = work.signer.sign_record(made, officer, work.now, department=row.department)
    leaf_id = custody.enter(
        work.conn, kind="minute", subject=row.id, record=made, signatures=[signatures.person, signatures.seal]
    )
    work.conn.execute(
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
            work.actor,
            work.now,
        ),
    )
    work.note(row.id, "minute entered", reason=hashlib.sha256(minute.file).hexdigest())
    first = row.stands is Status.PREPARED
    row = store.change(work.conn, row.id, taken_at=minute.at)
    events: list[Event] = [HandoffAcknowledged(row.dossier_id, minute.at)] if first else []
    events += completion.settle(work, row, at_least=Status.ACKNOWLEDGED)
    return store.lock(work.conn, row.id).stands, events


def _check(minute: Minute) -> str:
    """The media type of the scan, by its first bytes. Raises NotNow."""
    if not 1 <= len(minute.file) <= LARGEST:
        raise NotNow(f"a scan has 1 to {LARGEST} bytes; this one has {len(minute.file)}")
    for beginning, media_type in MEDIA_TYPES.items():
        if minute.file.startswith(beginning):
            return media_type
    raise NotNow("a scan is a PDF, PNG or JPEG file")


def _check_needed(work: Work, row: Handoff, minute: Minute) -> None:
    """Raises NotNow."""
    if row.minuted:
        raise NotNow(f"{row.id} has its minute already")
    if row.record_hash is None or row.stands not in (Status.PREPARED, Status.ACKNOWLEDGED):
        raise NotNow(f"{row.id} is {row.status}: a minute is for a signed handoff that is on its way or has arrived")
    department = work.catalogue.departments[row.department]
    if department.signing.signs and not row.by_post:
        raise NotNow(f"{row.department} signs its receipts itself: a minute does not stand in for its counter-record")
    if not row.prepared_at.replace(second=0, microsecond=0) <= minute.at <= work.now:  # on paper, to the minute
        raise NotNow(f"the minute's time lies between the handoff's ({row.prepared_at:%Y-%m-%d %H:%M} UTC) and now")


def _record(work: Work, row: Handoff, minute: Minute, media_type: str, personal: str, officer: str) -> bytes:
    assert row.record_hash is not None  # noqa: S101 - checked before
    dossier = record.dossier_of(work, row.dossier_id)
    made = MinuteRecord(
        v=1,
        typ="vn.hub.minute",
        handoff=row.id,
        dossier=dossier["raw_code"],
        leg=row.leg,
        record=row.record_hash.hex(),
        at=minute.at,
        scan=Document(
            code="bien-ban",
            name="Biên bản giao nhận hồ sơ",
            media_type=media_type,
            size=len(minute.file),
            sha256=hashlib.sha256(minute.file).hexdigest(),
        ),
        signers=len(minute.signers),
        personal=personal,
        entered_by=Side(agency=work.catalogue.portal.centre, role="centre", officer=officer),
        entered_at=work.now,
    )
    return record.written(made)
