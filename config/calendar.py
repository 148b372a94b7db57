"""When is worked: the hours of a working day, and the days that a decision moves."""

from datetime import date, datetime, time, timedelta
from typing import Final, Self

from pydantic import Field, model_validator

from config.data import Data

WORKING_DAY: Final = timedelta(hours=8)
"""What the law calls a working day when it counts a procedure's time."""


class CalendarConfig(Data):
    """Working hours, and the days on which a decision (quyết định) overrules what the week and the law's list say."""

    morning: tuple[time, time]
    afternoon: tuple[time, time]
    cut_off: time
    """paper received later than this is handed over next morning (NĐ 61/2018 Đ18)"""
    days_off: dict[date, str] = Field({})
    """day = the decision that makes it one"""
    working_days: dict[date, str] = Field({})
    """a day that is worked all the same (hoán đổi), and the decision"""
    not_announced: list[int] = Field([])
    """years whose swapped days nobody has announced yet: their terms are counted by the law's list, and that is said"""

    @property
    def years(self) -> set[int]:
        """Years of which something is known, if only that it is not announced yet."""
        return {day.year for day in (*self.days_off, *self.working_days)} | set(self.not_announced)

    @model_validator(mode="after")
    def _is_a_working_day(self) -> Self:
        times = (*self.morning, *self.afternoon)
        if list(times) != sorted(set(times)):
            raise ValueError("morning and afternoon follow one another: opens < closes < opens < closes")
        worked = sum((_between(*span) for span in (self.morning, self.afternoon)), timedelta())
        if worked != WORKING_DAY:
            raise ValueError(f"a working day has 8 hours (8:00:00), morning and afternoon make {worked}")
        if not self.morning[0] <= self.cut_off <= self.afternoon[1]:
            raise ValueError("cut_off lies within the working day")
        if twice := self.days_off.keys() & self.working_days.keys():
            raise ValueError(f"{min(twice)} is both a day off and worked")
        return self


def _between(start: time, end: time) -> timedelta:
    return datetime.combine(date.min, end) - datetime.combine(date.min, start)
