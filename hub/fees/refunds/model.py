"""A refund (hoàn trả): money that came and goes back to its payer. Pure; đồng."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from hub.fees.ledger import Account


class State(StrEnum):
    """Where a refund stands: with its order, but for ``failed``, after which it is ordered again."""

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
    State.APPROVED: "Đã duyệt",
    State.SENT: "Đã chuyển ngân hàng",
    State.CONFIRMED: "Đã hoàn trả",
    State.FAILED: "Tiền bị trả lại, phải lập lệnh mới",
    State.CANCELLED: "Đã hủy",
}
SOURCES: Final = (Account.PAYABLE, Account.UNIDENTIFIED, Account.OVERPAID)
"""where money stands that may be given back"""


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund's row. ``item``: the demand where it stands on 331, else what the account calls it by."""

    id: str
    source: Account
    item: str
    amount: int
    state: State
    reason: str
    due_on: date
    requested_at: datetime
    booked_at: datetime | None
    case_ids: list[str]
