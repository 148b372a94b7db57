"""Response documents of the API, as published in the OpenAPI description."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from schemas.portal import FeeKind, Notice
from schemas.values import Dong

State = Literal["accepted", "in_progress", "completed", "rejected", "stopped", "withdrawn"]
FeeStatus = Literal[
    "issued", "part_paid", "paid", "expired", "cancelled", "waived", "refund_pending", "refunded", "reopened"
]

SettlementState = Literal["notified", "confirmed", "disputed", "ordered", "transferred", "receipted", "closed"]


class SubmissionLinks(BaseModel):
    """Links of an accepted submission."""

    self: str
    events: str


class AcceptedSubmission(BaseModel):
    """The submission is stored durably and will be handled, whatever crashes next."""

    id: str = Field(examples=["sub_01JD8M7W4Q2V9X3Y5Z6A7B8C9D"])
    state: Literal["accepted"]
    reference: str
    received_at: datetime
    links: SubmissionLinks


class PaymentAccount(BaseModel):
    """Where to pay."""

    bank_bin: Annotated[str, Field(description="mã ngân hàng theo NAPAS")]
    number: str
    holder: str | None


class FeeLineDocument(BaseModel):
    """One fee; ``waived`` of its amount need not be paid."""

    model_config = ConfigDict(from_attributes=True)

    code: str
    kind: FeeKind
    title: str
    amount: Dong
    waived: Dong
    exemption: str | None
    basis: str | None


class FeeDocument(BaseModel):
    """What is demanded for the dossier, in đồng: amount_due = waived + paid + outstanding."""

    demand_id: str = Field(examples=["fd_01JD8M7W4Q2V9X3Y5Z6A7B8C9D"])
    status: FeeStatus
    status_label: str
    amount_due: Dong
    waived: Dong
    paid: Dong
    outstanding: Dong
    reference: Annotated[str, Field(description="nội dung chuyển khoản", examples=["HC000000000149"])]
    account: PaymentAccount
    qr: Annotated[str | None, Field(description="VietQR; null when there is nothing to pay")]
    issued_at: datetime
    expires_at: datetime | None
    lines: list[FeeLineDocument]


class SubmissionDocument(BaseModel):
    """Status of a submission: ids and states, none of the citizen's data.

    Until the hub has handled it, ``version`` is 0 and the fields that handling fills are null.
    """

    model_config = ConfigDict(from_attributes=True)

    id: str
    reference: str
    state: State
    version: Annotated[int, Field(description="grows with every change; also the ETag")]
    received_at: datetime
    updated_at: datetime
    dossier_code: Annotated[str | None, Field(description="mã số hồ sơ")]
    procedure: str | None
    department: str | None
    status: str | None
    status_code: Annotated[str | None, Field(description="1 to 10, national list (Cổng DVCQG)")]
    status_label: Annotated[str | None, Field(description="tên trạng thái theo danh mục quốc gia")]
    reason: str | None
    due_at: datetime | None
    fee: Annotated[FeeDocument | None, Field(description="null: nothing is demanded")] = None


class SubmissionPage(BaseModel):
    """Submissions, oldest change first. ``next_cursor`` is null on the last page."""

    data: list[SubmissionDocument]
    next_cursor: str | None


class SubmissionEventPage(BaseModel):
    """Events for the portal: the notices that its webhooks carry. Ask again with ``after`` = ``next_after``."""

    data: list[Notice]
    next_after: Annotated[str | None, Field(description="the last event given; null only while there is none at all")]


class AcceptedReport(BaseModel):
    """The report is stored durably and will be handled."""

    report_id: str
    state: Literal["accepted"]
    received_at: datetime


class SettlementDocument(BaseModel):
    """A monthly table of fees and its state; amounts in đồng."""

    model_config = ConfigDict(from_attributes=True)

    settlement_id: str = Field(examples=["sm_01JD8M7W4Q2V9X3Y5Z6A7B8C9D"])
    month: Annotated[str, Field(examples=["2026-10"])]
    state: SettlementState
    state_label: str
    net: Annotated[int, Field(description="what is transferred, unless lines are disputed")]
    disputed: Annotated[int, Field(description="of net, the lines that the department does not accept")]
    sha256: Annotated[str, Field(description="of the table's bytes: what an answer names")]
    answer_id: str | None
    notified_at: datetime | None
    answered_at: datetime | None
    transferred_at: datetime | None


class SettlementList(BaseModel):
    """The tables that the department has received, the newest first."""

    data: list[SettlementDocument]


class SettlementFile(SettlementDocument):
    """A monthly table of fees, with the table itself and its seal."""

    table: Annotated[str, Field(description="base64: canonical JSON (RFC 8785), settlement-table.schema.json")]
    signature: Annotated[str, Field(description="base64: detached CAdES-B over those bytes, by the Centre's seal")]


class AcceptedAnswer(BaseModel):
    """The answer to a monthly table is stored durably and will be handled."""

    answer_id: str
    state: Literal["accepted"]
    received_at: datetime


class AcceptedEvent(BaseModel):
    """The event is stored durably and will be handled."""

    order_number: str
    state: Literal["accepted"]
    received_at: datetime


class Health(BaseModel):
    """Health of the process. ``broker`` may be unreachable: accepting needs only the database."""

    status: Literal["alive", "ready"]
    checks: dict[str, str]
