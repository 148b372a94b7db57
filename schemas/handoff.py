"""What is signed at a handoff. Each record is canonical JSON (RFC 8785); the signatures are over its bytes.

A handoff is one row of the Phiếu kiểm soát quá trình giải quyết hồ sơ (TT 01/2018 form 05, TT 03/2025 form 06). No
personal data stands in a record, since the custody log cannot forget: ``personal`` is SHA-256(salt ‖ canonical JSON).
"""

from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from schemas.identifiers import AgencyCode, MediaType, ReceivedDossierCode, Sha256
from schemas.strict import Strict
from schemas.values import Moment, Short

FIRST: Final = "0" * 64
"""``prev`` of a dossier's first record"""
SALT_BYTES: Final = 32

RecordId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
OfficerId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
Number = Annotated[str, StringConstraints(pattern=r"^[^\s](.{0,62}[^\s])?$")]
Leg = Annotated[int, Field(ge=1, le=9_999)]
Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=87_384)]
"""of 64 KiB at most"""


class Act(StrEnum):
    """What a handoff does with the dossier."""

    TRANSFER = "transfer"
    """on to the agency that decides it"""
    RETURN = "return"
    """back with the result"""


class ShareResult(StrEnum):
    """How the giver's share of the work ended against its term (the form's third column)."""

    NONE = "none"
    """the giver had nothing to decide"""
    EARLY = "early"
    ON_TIME = "on_time"
    LATE = "late"


class Carrier(StrEnum):
    """How the dossier goes."""

    WIRE = "wire"
    POST = "post"


class HandoffSide(Strict):
    """Bên giao or bên nhận: the agency, in which part, and the officer by a roster's id, never by name."""

    agency: AgencyCode
    role: Literal["centre", "department"]
    officer: OfficerId | None = None


class HandedDocument(Strict):
    """One document handed over. ``name`` is the paper's title in the catalogue, or its code: not what people typed."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    name: Short
    media_type: MediaType
    size: Annotated[int, Field(ge=1, le=1_073_741_824)]
    sha256: Sha256


class HandoffRecord(Strict):
    """record.json: who hands what to whom, and when. Signed by the giver's officer, then by the giver's seal."""

    v: Literal[1]
    typ: Literal["vn.hub.handoff"]
    id: RecordId
    log: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{2,64}$")]
    """the custody log that it enters"""
    dossier: ReceivedDossierCode
    leg: Leg
    act: Act
    carrier: Carrier
    giver: HandoffSide
    receiver: HandoffSide
    received_at: Moment
    """when the giver got the dossier"""
    given_at: Moment
    due_at: Moment
    result: ShareResult
    note: Short | None
    documents: Annotated[list[HandedDocument], Field(max_length=50)]
    personal: Sha256
    """salted hash of the personal data that goes with it"""
    prev: Sha256
    """SHA-256 of this dossier's record before this one"""


class ReceiptRecord(Strict):
    """receipt.json: the receiver's counter-record. It answers exactly one handoff, by the hash of its record."""

    v: Literal[1]
    typ: Literal["vn.hub.receipt"]
    handoff: RecordId
    dossier: ReceivedDossierCode
    leg: Leg
    record: Sha256
    """SHA-256 of the record.json that it answers"""
    receiver: HandoffSide
    number: Number
    """the receiver's own"""
    received_at: Moment
    note: Short | None = None


class MinuteRecord(Strict):
    """minute.json: a paper minute (biên bản giao nhận) that both sides signed, scanned and kept by the Centre."""

    v: Literal[1]
    typ: Literal["vn.hub.minute"]
    handoff: RecordId
    dossier: ReceivedDossierCode
    leg: Leg
    record: Sha256
    """SHA-256 of the handoff's record.json"""
    at: Moment
    """the time that the minute states: the legal time of the submission (QĐ 45/2016/QĐ-TTg Article 7)"""
    scan: HandedDocument
    signers: Annotated[int, Field(ge=1, le=10)]
    personal: Sha256
    """salted hash of their names"""
    entered_by: HandoffSide
    entered_at: Moment


class SignedRecord(Strict):
    """A HandoffRecord on the wire. Everything is base64; both signatures are detached CAdES-B (CMS, DER)."""

    record: Base64
    signature: Base64
    """by the officer, over the record's bytes"""
    seal: Base64
    """by the agency, over the bytes of ``signature``: the person signed first (NĐ 30/2020/NĐ-CP Article 32)"""
    salt: Base64 | None = None
    """of the record's ``personal``, so that the receiver can check what it was handed"""


class CounterRecord(Strict):
    """A record that a department signs, on the wire: a ReceiptRecord in a receipt, a HandoffRecord in a report.

    A department may sign with its seal alone: then ``signature`` is the seal's, over the record, and ``seal`` is unset.
    """

    record: Base64
    signature: Base64
    seal: Base64 | None = None
