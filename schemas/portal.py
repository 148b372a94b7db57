"""Messages between the hub and the public portal: submissions, and thin notices (webhooks) of their progress."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, StringConstraints, model_validator

from schemas.applicant import Address, Applicant, ApplicantKind, Identity
from schemas.identifiers import ProcedureCode, ReceivedDossierCode
from schemas.moment import Moment
from schemas.money import Dong
from schemas.paper import INLINE_LIMIT, Paper
from schemas.strict import Strict
from schemas.text import Short, Text

__all__ = [
    "INLINE_LIMIT",
    "Address",
    "Applicant",
    "ApplicantKind",
    "Channel",
    "DeclaredFee",
    "FeeKind",
    "FeeNotice",
    "Identity",
    "Notice",
    "NoticeData",
    "Paper",
    "Reference",
    "ResultWish",
    "Short",
    "Submission",
    "Text",
]

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
