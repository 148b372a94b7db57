"""One clock: moments are aware and in UTC; people and the law read them in Vietnam's time."""

from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

VIETNAM: Final = ZoneInfo("Asia/Ho_Chi_Minh")


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the one place where the clock is read


def local(moment: datetime) -> datetime:
    """``moment`` in Vietnam's time. Raises ValueError for a moment without a zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a zone could mean any hour; give an aware one")
    return moment.astimezone(VIETNAM)


def last_of(month: date) -> date:
    """The last day of the month in which this day is."""
    return (month.replace(day=1) + timedelta(days=31)).replace(day=1) - timedelta(days=1)
