"""A handoff's message to the department, and the record that is signed: canonical JSON without personal data."""

import base64
import hashlib
import secrets
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic import BaseModel

from config.officers import Officer
from hub.clock import local
from hub.db import one
from hub.events import DossierTerms
from hub.signing import canonical
from hub.signing.signer import Signatures
from hub.unit_of_work import UnitOfWork
from schemas.department import Handoff
from schemas.handoff import (
    SALT_BYTES,
    Act,
    Carrier,
    HandedDocument,
    HandoffRecord,
    HandoffSide,
    ShareResult,
    SignedRecord,
)
from schemas.portal import DeclaredFee


@dataclass(frozen=True, slots=True)
class Recorded:
    """A record's bytes, and the salt of its digest of the personal data."""

    record: bytes
    salt: bytes

    @property
    def hash(self) -> bytes:
        return hash_of(self.record)


def hash_of(record: bytes) -> bytes:
    """The hash by which the next record of the dossier, and a counter-record, refer to this one."""
    return hashlib.sha256(record).digest()


def message(uow: UnitOfWork, dossier: DossierTerms, handoff_id: str, leg: int) -> Handoff:
    """The handoff message for the department; always the same for the same dossier and leg."""
    submission = uow.submission(dossier.id)
    procedure = uow.catalogue.procedures[dossier.procedure]
    return Handoff(
        id=handoff_id,
        dossier_code=dossier.raw_code,
        leg=leg,
        from_agency=uow.catalogue.portal.centre,
        to_agency=uow.catalogue.departments[dossier.department].agency,
        procedure=procedure.code,
        procedure_title=procedure.title,
        channel=submission.channel,
        received_at=dossier.received_at,
        due_at=dossier.due_at,
        applicant=submission.applicant,
        summary=submission.summary,
        papers=submission.papers,
        fees=[
            DeclaredFee(code=fee.code, kind=fee.kind, amount=fee.amount)
            for fee in procedure.fees_on(local(dossier.received_at).date())
        ],
        result=submission.result,
    )


def dossier_of(uow: UnitOfWork, dossier_id: str) -> DossierTerms:
    """What the dossier is. Raises LookupError."""
    row = one(
        uow.conn,
        "SELECT id, code, raw_code, procedure, department, received_at, due_at FROM dossier WHERE id = %s",
        (dossier_id,),
    )
    return DossierTerms(**row)


def transfer(uow: UnitOfWork, handoff: Handoff, officer: Officer, carrier: Carrier, prev: str) -> Recorded:
    """The record of ``handoff``, a row of the Phiếu kiểm soát, given by ``officer`` now."""
    salt = secrets.token_bytes(SALT_BYTES)
    titles = {paper.code: paper.title for paper in uow.catalogue.procedures[handoff.procedure].papers}
    record = HandoffRecord(
        v=1,
        typ="vn.hub.handoff",
        id=handoff.id,
        log=uow.catalogue.signing.log,
        dossier=handoff.dossier_code,
        leg=handoff.leg,
        act=Act.TRANSFER,
        carrier=carrier,
        giver=HandoffSide(agency=handoff.from_agency, role="centre", officer=officer.id),
        receiver=HandoffSide(agency=handoff.to_agency, role="department"),
        received_at=handoff.received_at,
        given_at=uow.now,
        due_at=handoff.due_at,
        result=ShareResult.NONE,
        note=None,
        documents=[
            HandedDocument(
                code=paper.code,
                name=titles.get(paper.code, paper.code),
                media_type=paper.media_type,
                size=paper.size,
                sha256=paper.sha256,
            )
            for paper in handoff.papers
        ],
        personal=personal(salt, handoff),
        prev=prev,
    )
    return Recorded(written(record), salt)


def written(model: BaseModel) -> bytes:
    """Serialise the record canonically (RFC 8785): moments in UTC, strings in Unicode's form NFC."""
    return canonical.encode(_plain(model.model_dump()))


def personal(salt: bytes, handoff: Handoff) -> str:
    """SHA-256(salt ‖ canonical JSON of applicant, result and summary, without what is unset)."""
    document = handoff.model_dump(include={"applicant", "result", "summary"}, exclude_none=True)
    return hashlib.sha256(salt + canonical.encode(_plain(document))).hexdigest()


def salted(salt: bytes, value: Any) -> str:
    """SHA-256(salt ‖ canonical JSON)."""
    return hashlib.sha256(salt + canonical.encode(_plain(value))).hexdigest()


def carried(record: bytes, signatures: Signatures, salt: bytes) -> SignedRecord:
    """The signed record as the department receives it."""
    return SignedRecord(
        record=_base64(record), signature=_base64(signatures.person), seal=_base64(signatures.seal), salt=_base64(salt)
    )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return unicodedata.normalize("NFC", str(value)) if isinstance(value, str) else value


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
