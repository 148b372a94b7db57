"""A fee demand: its amounts, the statuses that follow from them, and the moves between those. Pure; đồng throughout."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from hub.errors import InvalidState, MoveRefused
from hub.lifecycle import Lifecycle
from hub.locale import vi


class DemandStatusCode(StrEnum):
    """Where a demand stands. An authenticated notification pays it, a statement confirms that, a month settles it."""

    ISSUED = "issued"
    PART_PAID = "part_paid"
    PAID_UNCONFIRMED = "paid_unconfirmed"
    PAID = "paid"
    SETTLED = "settled"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    WAIVED = "waived"
    REFUND_PENDING = "refund_pending"
    REFUNDED = "refunded"
    REOPENED = "reopened"

    @property
    def label(self) -> str:
        return LABELS[self]


LABELS: Final = {
    DemandStatusCode.ISSUED: vi("Waiting for payment"),
    DemandStatusCode.PART_PAID: vi("Partly paid"),
    DemandStatusCode.PAID_UNCONFIRMED: vi("Paid, waiting for the statement"),
    DemandStatusCode.PAID: vi("Demand paid"),
    DemandStatusCode.SETTLED: vi("Settled"),
    DemandStatusCode.EXPIRED: vi("Time to pay expired"),
    DemandStatusCode.CANCELLED: vi("Cancelled"),
    DemandStatusCode.WAIVED: vi("Demand waived"),
    DemandStatusCode.REFUND_PENDING: vi("Being refunded"),
    DemandStatusCode.REFUNDED: vi("Refunded"),
    DemandStatusCode.REOPENED: vi("Reopened, to be paid again"),
}

COLLECTING: Final = frozenset({DemandStatusCode.ISSUED, DemandStatusCode.PART_PAID, DemandStatusCode.REOPENED})
"""Money that arrives counts for the demand."""
_PAID: Final = (DemandStatusCode.PAID_UNCONFIRMED, DemandStatusCode.PAID)
_CLOSED: Final = (DemandStatusCode.EXPIRED, DemandStatusCode.CANCELLED)

LIFECYCLE: Final = Lifecycle(
    {
        DemandStatusCode.ISSUED: frozenset({DemandStatusCode.PART_PAID, *_PAID, *_CLOSED, DemandStatusCode.WAIVED}),
        DemandStatusCode.PART_PAID: frozenset(
            {*_PAID, *_CLOSED, DemandStatusCode.REOPENED, DemandStatusCode.REFUND_PENDING}
        ),
        DemandStatusCode.PAID_UNCONFIRMED: frozenset(
            {DemandStatusCode.PAID, DemandStatusCode.REOPENED, DemandStatusCode.REFUND_PENDING}
        ),
        DemandStatusCode.PAID: frozenset(
            {DemandStatusCode.SETTLED, DemandStatusCode.REOPENED, DemandStatusCode.REFUND_PENDING}
        ),
        DemandStatusCode.SETTLED: frozenset(
            {DemandStatusCode.PAID, DemandStatusCode.REOPENED, DemandStatusCode.REFUND_PENDING}
        ),
        DemandStatusCode.REOPENED: frozenset(
            {*_PAID, *_CLOSED, DemandStatusCode.WAIVED, DemandStatusCode.REFUND_PENDING}
        ),
        DemandStatusCode.EXPIRED: frozenset(
            {
                DemandStatusCode.ISSUED,
                DemandStatusCode.PART_PAID,
                DemandStatusCode.CANCELLED,
                DemandStatusCode.REFUND_PENDING,
            }
        ),
        DemandStatusCode.CANCELLED: frozenset({DemandStatusCode.REFUND_PENDING}),
        DemandStatusCode.REFUND_PENDING: frozenset({DemandStatusCode.REFUNDED, *_PAID, DemandStatusCode.CANCELLED}),
        DemandStatusCode.REFUNDED: frozenset(),
        DemandStatusCode.WAIVED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class Amounts:
    """What a demand stands on. ``outstanding`` is the rest: due = allocated + waived + outstanding (invariant I5)."""

    due: int
    waived: int
    allocated: int
    confirmed: int
    """of what is allocated, what a statement has shown"""
    status: DemandStatusCode

    @property
    def outstanding(self) -> int:
        return self.due - self.waived - self.allocated

    def moved(self, to: DemandStatusCode) -> "Amounts":
        """The same at another status. Raises MoveRefused."""
        if to is not self.status:
            LIFECYCLE.check(self.status, to)
        return replace(self, status=to)

    def credited(self, amount: int, *, confirmed: bool) -> "Amounts":
        """``amount`` came in, no more than is outstanding of a demand that collects."""
        shown = amount if confirmed else 0
        after = replace(self, allocated=self.allocated + amount, confirmed=self.confirmed + shown)
        return _as_paid(
            after,
            short=DemandStatusCode.REOPENED if self.status is DemandStatusCode.REOPENED else DemandStatusCode.PART_PAID,
        )

    def shown(self, amount: int) -> "Amounts":
        """A statement shows ``amount`` of what is allocated."""
        after = replace(self, confirmed=self.confirmed + amount)
        whole = after.confirmed == after.allocated
        return (
            after.moved(DemandStatusCode.PAID) if self.status is DemandStatusCode.PAID_UNCONFIRMED and whole else after
        )

    def reversed(self, amount: int, *, confirmed: bool) -> "Amounts":
        """``amount`` of what was allocated is taken back: what was paid is open again, what was ended stays so."""
        left = replace(self, allocated=self.allocated - amount, confirmed=self.confirmed - (amount if confirmed else 0))
        if self.status is DemandStatusCode.REFUND_PENDING:
            return left if left.allocated else left.moved(DemandStatusCode.CANCELLED)
        return left if self.status in _CLOSED else left.moved(DemandStatusCode.REOPENED)

    def lifted(self, amount: int) -> "Amounts":
        """``amount`` of what is outstanding need not be paid."""
        after = replace(self, waived=self.waived + amount)
        if after.outstanding:
            return after
        return after.moved(DemandStatusCode.WAIVED) if not after.allocated else _as_paid(after, short=self.status)

    def closed(self, to: DemandStatusCode) -> "Amounts":
        """What is outstanding is not collected any more: expired or cancelled. Raises MoveRefused."""
        if self.status not in COLLECTING and self.status is not DemandStatusCode.EXPIRED:
            raise MoveRefused(
                vi(
                    "the demand is {status} and cannot become {to}: nothing is collected any more",
                    status=self.status,
                    to=to,
                )
            )
        return self.moved(to)

    def renewed(self) -> "Amounts":
        """An expired demand stands again. Raises MoveRefused for any other."""
        LIFECYCLE.check(self.status, DemandStatusCode.PART_PAID if self.allocated else DemandStatusCode.ISSUED)
        return replace(self, status=DemandStatusCode.PART_PAID if self.allocated else DemandStatusCode.ISSUED)

    def refunded(self) -> "Amounts":
        """All that was allocated has gone back."""
        return replace(self, allocated=0, confirmed=0).moved(DemandStatusCode.REFUNDED)

    def refund_withdrawn(self) -> "Amounts":
        """The refund is not made after all: what was paid is paid, what was short is not collected on any more."""
        if self.status is not DemandStatusCode.REFUND_PENDING:
            raise InvalidState(vi("the demand is {status}: no refund is under way", status=self.status))
        return _as_paid(self, short=DemandStatusCode.CANCELLED)


def _as_paid(amounts: Amounts, *, short: DemandStatusCode) -> Amounts:
    """At the status of what is paid, or at ``short`` while something is outstanding."""
    if amounts.outstanding:
        return amounts.moved(short)
    return amounts.moved(
        DemandStatusCode.PAID if amounts.confirmed == amounts.allocated else DemandStatusCode.PAID_UNCONFIRMED
    )


@dataclass(frozen=True, slots=True)
class Demand:
    """A demand's row."""

    id: str
    dossier_id: str
    department: str
    reference: str
    bank_bin: str
    account: str
    amount_due: int
    waived: int
    allocated: int
    confirmed: int
    status: str
    pay_first: bool
    issued_at: datetime
    expires_at: datetime | None
    version: int

    @property
    def amounts(self) -> Amounts:
        return Amounts(self.amount_due, self.waived, self.allocated, self.confirmed, DemandStatusCode(self.status))

    @property
    def outstanding(self) -> int:
        return self.amount_due - self.waived - self.allocated


@dataclass(frozen=True, slots=True)
class DemandLine:
    """One fee of a demand; ``waived`` of its amount need not be paid, by ``exemption``."""

    fee_code: str
    kind: str
    title: str
    department: str
    amount: int
    waived: int
    exemption: str | None
    retention_bp: int
    basis: str | None
