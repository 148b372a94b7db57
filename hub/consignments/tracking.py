"""Where a consignment stands, from all that was ever said of it: a pure function of what happened, by when it happened.

Events come late, twice, in any order, by callback and by feed. The fold looks at what they say and at nothing else, so
whatever the order of their arrival, the same events give the same status (docs/decisions/0014).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from hub.clock import local
from hub.consignments.model import LIFECYCLE, ConsignmentStatus

_PLACE: Final = {status: place for place, status in enumerate(ConsignmentStatus)}


@dataclass(frozen=True, slots=True)
class TrackingRecord:
    """One thing that happened. ``key`` is its natural name: the same for every repetition of it."""

    key: str
    status: ConsignmentStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class TrackingStatus:
    """What all of it comes to."""

    status: ConsignmentStatus
    at: datetime
    last_event_at: datetime
    """when the latest of it happened"""
    posted_on: date | None
    """the day on the slip; it begins the operator's time, and is never the legal time of submission (QĐ 45/2016 Đ7)"""
    attempts: tuple[datetime, ...]
    """of delivery, that failed"""
    damaged: bool
    late_events: tuple[TrackingRecord, ...]
    """what is said to have happened after the end, and differs from it"""


def fold(order_status: ConsignmentStatus, since: datetime, records: Iterable[TrackingRecord]) -> TrackingStatus:
    """Where a consignment stands that has been ``ordering`` ``since``, when all of this was said of it.

    What happened is taken in the order in which it happened; of one moment, in the order of the way. What may not
    follow what stands (a posting on the way, anything after the end) moves nothing.
    """
    in_order = sorted({one.key: one for one in records}.values(), key=lambda one: (one.at, _PLACE[one.status], one.key))
    status, at = order_status, since
    attempts: list[datetime] = []
    late_events: list[TrackingRecord] = []
    for one in in_order:
        following = LIFECYCLE.moves[status]
        if one.status in following or (following and one.status is status):
            status, at = one.status, one.at
            if status is ConsignmentStatus.ATTEMPT_FAILED:
                attempts.append(at)
        elif not following and one.status is not status:
            late_events.append(one)
    posted = next((one.at for one in in_order if one.status not in _BEFORE_POSTING), None)
    return TrackingStatus(
        status=status,
        at=at,
        last_event_at=in_order[-1].at if in_order else since,
        posted_on=local(posted).date() if posted else None,
        attempts=tuple(attempts),
        damaged=any(one.status is ConsignmentStatus.DAMAGED for one in in_order),
        late_events=tuple(late_events),
    )


_BEFORE_POSTING: Final = frozenset(
    {ConsignmentStatus.ORDERED, ConsignmentStatus.ACCEPTED, ConsignmentStatus.REFUSED, ConsignmentStatus.CANCELLED}
)
