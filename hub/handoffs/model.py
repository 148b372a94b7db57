"""A handoff's statuses, their lifecycle, and its row."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from hub.clock import local
from hub.lifecycle import Lifecycle
from schemas.handoff import Act, Carrier, ShareResult


class HandoffStatus(StrEnum):
    """Status of a handoff."""

    UNSIGNED = "unsigned"
    """its officer signs outside the hub; nothing is sent before the signature is attached"""
    PREPARED = "prepared"
    """signed by our officer and our seal, and in the outbox"""
    ACKNOWLEDGED = "acknowledged"
    """the receiver has it; something is still missing: the signed minute, or the delivery of the papers"""
    COMPLETE = "complete"
    """both sides have signed, and the papers have arrived where they went by post"""
    REFUSED = "refused"


LIFECYCLE: Final = Lifecycle(
    {
        HandoffStatus.UNSIGNED: frozenset({HandoffStatus.PREPARED}),
        HandoffStatus.PREPARED: frozenset({HandoffStatus.ACKNOWLEDGED, HandoffStatus.COMPLETE, HandoffStatus.REFUSED}),
        HandoffStatus.ACKNOWLEDGED: frozenset({HandoffStatus.COMPLETE}),
        HandoffStatus.COMPLETE: frozenset(),
        HandoffStatus.REFUSED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class HandoffRow:
    """A handoff's row. Its signed records are in the custody log, under the handoff's id."""

    id: str
    dossier_id: str
    leg: int
    department: str
    transfer_id: str | None
    status: HandoffStatus
    number: str | None
    prepared_at: datetime
    act: str
    carrier: str
    officer: str | None
    result: str
    record_hash: bytes | None
    salt: bytes | None
    draft: bytes | None
    leaf_id: str | None
    receipt_leaf_id: str | None
    delivered_at: datetime | None
    taken_at: datetime | None
    minuted: bool
    """whether the scanned signed minute is here"""

    def __post_init__(self) -> None:
        # Rows come from SQL with the status as text.
        object.__setattr__(self, "status", HandoffStatus(self.status))

    @property
    def by_post(self) -> bool:
        return self.carrier == Carrier.POST

    @property
    def is_complete(self) -> bool:
        """Electronic: the counter-record or the minute is there. By post: the minute, and the papers delivered."""
        if self.by_post:
            return self.minuted and self.delivered_at is not None
        return self.minuted or self.receipt_leaf_id is not None


def result_of(act: Act, given_at: datetime, due_at: datetime) -> ShareResult:
    """Early, on time or late; only a return has one, by the due date of the calendar."""
    if act is Act.TRANSFER:
        return ShareResult.NONE
    if given_at > due_at:
        return ShareResult.LATE
    return ShareResult.EARLY if local(given_at).date() < local(due_at).date() else ShareResult.ON_TIME
