"""From what was signed to what is printed: the records, counter-records and minutes of a dossier as the forms' values.

Nothing of the day of printing goes in: the same records give the same paper.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from asn1crypto import x509 as asn1
from cryptography import x509
from cryptography.x509.oid import NameOID

from hub.errors import InvalidState, NotFound
from hub.papers import layout
from hub.papers.forms import (
    Attachment,
    ControlSheet,
    ControlSheetRow,
    IssuingOffice,
    LegResult,
    MinuteDocument,
    MinuteForm,
    Signature,
)
from hub.papers.forms import MinuteSide as Party
from hub.signing import cms
from hub.signing.custody import Leaf
from schemas.handoff import HandoffRecord, HandoffSide, MinuteRecord, ReceiptRecord
from schemas.handoff import ShareResult as Ended

_SIGNATURES: Final = {"handoff": ("p7s", "seal.p7s"), "receipt": ("receipt.p7s", "receipt.seal.p7s")}
_RECORDS: Final = {"handoff": "json", "receipt": "receipt.json"}
_CALLED: Final = {"handoff": "Bản ghi bàn giao", "receipt": "Bản ghi xác nhận"}


@dataclass(frozen=True, slots=True)
class PaperNames:
    """How agencies, officers and procedures are called on paper."""

    office: IssuingOffice
    agencies: Mapping[str, str]
    officers: Mapping[str, str]
    procedure: str


@dataclass(frozen=True, slots=True)
class HandoffPaper:
    """One handoff: what its giver signed, and what its receiver answered, as they stand in the custody log."""

    id: str
    handoff: Leaf
    receipt: Leaf | None
    minute: Leaf | None

    @classmethod
    def of(cls, handoff_id: str, leaves: Sequence[Leaf]) -> "HandoffPaper":
        """Raises NotFound where nothing of it was signed."""
        kinds = {leaf.kind: leaf for leaf in leaves}
        if "handoff" not in kinds:
            raise NotFound(f"nothing of {handoff_id} has been signed")
        return cls(handoff_id, kinds["handoff"], kinds.get("receipt"), kinds.get("minute"))

    @property
    def record(self) -> HandoffRecord:
        """Raises InvalidState where retention took the record away."""
        return HandoffRecord.model_validate_json(_bytes(self.handoff))

    @property
    def answered(self) -> ReceiptRecord | None:
        return None if self.receipt is None else ReceiptRecord.model_validate_json(_bytes(self.receipt))

    @property
    def minuted(self) -> MinuteRecord | None:
        return None if self.minute is None else MinuteRecord.model_validate_json(_bytes(self.minute))


def control_sheet(way: Sequence[HandoffPaper], names: PaperNames) -> ControlSheet:
    """The Phiếu kiểm soát of a dossier whose handoffs are ``way``, in their order; dated by the last of them."""
    if not way:
        raise NotFound("the dossier has not been handed over yet")
    first = way[0].record
    return ControlSheet(
        number=f"{first.dossier}/PKS",
        at=max(_ended(handed) for handed in way),
        office=names.office,
        dossier_code=first.dossier,
        procedure=names.procedure,
        deciding=_agency(next(side for side in (first.receiver, first.giver) if side.role == "department"), names),
        received_at=first.received_at,
        due_at=first.due_at,
        legs=tuple(_leg(handed, names) for handed in way),
        attachments=tuple(file for handed in way for file in _files(handed)),
    )


def minute(handed: HandoffPaper, names: PaperNames) -> MinuteForm:
    """The Biên bản giao nhận of one handoff, to be signed by both sides."""
    record = handed.record
    return MinuteForm(
        number=f"{record.leg:02}/BBGN",
        at=record.given_at,
        office=names.office,
        handoff_id=record.id,
        dossier_code=record.dossier,
        procedure=names.procedure,
        giver=_party(record.giver, names),
        receiver=_party(record.receiver, names),
        documents=tuple(MinuteDocument(one.name, "tệp điện tử", 1, one.sha256) for one in record.documents),
        complete=None,
        note=record.note or "",
        given_by=_signature(handed.handoff, names.officers.get(record.giver.officer or "")),
        received_by=None if handed.receipt is None else _signature(handed.receipt, None),
        record_sha256=handed.handoff.record_hash.hex(),
        attachments=tuple(_files(handed)),
    )


def _bytes(leaf: Leaf) -> bytes:
    if leaf.record is None:
        raise InvalidState(
            f"{leaf.subject}: the record has expired (its hash is kept), so the form cannot be printed any more"
        )
    if hashlib.sha256(leaf.record).digest() != leaf.record_hash:
        raise InvalidState(f"{leaf.subject}: the record is not the one that was signed (hub custody audit)")
    return leaf.record


def _ended(handed: HandoffPaper) -> datetime:
    record, answered, minuted = handed.record, handed.answered, handed.minuted
    return max(one for one in (record.given_at, answered and answered.received_at, minuted and minuted.at) if one)


def _leg(handed: HandoffPaper, names: PaperNames) -> ControlSheetRow:
    record, answered, minuted = handed.record, handed.answered, handed.minuted
    taken = minuted.at if minuted else answered.received_at if answered else None
    notes = [record.note, f"Số của bên nhận: {answered.number}" if answered else None]
    if minuted:
        notes.append(f"Có biên bản giao nhận ký tay, SHA-256 {minuted.scan.sha256[:16]}…")
    return ControlSheetRow(
        number=record.leg,
        handoff_id=record.id,
        giver=_agency(record.giver, names),
        receiver=_agency(record.receiver, names),
        given_at=record.given_at,
        received_at=taken,
        result=None if record.result is Ended.NONE else LegResult(record.result.value),
        note="; ".join(note for note in notes if note),
        given_by=_signature(handed.handoff, names.officers.get(record.giver.officer or "")),
        received_by=None if handed.receipt is None else _signature(handed.receipt, None),
        record_sha256=handed.handoff.record_hash.hex(),
    )


def _agency(side: HandoffSide, names: PaperNames) -> str:
    return names.agencies.get(side.agency, side.agency)


def _party(side: HandoffSide, names: PaperNames) -> Party:
    person = names.officers.get(side.officer or "", "…" * 12)
    return Party(_agency(side, names), person, "…" * 8)


def _signature(leaf: Leaf, name: str | None) -> Signature:
    """The facts of the first signature; whether it holds is for whoever verifies the attached files."""
    signed = cms.read(leaf.signatures[0])
    certificate = cms.signer_certificate(signed)
    serial = layout.groups_of_eight(f"{certificate.serial_number:x}")
    return Signature(
        signer=name or _common_name(certificate.subject),
        certificate=f"{_common_name(certificate.subject)} · cấp bởi {_common_name(certificate.issuer)} · số {serial}",
        at=asn1.Time.load(signed.attributes[cms.SIGNING_TIME]).native,
    )


def _common_name(name: x509.Name) -> str:
    found = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else name.rfc4514_string()


def _files(handed: HandoffPaper) -> list[Attachment]:
    files = []
    for leaf in (handed.handoff, handed.receipt):
        if leaf is None:
            continue
        called, name = _CALLED[leaf.kind], f"{handed.id}.{_RECORDS[leaf.kind]}"
        files.append(Attachment(name, "application/json", _bytes(leaf), f"{called} (JSON, RFC 8785)"))
        for ending, signature in zip(_SIGNATURES[leaf.kind], leaf.signatures, strict=False):
            signed = Attachment(f"{handed.id}.{ending}", "application/pkcs7-signature", signature, f"Chữ ký: {called}")
            files.append(signed)
    return files
