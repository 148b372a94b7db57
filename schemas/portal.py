"""What the public portal says to us and hears from us: submissions, and thin notices of what became of them."""

import base64
import binascii
import hashlib
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import AwareDatetime, Field, StringConstraints, model_validator

from schemas.identifiers import ProcedureCode, ReceivedDossierCode
from schemas.money import Dong
from schemas.strict import Strict

INLINE_LIMIT: Final = 262_144
"""Bytes of a paper that may travel inside the submission; larger papers go by reference."""

Short = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
MediaType = Annotated[str, StringConstraints(pattern=r"^[a-z]+/[a-z0-9.+-]{1,100}$")]
Phone = Annotated[str, StringConstraints(pattern=r"^(\+84|0)\d{9,10}$")]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s]{1,64}@[^@\s]{1,190}$")]


class Channel(StrEnum):
    """How the dossier came in (kênh thực hiện); national codes 1, 2, 3."""

    COUNTER = "counter"
    ONLINE = "online"
    POST = "post"


class ApplicantKind(StrEnum):
    """Loại đối tượng; national codes 1 to 4."""

    CITIZEN = "citizen"
    ENTERPRISE = "enterprise"
    STATE_AGENCY = "state_agency"
    ORGANISATION = "organisation"


class Identity(Strict):
    """A document that says who the applicant is: CCCD (12 digits), CMND (9 digits) or a tax code (10 or 13)."""

    kind: Literal["cccd", "cmnd", "tax_code"]
    number: Annotated[str, StringConstraints(pattern=r"^[0-9-]{9,14}$")]

    @model_validator(mode="after")
    def _number_fits_kind(self) -> Self:
        lengths = {"cccd": {12}, "cmnd": {9}, "tax_code": {10, 13}}[self.kind]
        if len(self.number.replace("-", "")) not in lengths:
            raise ValueError(f"a {self.kind} number has {' or '.join(map(str, sorted(lengths)))} digits")
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


class Paper(Strict):
    """Thành phần hồ sơ: one document, by reference, or inline (base64) up to 256 KiB."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    name: Short
    media_type: MediaType
    size: Annotated[int, Field(ge=1, le=1_073_741_824, description="bytes")]
    sha256: Sha256
    reference: Annotated[str, StringConstraints(min_length=1, max_length=500)] | None = None
    content: Annotated[str, StringConstraints(max_length=INLINE_LIMIT * 4 // 3 + 4)] | None = None

    @model_validator(mode="after")
    def _is_what_it_says(self) -> Self:
        if (self.reference is None) == (self.content is None):
            raise ValueError("a paper has either a reference or inline content")
        if self.content is not None:
            try:
                data = base64.b64decode(self.content, validate=True)
            except binascii.Error:
                raise ValueError("content is not base64") from None
            if len(data) != self.size:
                raise ValueError(f"content has {len(data)} bytes, size says {self.size}")
            if hashlib.sha256(data).hexdigest() != self.sha256:
                raise ValueError("content does not have the SHA-256 that is given")
        return self


class FeeKind(StrEnum):
    """Phí (a share may be kept) and lệ phí (all of it goes to the budget) are never added up together."""

    PHI = "phi"
    LE_PHI = "le_phi"


class DeclaredFee(Strict):
    """A fee that the portal showed the applicant; what is due follows from our catalogue."""

    code: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]
    kind: FeeKind
    amount: Dong


class ResultWish(Strict):
    """How the applicant wants the result (hình thức trả kết quả)."""

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
    submitted_at: AwareDatetime
    applicant: Applicant
    summary: Text
    papers: Annotated[list[Paper], Field(min_length=1, max_length=50)]
    fees: Annotated[list[DeclaredFee], Field(max_length=20)] = []
    result: ResultWish


class Notice(Strict):
    """What a webhook says: ids and states, never a citizen's data. The receiver GETs the rest.

    ``version`` grows with every change of one submission, so a receiver can drop what is stale: order is not promised.
    """

    type: str
    timestamp: datetime
    data: "NoticeData"


class NoticeData(Strict):
    """The subject of a notice."""

    event_id: str
    submission_id: str
    reference: str
    dossier_code: str
    state: str
    status: str
    status_code: str
    version: int
    reason: str | None = None
    due_at: datetime | None = None
