"""A settlement: a department's month. Its states, and its rows; đồng throughout."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from hub.lifecycle import Lifecycle
from hub.locale import vi


class SettlementState(StrEnum):
    """The status of a settlement. Silence of the department confirms nothing."""

    COMPUTED = "computed"
    NOTIFIED = "notified"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    ORDERED = "ordered"
    TRANSFERRED = "transferred"
    RECEIPTED = "receipted"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"

    @property
    def label(self) -> str:
        return LABELS[self]


LEAF: Final = "settlement"
"""the kind of a table's leaf in the custody log, and of its one act in the month package"""
LABELS: Final = {
    SettlementState.COMPUTED: vi("Made"),
    SettlementState.NOTIFIED: vi("Sent, not confirmed yet"),
    SettlementState.CONFIRMED: vi("Confirmed by the agency"),
    SettlementState.DISPUTED: vi("Lines are disputed"),
    SettlementState.ORDERED: vi("Payment order made"),
    SettlementState.TRANSFERRED: vi("Transferred"),
    SettlementState.RECEIPTED: vi("Papers handed over"),
    SettlementState.CLOSED: vi("Done"),
    SettlementState.WITHDRAWN: vi("Table withdrawn"),
}

LIFECYCLE: Final = Lifecycle(
    {
        SettlementState.COMPUTED: frozenset(
            {
                SettlementState.NOTIFIED,
                SettlementState.CONFIRMED,
                SettlementState.DISPUTED,
                SettlementState.CLOSED,
                SettlementState.WITHDRAWN,
            }
        ),
        SettlementState.NOTIFIED: frozenset(
            {SettlementState.CONFIRMED, SettlementState.DISPUTED, SettlementState.CLOSED}
        ),
        SettlementState.CONFIRMED: frozenset({SettlementState.ORDERED, SettlementState.CLOSED}),
        SettlementState.DISPUTED: frozenset({SettlementState.ORDERED, SettlementState.CLOSED}),
        SettlementState.ORDERED: frozenset(
            {SettlementState.CONFIRMED, SettlementState.DISPUTED, SettlementState.TRANSFERRED}
        ),
        SettlementState.TRANSFERRED: frozenset(
            {SettlementState.RECEIPTED, SettlementState.CONFIRMED, SettlementState.DISPUTED}
        ),
        SettlementState.RECEIPTED: frozenset(
            {SettlementState.CLOSED, SettlementState.CONFIRMED, SettlementState.DISPUTED}
        ),
        SettlementState.CLOSED: frozenset({SettlementState.CONFIRMED, SettlementState.DISPUTED}),
        SettlementState.WITHDRAWN: frozenset(),
    }
)
"""A failed order or a returned transfer leads back to a new order; what is carried on whole is closed at once."""
ANSWERABLE: Final = frozenset({SettlementState.COMPUTED, SettlementState.NOTIFIED})
"""A table that was handed over on paper may be answered before a receipt of it arrives."""


@dataclass(frozen=True, slots=True)
class Settlement:
    """A settlement's row, without the table's bytes. ``month``: its first day."""

    id: str
    department: str
    month: date
    state: str
    opening: int
    receipts: int
    refunds: int
    adjustments: int
    retained: int
    net: int
    disputed: int
    sha256: bytes
    computed_at: datetime
    notified_at: datetime | None
    answer_id: str | None
    answered_at: datetime | None
    order_id: str | None
    transferred_at: datetime | None

    @property
    def transferable(self) -> int:
        """What is to be transferred, đồng; zero or less is carried on."""
        return self.net - self.disputed

    @property
    def name(self) -> str:
        """The month as people write it: 2026-10."""
        return f"{self.month:%Y-%m}"
