"""A consignment's status as the fold of its tracking events: a pure function.

Events arrive late, twice and in any order, by callback and by feed. The fold takes them by the time at which they
happened, so the same events give the same status in whatever order they arrive (docs/decisions/0014).
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
    """One tracking event. ``key`` is its natural key: the same for every repetition of it."""

    key: str
    status: ConsignmentStatus
    at: datetime


@dataclass(frozen=True, slots=True)
class TrackingStatus:
    """The result of the fold."""

    status: ConsignmentStatus
    at: datetime
    last_event_at: datetime
    """when the latest event happened"""
    posted_on: date | None
    """the day on the slip: the operator's delivery time begins; never the legal time of submission (QĐ 45/2016 Đ7)"""
    attempts: tuple[datetime, ...]
    """failed attempts of delivery"""
    damaged: bool
    late_events: tuple[TrackingRecord, ...]
    """events of a time after the end that contradict it"""


def fold(order_status: ConsignmentStatus, since: datetime, records: Iterable[TrackingRecord]) -> TrackingStatus:
    """The status of a consignment that has been ``order_status`` ``since``, and of which these events are known.

    1. Order the events by their time; those of one moment by the order of ConsignmentStatus.
    2. Apply each that the lifecycle allows. Others (a posting while in transit, anything after the end) move nothing.
    """
    # 1.
    in_order = sorted({one.key: one for one in records}.values(), key=lambda one: (one.at, _PLACE[one.status], one.key))
    # 2.
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
