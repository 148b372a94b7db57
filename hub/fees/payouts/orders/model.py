"""A payment order (lệnh chi): whom our bank is to pay, from which account, and where it stands. Pure; đồng."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Final, Protocol

from pydantic import AfterValidator, StringConstraints

from hub.errors import InvalidState
from hub.events import Event
from hub.fees.ledger import LedgerEntry, Origin
from hub.fees.ledger.normalise import normalise
from hub.lifecycle import Lifecycle
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.strict import Strict


class OrderState(StrEnum):
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
    OrderState.REQUESTED: vi("Waiting for approval"),
    OrderState.APPROVED: vi("Approved, not sent to the bank"),
    OrderState.SENT: vi("Sent to the bank, waiting for the statement"),
    OrderState.CONFIRMED: vi("Paid out"),
    OrderState.FAILED: vi("Not payable, the money is back"),
    OrderState.CANCELLED: vi("Cancelled"),
}
_NEXT: Final = {
    OrderState.REQUESTED: vi("another person approves it first (hub fee orders approve), or cancel it"),
    OrderState.APPROVED: vi("next it is sent to the bank (hub fee orders send), or cancel it"),
    OrderState.SENT: vi(
        "the bank has the order: wait for the statement, or for the bank's word that it cannot"
        " pay (hub fee orders fail)"
    ),
    OrderState.CONFIRMED: vi("the order has been paid"),
    OrderState.FAILED: vi("make the order again (hub fee refund rf_…, hub fee remit)"),
    OrderState.CANCELLED: vi("make a new order"),
}
LIFECYCLE: Final = Lifecycle(
    {
        OrderState.REQUESTED: frozenset({OrderState.APPROVED, OrderState.CANCELLED}),
        OrderState.APPROVED: frozenset({OrderState.SENT, OrderState.CONFIRMED, OrderState.CANCELLED}),
        OrderState.SENT: frozenset({OrderState.CONFIRMED, OrderState.FAILED}),
        OrderState.CONFIRMED: frozenset({OrderState.FAILED}),
        OrderState.FAILED: frozenset(),
        OrderState.CANCELLED: frozenset(),
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
    """Whose account is paid. Of a refund it is personal data: never in logs, the audit log, or what reports see."""

    bank_bin: Annotated[str, StringConstraints(pattern=r"^[0-9]{6}$")]
    """the bank's number in NAPAS's list"""
    account: Annotated[str, StringConstraints(pattern=r"^[0-9A-Z]{4,34}$")]
    holder: Annotated[str, StringConstraints(min_length=1, max_length=100), AfterValidator(_bank_words)]


@dataclass(frozen=True, slots=True)
class PaymentOrder:
    """A payment order's row."""

    id: str
    purpose: str
    subject_id: str
    reference: str
    account: str
    amount: int
    payee: Payee
    state: OrderState
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

    def check(self, to: OrderState) -> None:
        """Raises InvalidState where ``to`` does not follow."""
        if to not in LIFECYCLE.moves[self.state]:
            raise InvalidState(
                vi(
                    "payment order {id} is {state} and cannot become {to}: {next_step}",
                    id=self.id,
                    state=self.state,
                    to=to,
                    next_step=_NEXT[self.state],
                )
            )


CONTENT: Final = {"refund": "HOAN TRA PHI LE PHI", "remittance": "CHUYEN PHI LE PHI THANG"}
"""purpose → the words behind the reference; no name and no dossier, for everybody at two banks reads them"""


@dataclass(frozen=True, slots=True)
class SettledOrder:
    """What follows from an order's move: events to hand on, and entries that the caller posts last."""

    events: list[Event] = field(default_factory=list)
    entries: list[LedgerEntry] = field(default_factory=list)


class PurposeHandler(Protocol):
    """What an order of one purpose brings about: a module that has these functions.

    Each is given the locked order as it stood before the move. It may import model.py and store.py of this package,
    not its commands: those call it.
    """

    def lock(self, uow: UnitOfWork, subject_id: str) -> object:
        """Lock what stands behind the subject, before the order itself: dossiers first, as everywhere."""

    def approved(self, uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
        """Another person has agreed. The origin is the order, today. Raises InvalidState where it may not be paid."""

    def cancelled(self, uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
        """It is not paid after all: asked for or approved, and the bank was not told."""

    def sent(self, uow: UnitOfWork, order: PaymentOrder) -> None:
        """The bank was told."""

    def paid(self, uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
        """Our own debit line shows it. The origin is that line: one of the entries takes the amount from 111."""

    def failed(self, uow: UnitOfWork, order: PaymentOrder) -> None:
        """The bank did not pay: the money never left."""

    def open_overdue(self, uow: UnitOfWork, account: str, day: date) -> int:
        """Open exceptions for sent orders that the statement of ``day`` should have shown; how many are new."""

    def returned(self, uow: UnitOfWork, order: PaymentOrder, origin: Origin) -> SettledOrder:
        """It was paid and came back. The origin is the credit line: one of the entries puts the amount on 111."""


# What the approval, the payment and the return of an order bring about for its subject, by the order's purpose.
#
# The packages of the subjects (refunds, settlements) import this one, so they are not imported here: the flow table
# (hub.flow) registers their handlers when it is loaded.

_HANDLERS: Final[dict[str, PurposeHandler]] = {}


def register(handlers: Mapping[str, PurposeHandler]) -> None:
    """Take ``handlers`` (purpose → module) for all orders of this process."""
    _HANDLERS.update(handlers)


def handler(order: PaymentOrder) -> PurposeHandler:
    """The handler of the order's purpose."""
    return _HANDLERS[order.purpose]


def open_overdue(uow: UnitOfWork, account: str, day: date) -> int:
    """Open exceptions for orders that the statement of ``day`` should have shown; how many are new."""
    return sum(each.open_overdue(uow, account, day) for each in _HANDLERS.values())
