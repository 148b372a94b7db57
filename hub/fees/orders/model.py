"""A payment order (lệnh chi): whom our bank is to pay, from which account, and where it stands. Pure; đồng."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Protocol

from pydantic import AfterValidator, StringConstraints

from hub.errors import NotNow
from hub.events import Event
from hub.fees.ledger import Entry, Origin
from hub.fees.matching.normalise import normalise
from hub.lifecycle import Lifecycle
from hub.work import Work
from schemas.strict import Strict


class State(StrEnum):
    """Where an order stands. One person asks, another approves, the bank is told, our own statement shows it."""

    REQUESTED = "requested"
    APPROVED = "approved"
    SENT = "sent"
    CONFIRMED = "confirmed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    State.REQUESTED: "Chờ duyệt",
    State.APPROVED: "Đã duyệt, chưa chuyển ngân hàng",
    State.SENT: "Đã chuyển ngân hàng, chờ sao kê",
    State.CONFIRMED: "Đã chi",
    State.FAILED: "Không chi được, tiền đã về",
    State.CANCELLED: "Đã hủy",
}
_NEXT: Final = {
    State.REQUESTED: "người khác duyệt trước (hub fee orders approve), hoặc hủy",
    State.APPROVED: "bước sau là chuyển ngân hàng (hub fee orders send), hoặc hủy",
    State.SENT: "ngân hàng đang giữ lệnh: chờ sao kê, hoặc ngân hàng báo không chi được (hub fee orders fail)",
    State.CONFIRMED: "lệnh đã chi",
    State.FAILED: "lập lại lệnh (hub fee refund rf_…, hub fee remit)",
    State.CANCELLED: "lập lệnh mới",
}
LIFECYCLE: Final = Lifecycle(
    {
        State.REQUESTED: frozenset({State.APPROVED, State.CANCELLED}),
        State.APPROVED: frozenset({State.SENT, State.CONFIRMED, State.CANCELLED}),
        State.SENT: frozenset({State.CONFIRMED, State.FAILED}),
        State.CONFIRMED: frozenset({State.FAILED}),
        State.FAILED: frozenset(),
        State.CANCELLED: frozenset(),
    }
)
"""From approved straight to confirmed: the bank was told by hand before the file was made."""


def _bank_words(name: str) -> str:
    """As banks write a holder: capitals without marks."""
    written = normalise(name).spaced
    if not written:
        raise ValueError("the holder of an account has a name")
    return written


class Payee(Strict):
    """Whose account is paid. Of a refund it is personal data: never in logs, the journal, or what reports see."""

    bank_bin: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    """the bank's number in NAPAS's list"""
    account: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,34}$")]
    holder: Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_bank_words)]


@dataclass(frozen=True, slots=True)
class Order:
    """A payment order's row."""

    id: str
    purpose: str
    subject_id: str
    reference: str
    account: str
    amount: int
    payee: Payee
    state: State
    maker: str
    checker: str | None
    reason: str
    requested_at: datetime
    approved_at: datetime | None
    sent_at: datetime | None
    settled_at: datetime | None
    line_id: int | None
    returned_line_id: int | None

    @property
    def content(self) -> str:
        """What the bank is to write on the transfer, and what we recognise our own debit by."""
        return f"{self.reference} {CONTENT[self.purpose]}"

    def check(self, to: State) -> None:
        """Raises NotNow where ``to`` does not follow."""
        if to not in LIFECYCLE.moves[self.state]:
            raise NotNow(f"lệnh chi {self.id} đang {self.state}, không chuyển sang {to} được: {_NEXT[self.state]}")


CONTENT: Final = {"refund": "HOAN TRA PHI LE PHI", "remittance": "CHUYEN PHI LE PHI THANG"}
"""purpose → the words behind the reference; no name and no dossier, for everybody at two banks reads them"""


@dataclass(frozen=True, slots=True)
class Settled:
    """What follows from an order's move: events to hand on, and entries that the caller posts last."""

    events: list[Event] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)


class Follows(Protocol):
    """What an order of one purpose brings about: a module that has these functions.

    Each is given the locked order as it stood before the move. It may import hub.fees.orders.model and .store, not
    the package's verbs: those call it.
    """

    def lock(self, work: Work, subject_id: str) -> object:
        """Lock what stands behind the subject, before the order itself: dossiers first, as everywhere."""

    def approved(self, work: Work, order: Order, origin: Origin) -> Settled:
        """Another person has agreed. The origin is the order, today. Raises NotNow where it may not be paid."""

    def cancelled(self, work: Work, order: Order, origin: Origin) -> Settled:
        """It is not paid after all: asked for or approved, and the bank was not told."""

    def sent(self, work: Work, order: Order) -> None:
        """The bank was told."""

    def paid(self, work: Work, order: Order, origin: Origin) -> Settled:
        """Our own debit line shows it. The origin is that line: one of the entries takes the amount from 111."""

    def failed(self, work: Work, order: Order) -> None:
        """The bank did not pay: the money never left."""

    def returned(self, work: Work, order: Order, origin: Origin) -> Settled:
        """It was paid and came back. The origin is the credit line: one of the entries puts the amount on 111."""
