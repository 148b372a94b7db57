"""Messages between the hub and the public portal: submissions, and thin notices (webhooks) of their progress.

A submission has its applicant (chủ hồ sơ) and papers (thành phần hồ sơ), by reference or inline, each with its size and
SHA-256.
"""

import base64
import hashlib
import re
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, model_validator

from schemas.identifiers import MediaType, ProcedureCode, ReceivedDossierCode, Sha256
from schemas.strict import Strict
from schemas.values import Dong, Moment, Short, Text

# --- the applicant: who applies, how they prove who they are, and where they live

Phone = Annotated[str, StringConstraints(pattern=r"^(\+84|0)[0-9]{9,10}$")]
LONGEST_LOCAL: Final = 64
LONGEST_DOMAIN: Final = 190
"""characters"""


def _is_not_too_long(email: str) -> str:
    local, _, domain = email.partition("@")
    if len(local) > LONGEST_LOCAL or len(domain) > LONGEST_DOMAIN:
        raise ValueError(f"at most {LONGEST_LOCAL} characters before the @ and {LONGEST_DOMAIN} after it")
    return email


Email = Annotated[
    str,
    # Lengths are counted in Python: in pydantic's patterns a counted \S or [^@] weighs megabytes, once for each thread.
    StringConstraints(pattern=r"^[^@\s]+@[^@\s]+$"),
    AfterValidator(_is_not_too_long),
    Field(json_schema_extra={"pattern": rf"^[^@\s]{{1,{LONGEST_LOCAL}}}@[^@\s]{{1,{LONGEST_DOMAIN}}}$"}),
]


class ApplicantKind(StrEnum):
    """Loại đối tượng; national codes 1 to 4."""

    CITIZEN = "citizen"
    ENTERPRISE = "enterprise"
    STATE_AGENCY = "state_agency"
    ORGANISATION = "organisation"


_IDENTITY_NUMBERS: Final = {
    "cccd": ("12 digits", re.compile("^[0-9]{12}$")),
    "cmnd": ("9 digits", re.compile("^[0-9]{9}$")),
    "tax_code": ("10, 12 or 13 digits", re.compile("^([0-9]{10}(-?[0-9]{3})?|[0-9]{12})$")),
}


class Identity(Strict):
    """A document that says who the applicant is: CCCD, CMND or a tax code.

    A person's tax code is the 12 digits of the CCCD since 01/07/2025 (TT 86/2024/TT-BTC); a branch's has 13.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"properties": {"kind": {"const": kind}, "number": {"pattern": shape.pattern}}}
                for kind, (_, shape) in _IDENTITY_NUMBERS.items()
            ]
        }
    )

    kind: Literal["cccd", "cmnd", "tax_code"]
    number: Annotated[str, StringConstraints(pattern=r"^[0-9-]{9,14}$")]

    @model_validator(mode="after")
    def _number_fits_kind(self) -> Self:
        reads, shape = _IDENTITY_NUMBERS[self.kind]
        if not shape.fullmatch(self.number):
            raise ValueError(f"a {self.kind} number has {reads}")
        return self


class Address(Strict):
    """Where somebody lives or wants the result: two tiers since 01/07/2025, province and commune."""

    province: Short
    commune: Short
    detail: Short


class Applicant(Strict):
    """Chủ hồ sơ: the person or body whose dossier it is."""

    kind: ApplicantKind
    name: Short
    identity: Identity
    phone: Phone | None = None
    email: Email | None = None
    address: Address


# --- papers

INLINE_LIMIT: Final = 262_144
"""Bytes of a paper that may travel inside the submission; larger papers go by reference."""


class Paper(Strict):
    """One document, by reference, or inline (base64) up to 256 KiB."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [{"properties": {key: {"type": "string"}}, "required": [key]} for key in ("reference", "content")]
        }
    )

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    name: Short
    media_type: MediaType
    size: Annotated[int, Field(ge=1, le=1_073_741_824, description="bytes")]
    sha256: Sha256
    reference: Annotated[str, StringConstraints(max_length=500, pattern=r"^\S+$")] | None = None
    content: Annotated[str, StringConstraints(max_length=INLINE_LIMIT * 4 // 3 + 4)] | None = None

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        if (self.reference is None) == (self.content is None):
            raise ValueError("a paper has either a reference or inline content")
        if self.content is not None:
            self._check_content(self.content)
        return self

    def _check_content(self, content: str) -> None:
        try:
            data = base64.b64decode(content, validate=True)
        except ValueError:
            raise ValueError("content is not base64") from None
        if len(data) > INLINE_LIMIT:
            raise ValueError(f"content holds more than {INLINE_LIMIT} bytes; send a reference")
        if len(data) != self.size:
            raise ValueError("content has another number of bytes than size says")
        if hashlib.sha256(data).hexdigest() != self.sha256:
            raise ValueError("content does not have the SHA-256 that is given")


# --- the submission, and its fees

Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]


class Channel(StrEnum):
    """How the dossier came in (kênh thực hiện); national codes 1, 2, 3."""

    COUNTER = "counter"
    ONLINE = "online"
    POST = "post"


class FeeKind(StrEnum):
    """Phí (a share may be kept) and lệ phí (all of it goes to the budget) are never added up together."""

    PHI = "phi"
    LE_PHI = "le_phi"


class DeclaredFee(Strict):
    """A fee that the portal showed the applicant; what is due follows from our catalogue."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    kind: FeeKind
    amount: Dong


class FeeNotice(Strict):
    """What is demanded for a dossier, and what is left of it. Whoever knows this can pay, and learns nothing else."""

    demand_id: str
    status: str
    amount_due: Dong
    outstanding: Dong
    reference: str
    """what the payer writes into the transfer"""
    qr: str | None
    """the VietQR text, while there is something to pay"""
    expires_at: Moment | None


class ResultWish(Strict):
    """How the applicant wants the result (hình thức trả kết quả)."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"method": {"enum": ["electronic", "counter"]}}},
                {"properties": {"address": {"type": "object"}}, "required": ["address"]},
            ]
        }
    )

    method: Literal["electronic", "counter", "post"]
    address: Address | None = None

    @model_validator(mode="after")
    def _post_needs_an_address(self) -> Self:
        if self.method == "post" and self.address is None:
            raise ValueError("a result by post needs an address")
        return self


class Submission(Strict):
    """A dossier as the portal hands it over. ``reference`` is the portal's own number, unique for ever."""

    reference: Reference
    dossier_code: ReceivedDossierCode | None = Field(
        None, description="mã số hồ sơ if the portal has issued one; otherwise the hub issues it"
    )
    procedure: ProcedureCode
    channel: Channel
    submitted_at: Moment
    applicant: Applicant
    summary: Text
    papers: Annotated[list[Paper], Field(min_length=1, max_length=50)]
    fees: Annotated[list[DeclaredFee], Field(max_length=20)] = Field([])
    exemption: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")] | None = Field(
        None,
        description="mã đối tượng miễn phí, lệ phí: one of the procedure's exemptions, as the Centre has checked it",
    )
    result: ResultWish


class NoticeData(Strict):
    """The subject of a notice."""

    event_id: str
    submission_id: str
    reference: str
    dossier_code: str | None
    """None: refused before it had one"""
    state: str
    status: str
    status_code: str
    version: int
    reason: str | None = None
    due_at: Moment | None = None
    fee: FeeNotice | None = None
    """in notices about fees"""


class Notice(Strict):
    """What a webhook says: ids and states, never a citizen's data. The receiver GETs the rest.

    ``version`` grows with every change of one submission, so a receiver can drop what is stale: order is not promised.
    """

    type: str
    timestamp: Moment
    data: NoticeData
