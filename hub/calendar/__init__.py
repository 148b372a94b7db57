"""Working time: which days and hours count when the law gives a term, and when that term ends.

Days off come from the law's list of public holidays (Bộ luật Lao động 2019 Đ112), with the swaps announced for the
whole country; what a decision adds or takes away comes from the catalogue and overrules the list. The list is
public_holidays.json, made by hub.calendar.publish from the library ``holidays``. The library itself stays out of the
processes: asked for one country it loads all 250, which weighs a tenth of a worker.

Terms are counted in working hours, 8 to a day. A term that begins anew, as after a supplement (NĐ 61/2018 Đ19.4), is
the full ``due`` from its new beginning.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path
from typing import Final

from config.calendar import CalendarConfig as CalendarData
from hub.clock import VIETNAM, local

LIST: Final = Path(__file__).with_name("public_holidays.json")
_DAY: Final = timedelta(days=1)
_NOTHING: Final = timedelta()
_SATURDAY: Final = 5


class WorkingCalendar:
    """The working calendar of one catalogue. Every moment that it gives is aware, in Vietnam's time."""

    def __init__(self, data: CalendarData) -> None:
        self._data = data

    def is_working_day(self, day: date) -> bool:
        if day in self._data.working_days:
            return True
        if day in self._data.days_off:
            return False
        listed = year_by_law(day.year)
        return day in listed.worked or (day.weekday() < _SATURDAY and day not in listed.off)

    def opening(self, day: date) -> datetime:
        """When work begins on ``day``, if it is a working day."""
        return _at(day, self._data.morning[0])

    def closing(self, day: date) -> datetime:
        """When work ends on ``day``, if it is a working day."""
        return _at(day, self._data.afternoon[1])

    def next_working_day(self, day: date) -> date:
        """The first working day after ``day``."""
        day += _DAY
        while not self.is_working_day(day):
            day += _DAY
        return day

    def after(self, day: date, working_days: int) -> date:
        """J+n: ``day`` itself for none."""
        for _ in range(working_days):
            day = self.next_working_day(day)
        return day

    def before(self, day: date, working_days: int) -> date:
        """J-n: the working day that so many working days lie before ``day``."""
        for _ in range(working_days):
            day -= _DAY
            while not self.is_working_day(day):
                day -= _DAY
        return day

    def due(self, received: datetime, working_hours: int) -> datetime:
        """When ``working_hours`` of work will have been done, counted from ``received`` or the next time of work.

        A term that is used up at closing time ends there, not at the next opening.
        """
        begin = local(received)
        left = timedelta(hours=working_hours)
        spans = self._spans(begin.date())
        while True:
            opens, closes = next(spans)
            starts = max(opens, begin)
            if starts > closes:
                continue
            if left <= closes - starts:
                return starts + left
            left -= closes - starts

    def handoff_due(self, received: datetime) -> datetime:
        """Until when paper that came in at ``received`` is handed over (NĐ 61/2018 Đ18).

        The same working day; after the cut-off (15:00) or on a day off, the opening of the next one.
        """
        moment = local(received)
        day = moment.date()
        if self.is_working_day(day) and moment.time() <= self._data.cut_off:
            return self.closing(day)
        return self.opening(self.next_working_day(day))

    def working_hours_between(self, start: datetime, end: datetime) -> timedelta:
        """The time of work from ``start`` to ``end``; negative if ``end`` is the earlier one."""
        if end < start:
            return -self.working_hours_between(end, start)
        begin, finish = local(start), local(end)
        total = _NOTHING
        for opens, closes in self._spans(begin.date()):
            if opens >= finish:
                break
            total += max(min(closes, finish) - max(opens, begin), _NOTHING)
        return total

    def _spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Opening and closing of every morning and afternoon that is worked, from ``day`` on, without end."""
        if not self.is_working_day(day):
            day = self.next_working_day(day)
        while True:
            for opens, closes in (self._data.morning, self._data.afternoon):
                yield _at(day, opens), _at(day, closes)
            day = self.next_working_day(day)


def _at(day: date, hour: time) -> datetime:
    return datetime.combine(day, hour, VIETNAM)


@dataclass(frozen=True, slots=True)
class Year:
    """What the list says of one year."""

    off: frozenset[date]
    worked: frozenset[date]
    """Saturdays that are worked in exchange for a day off"""


def years_by_law() -> range:
    """The years that the list has."""
    return range(min(_listed()), max(_listed()) + 1)


def year_by_law(year: int) -> Year:
    """Raises LookupError for a year that is not on the list."""
    try:
        return _listed()[year]
    except KeyError:
        raise LookupError(f"the list of public holidays has no {year}") from None


@cache
def _listed() -> dict[int, Year]:
    return {
        int(year): Year(off=_days(days["off"]), worked=_days(days["worked"]))
        for year, days in json.loads(LIST.read_bytes()).items()
    }


def _days(texts: list[str]) -> frozenset[date]:
    return frozenset(map(date.fromisoformat, texts))
