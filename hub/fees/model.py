"""A fee demand: its amounts, the statuses that follow from them, and the moves between those. Pure; đồng throughout."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from hub.errors import MoveRefused, NotNow
from hub.lifecycle import Lifecycle


class Status(StrEnum):
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
    Status.ISSUED: "Chờ thanh toán",
    Status.PART_PAID: "Đã nộp một phần",
    Status.PAID_UNCONFIRMED: "Đã thanh toán, chờ sao kê",
    Status.PAID: "Đã thanh toán",
    Status.SETTLED: "Đã quyết toán",
    Status.EXPIRED: "Hết hạn nộp",
    Status.CANCELLED: "Đã hủy",
    Status.WAIVED: "Được miễn",
    Status.REFUND_PENDING: "Đang hoàn trả",
    Status.REFUNDED: "Đã hoàn trả",
    Status.REOPENED: "Mở lại, phải nộp lại",
}

COLLECTING: Final = frozenset({Status.ISSUED, Status.PART_PAID, Status.REOPENED})
"""Money that arrives counts for the demand."""
_PAID: Final = (Status.PAID_UNCONFIRMED, Status.PAID)
_CLOSED: Final = (Status.EXPIRED, Status.CANCELLED)

LIFECYCLE: Final = Lifecycle(
    {
        Status.ISSUED: frozenset({Status.PART_PAID, *_PAID, *_CLOSED, Status.WAIVED}),
        Status.PART_PAID: frozenset({*_PAID, *_CLOSED, Status.REOPENED, Status.REFUND_PENDING}),
        Status.PAID_UNCONFIRMED: frozenset({Status.PAID, Status.REOPENED, Status.REFUND_PENDING}),
        Status.PAID: frozenset({Status.SETTLED, Status.REOPENED, Status.REFUND_PENDING}),
        Status.SETTLED: frozenset({Status.PAID, Status.REOPENED, Status.REFUND_PENDING}),
        Status.REOPENED: frozenset({*_PAID, *_CLOSED, Status.WAIVED, Status.REFUND_PENDING}),
        Status.EXPIRED: frozenset({Status.ISSUED, Status.PART_PAID, Status.CANCELLED, Status.REFUND_PENDING}),
        Status.CANCELLED: frozenset({Status.REFUND_PENDING}),
        Status.REFUND_PENDING: frozenset({Status.REFUNDED, *_PAID, Status.CANCELLED}),
        Status.REFUNDED: frozenset(),
        Status.WAIVED: frozenset(),
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
    status: Status

    @property
    def outstanding(self) -> int:
        return self.due - self.waived - self.allocated

    def moved(self, to: Status) -> "Amounts":
        """The same at another status. Raises MoveRefused."""
        if to is not self.status:
            LIFECYCLE.check(self.status, to)
        return replace(self, status=to)

    def credited(self, amount: int, *, confirmed: bool) -> "Amounts":
        """``amount`` came in, no more than is outstanding of a demand that collects."""
        seen = amount if confirmed else 0
        found = replace(self, allocated=self.allocated + amount, confirmed=self.confirmed + seen)
        return _as_paid(found, short=Status.REOPENED if self.status is Status.REOPENED else Status.PART_PAID)

    def shown(self, amount: int) -> "Amounts":
        """A statement shows ``amount`` of what is allocated."""
        found = replace(self, confirmed=self.confirmed + amount)
        whole = found.confirmed == found.allocated
        return found.moved(Status.PAID) if self.status is Status.PAID_UNCONFIRMED and whole else found

    def reversed(self, amount: int, *, confirmed: bool) -> "Amounts":
        """``amount`` of what was allocated is taken back: what was paid is open again, what was ended stays so."""
        left = replace(self, allocated=self.allocated - amount, confirmed=self.confirmed - (amount if confirmed else 0))
        if self.status is Status.REFUND_PENDING:
            return left if left.allocated else left.moved(Status.CANCELLED)
        return left if self.status in _CLOSED else left.moved(Status.REOPENED)

    def lifted(self, amount: int) -> "Amounts":
        """``amount`` of what is outstanding need not be paid."""
        found = replace(self, waived=self.waived + amount)
        if found.outstanding:
            return found
        return found.moved(Status.WAIVED) if not found.allocated else _as_paid(found, short=self.status)

    def closed(self, to: Status) -> "Amounts":
        """What is outstanding is not collected any more: expired or cancelled. Raises MoveRefused."""
        if self.status not in COLLECTING and self.status is not Status.EXPIRED:
            raise MoveRefused(f"khoản phải thu đang {self.status}, không chuyển sang {to} được: không còn thu nữa")
        return self.moved(to)

    def renewed(self) -> "Amounts":
        """An expired demand stands again. Raises MoveRefused for any other."""
        LIFECYCLE.check(self.status, Status.PART_PAID if self.allocated else Status.ISSUED)
        return replace(self, status=Status.PART_PAID if self.allocated else Status.ISSUED)

    def refunded(self) -> "Amounts":
        """All that was allocated has gone back."""
        return replace(self, allocated=0, confirmed=0).moved(Status.REFUNDED)

    def kept(self) -> "Amounts":
        """The refund is not made after all: what was paid is paid, what was short is not collected on any more."""
        if self.status is not Status.REFUND_PENDING:
            raise NotNow(f"khoản phải thu đang {self.status}: không có hoàn trả nào đang làm")
        return _as_paid(self, short=Status.CANCELLED)


def _as_paid(found: Amounts, *, short: Status) -> Amounts:
    """At the status of what is paid, or at ``short`` while something is outstanding."""
    if found.outstanding:
        return found.moved(short)
    return found.moved(Status.PAID if found.confirmed == found.allocated else Status.PAID_UNCONFIRMED)


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
        return Amounts(self.amount_due, self.waived, self.allocated, self.confirmed, Status(self.status))

    @property
    def outstanding(self) -> int:
        return self.amount_due - self.waived - self.allocated


@dataclass(frozen=True, slots=True)
class Line:
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
