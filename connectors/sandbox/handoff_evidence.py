"""What a department reads in the hub's signed record, and whether it is about what it was handed."""

import base64
import hashlib
import json
import unicodedata
from typing import Any

import rfc8785
from pydantic import AwareDatetime

from schemas import strict
from schemas.department import Handoff
from schemas.handoff import HandoffRecord
from schemas.strict import Strict


class EvidenceMismatch(Exception):
    """The signed record is about something else than the message that it came in; the text says what."""


class HandoffEvidence(Strict):
    """What of the record the department's own records name."""

    id: str
    record: str
    """SHA-256 of the record's bytes"""
    log: str
    leg: int
    centre: str
    personal: str
    due_at: AwareDatetime


def evidence_in(handoff: Handoff) -> HandoffEvidence | None:
    """None where nothing is signed. Raises EvidenceMismatch, and schemas.strict.Refused for what is no record."""
    if handoff.signed is None:
        return None
    data = base64.b64decode(handoff.signed.record)
    record = strict.read(HandoffRecord, data)
    if rfc8785.dumps(json.loads(data)) != data:
        raise EvidenceMismatch("the record is not in its canonical form")
    if (record.id, record.dossier, record.leg) != (handoff.id, handoff.dossier_code, handoff.leg):
        raise EvidenceMismatch("the record is about another handoff")
    if [(paper.code, paper.size, paper.sha256) for paper in handoff.papers] != [
        (document.code, document.size, document.sha256) for document in record.documents
    ]:
        raise EvidenceMismatch("the record lists other documents")
    if handoff.signed.salt is not None and _personal(handoff, handoff.signed.salt) != record.personal:
        raise EvidenceMismatch("the record was signed for other personal data")
    return HandoffEvidence(
        id=record.id,
        record=hashlib.sha256(data).hexdigest(),
        log=record.log,
        leg=record.leg,
        centre=record.giver.agency,
        personal=record.personal,
        due_at=record.due_at,
    )


def _personal(handoff: Handoff, salt: str) -> str:
    """docs/integrators/departments-rest.md: SHA-256(salt ‖ canonical JSON of applicant, result and summary)."""
    document = handoff.model_dump(mode="json", include={"applicant", "result", "summary"}, exclude_none=True)
    return hashlib.sha256(base64.b64decode(salt) + rfc8785.dumps(_nfc(document))).hexdigest()


def _nfc(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _nfc(part) for key, part in value.items()}
    return unicodedata.normalize("NFC", value) if isinstance(value, str) else value
