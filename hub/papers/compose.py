"""Fill the printed forms from signed records: handoffs, receipts and minutes of a dossier as values of the forms.

Nothing depends on the day of printing: equal records give equal forms.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

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
    MinuteSide,
    Signature,
)
from hub.signing import asn1, cms
from hub.signing.custody import Leaf
from schemas.handoff import HandoffRecord, HandoffSide, MinuteRecord, ReceiptRecord, ShareResult

_SIGNATURES: Final = {"handoff": ("p7s", "seal.p7s"), "receipt": ("receipt.p7s", "receipt.seal.p7s")}
_RECORDS: Final = {"handoff": "json", "receipt": "receipt.json"}
_TITLES: Final = {"handoff": "Bản ghi bàn giao", "receipt": "Bản ghi xác nhận"}


@dataclass(frozen=True, slots=True)
class PaperNames:
    """Names of agencies, officers and the procedure, as the forms print them."""

    office: IssuingOffice
    agencies: Mapping[str, str]
    officers: Mapping[str, str]
    procedure: str


@dataclass(frozen=True, slots=True)
class HandoffPaper:
    """The leaves of one handoff in the custody log: handoff record, receipt and minute."""

    id: str
    handoff: Leaf
    receipt: Leaf | None
    minute: Leaf | None

    @classmethod
    def of(cls, handoff_id: str, leaves: Sequence[Leaf]) -> "HandoffPaper":
        """Pick the leaves of a handoff. Raises NotFound if it was not signed."""
        kinds = {leaf.kind: leaf for leaf in leaves}
        if "handoff" not in kinds:
            raise NotFound(f"nothing of {handoff_id} has been signed")
        return cls(handoff_id, kinds["handoff"], kinds.get("receipt"), kinds.get("minute"))

    @property
    def record(self) -> HandoffRecord:
        """The parsed handoff record. Raises InvalidState if retention has deleted it."""
        return HandoffRecord.model_validate_json(_bytes(self.handoff))

    @property
    def receipt_record(self) -> ReceiptRecord | None:
        return None if self.receipt is None else ReceiptRecord.model_validate_json(_bytes(self.receipt))

    @property
    def minute_record(self) -> MinuteRecord | None:
        return None if self.minute is None else MinuteRecord.model_validate_json(_bytes(self.minute))


def control_sheet(handoffs: Sequence[HandoffPaper], names: PaperNames) -> ControlSheet:
    """Control sheet (Phiếu kiểm soát) of a dossier, from its handoffs in order; dated by the last. Raises NotFound."""
    if not handoffs:
        raise NotFound("the dossier has not been handed over yet")
    first = handoffs[0].record
    return ControlSheet(
        number=f"{first.dossier}/PKS",
        at=max(_ended_at(handoff) for handoff in handoffs),
        office=names.office,
        dossier_code=first.dossier,
        procedure=names.procedure,
        deciding=_agency(next(side for side in (first.receiver, first.giver) if side.role == "department"), names),
        received_at=first.received_at,
        due_at=first.due_at,
        legs=tuple(_row(handoff, names) for handoff in handoffs),
        attachments=tuple(file for handoff in handoffs for file in _files(handoff)),
    )


def minute(handoff: HandoffPaper, names: PaperNames) -> MinuteForm:
    """Handover minutes (Biên bản giao nhận) of one handoff, to be signed by both sides."""
    record = handoff.record
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
        given_by=_signature(handoff.handoff, names.officers.get(record.giver.officer or "")),
        received_by=None if handoff.receipt is None else _signature(handoff.receipt, None),
        record_sha256=handoff.handoff.record_hash.hex(),
        attachments=tuple(_files(handoff)),
    )


def _bytes(leaf: Leaf) -> bytes:
    if leaf.record is None:
        raise InvalidState(
            f"{leaf.subject}: the record has expired (its hash is kept), so the form cannot be printed any more"
        )
    if hashlib.sha256(leaf.record).digest() != leaf.record_hash:
        raise InvalidState(f"{leaf.subject}: the record is not the one that was signed (hub custody audit)")
    return leaf.record


def _ended_at(handoff: HandoffPaper) -> datetime:
    record, receipt, minutes = handoff.record, handoff.receipt_record, handoff.minute_record
    return max(one for one in (record.given_at, receipt and receipt.received_at, minutes and minutes.at) if one)


def _row(handoff: HandoffPaper, names: PaperNames) -> ControlSheetRow:
    record, receipt, minutes = handoff.record, handoff.receipt_record, handoff.minute_record
    received_at = minutes.at if minutes else receipt.received_at if receipt else None
    notes = [record.note, f"Số của bên nhận: {receipt.number}" if receipt else None]
    if minutes:
        notes.append(f"Có biên bản giao nhận ký tay, SHA-256 {minutes.scan.sha256[:16]}…")
    return ControlSheetRow(
        number=record.leg,
        handoff_id=record.id,
        giver=_agency(record.giver, names),
        receiver=_agency(record.receiver, names),
        given_at=record.given_at,
        received_at=received_at,
        result=None if record.result is ShareResult.NONE else LegResult(record.result.value),
        note="; ".join(note for note in notes if note),
        given_by=_signature(handoff.handoff, names.officers.get(record.giver.officer or "")),
        received_by=None if handoff.receipt is None else _signature(handoff.receipt, None),
        record_sha256=handoff.handoff.record_hash.hex(),
    )


def _agency(side: HandoffSide, names: PaperNames) -> str:
    return names.agencies.get(side.agency, side.agency)


def _party(side: HandoffSide, names: PaperNames) -> MinuteSide:
    person = names.officers.get(side.officer or "", "…" * 12)
    return MinuteSide(_agency(side, names), person, "…" * 8)


def _signature(leaf: Leaf, name: str | None) -> Signature:
    """Signer, certificate and time of the leaf's first signature, which is not verified here."""
    signed = asn1.read_signed_data(leaf.signatures[0])
    certificate = cms.signer_certificate(signed)
    serial = layout.groups_of_eight(f"{certificate.serial_number:x}")
    return Signature(
        signer=name or _common_name(certificate.subject),
        certificate=f"{_common_name(certificate.subject)} · cấp bởi {_common_name(certificate.issuer)} · số {serial}",
        at=asn1.read_time(signed.attributes[cms.SIGNING_TIME]),
    )


def _common_name(name: x509.Name) -> str:
    attributes = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(attributes[0].value) if attributes else name.rfc4514_string()


def _files(handoff: HandoffPaper) -> list[Attachment]:
    files = []
    for leaf in (handoff.handoff, handoff.receipt):
        if leaf is None:
            continue
        title, name = _TITLES[leaf.kind], f"{handoff.id}.{_RECORDS[leaf.kind]}"
        files.append(Attachment(name, "application/json", _bytes(leaf), f"{title} (JSON, RFC 8785)"))
        for ending, signature in zip(_SIGNATURES[leaf.kind], leaf.signatures, strict=False):
            signed = Attachment(f"{handoff.id}.{ending}", "application/pkcs7-signature", signature, f"Chữ ký: {title}")
            files.append(signed)
    return files
