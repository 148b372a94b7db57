"""Working time against the cases that the law and past years' announcements decide."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.calendar import CalendarConfig as CalendarData
from hub.calendar import WorkingCalendar
from hub.clock import VIETNAM, local, now

HOURS: Final = CalendarData(morning=(time(7), time(11, 30)), afternoon=(time(13, 30), time(17)), cut_off=time(15))
DECIDED: Final = HOURS.model_copy(
    update={
        "days_off": {date(2026, 1, 2): "swapped"},
        "working_days": {date(2026, 1, 10): "for 2 January", date(2027, 2, 4): "Tết begins a day later than guessed"},
    }
)
CALENDAR: Final = WorkingCalendar(DECIDED)
MOMENTS: Final = st.datetimes(datetime(2019, 1, 1), datetime(2030, 12, 31)).map(  # noqa: DTZ001 - the zone follows
    lambda moment: moment.replace(tzinfo=VIETNAM)
)
TERMS: Final = st.integers(min_value=1, max_value=400)


def at(text: str) -> datetime:
    """A moment in Vietnam's time."""
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("received", "working_hours", "due"),
    [
        pytest.param("2026-11-27 16:00", 4, "2026-11-30 10:00", id="Friday at four goes on on Monday"),
        pytest.param("2026-11-23 07:00", 8, "2026-11-23 17:00", id="a whole day ends at closing"),
        pytest.param("2026-11-23 17:00", 1, "2026-11-25 08:00", id="at closing, before a holiday"),
        pytest.param("2026-11-23 06:10", 1, "2026-11-23 08:00", id="before opening"),
        pytest.param("2026-11-23 12:00", 1, "2026-11-23 14:30", id="in the lunch break"),
        pytest.param("2026-11-23 11:00", 2, "2026-11-23 15:00", id="over the lunch break"),
        pytest.param("2026-11-23 21:00", 8, "2026-11-25 17:00", id="after closing"),
        pytest.param("2020-01-16 08:00", 20 * 8, "2020-02-20 08:00", id="20 working days over Tết 2020"),
        pytest.param("2025-04-25 08:00", 3 * 8, "2025-04-29 08:00", id="26 April 2025 is worked for 2 May"),
        pytest.param("2025-04-29 08:00", 3 * 8, "2025-05-07 08:00", id="30 April, 1 and 2 May 2025 are off"),
        pytest.param("2025-12-31 07:00", 3 * 8, "2026-01-06 17:00", id="over New Year, 2 January swapped by decision"),
        pytest.param("2026-01-10 07:30", 8, "2026-01-12 07:30", id="a Saturday that a decision makes a working day"),
        pytest.param("2026-08-22 08:00", 8, "2026-08-24 08:00", id="a Saturday that the national list makes one"),
        pytest.param("2026-09-01 09:00", 4, "2026-09-03 11:00", id="received on a holiday"),
    ],
)
def test_a_term_ends_when_its_hours_have_been_worked(received: str, working_hours: int, due: str) -> None:
    assert CALENDAR.due(at(received), working_hours) == at(due)


@pytest.mark.parametrize(
    ("received", "due"),
    [
        pytest.param("2026-11-23 09:00", "2026-11-23 17:00", id="in the morning"),
        pytest.param("2026-11-23 15:00", "2026-11-23 17:00", id="at three sharp"),
        pytest.param("2026-11-23 15:01", "2026-11-25 07:00", id="a minute past three, before a holiday"),
        pytest.param("2026-11-27 15:01", "2026-11-30 07:00", id="a minute past three on a Friday"),
        pytest.param("2026-11-28 09:00", "2026-11-30 07:00", id="on a Saturday"),
        pytest.param("2026-01-10 09:00", "2026-01-10 17:00", id="on a Saturday that is worked"),
        pytest.param("2026-01-02 09:00", "2026-01-05 07:00", id="on a Friday that is not"),
    ],
)
def test_paper_is_handed_over_on_the_same_day_if_it_came_by_three(received: str, due: str) -> None:
    assert CALENDAR.handoff_due(at(received)) == at(due)


def test_a_decision_overrules_the_list_of_public_holidays() -> None:
    assert not CALENDAR.is_working_day(date(2026, 1, 2))
    assert CALENDAR.is_working_day(date(2026, 1, 10))
    assert CALENDAR.is_working_day(date(2027, 2, 4))
    assert not CALENDAR.is_working_day(date(2027, 2, 5))


def test_every_year_knows_its_own_holidays_whichever_year_was_asked_for_first() -> None:
    first = WorkingCalendar(HOURS)
    assert not first.is_working_day(date(2026, 2, 17))
    assert not first.is_working_day(date(2025, 1, 29))
    assert first.is_working_day(date(2025, 2, 17))
    assert first.is_working_day(date(2025, 4, 26))


def test_the_zone_in_which_a_moment_is_written_does_not_matter() -> None:
    received = at("2026-11-27 16:00")
    assert CALENDAR.due(received.astimezone(UTC), 4) == CALENDAR.due(received, 4)
    # 23:30 in UTC is already the next morning in Vietnam.
    assert CALENDAR.handoff_due(datetime(2026, 11, 22, 23, 30, tzinfo=UTC)) == at("2026-11-23 17:00")


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        local(datetime(2026, 11, 23, 9, 0))  # noqa: DTZ001 - the point of the test


def test_the_clock_tells_utc() -> None:
    assert now().tzinfo is UTC


@given(MOMENTS, MOMENTS, TERMS)
def test_who_comes_later_is_never_due_earlier(one: datetime, other: datetime, working_hours: int) -> None:
    earlier, later = sorted((one, other))
    assert CALENDAR.due(earlier, working_hours) <= CALENDAR.due(later, working_hours)
    assert CALENDAR.handoff_due(earlier) <= CALENDAR.handoff_due(later)


@given(MOMENTS, TERMS, TERMS)
def test_two_terms_after_one_another_end_with_their_sum(received: datetime, first: int, second: int) -> None:
    assert CALENDAR.due(CALENDAR.due(received, first), second) == CALENDAR.due(received, first + second)


@given(MOMENTS, TERMS)
def test_the_time_of_work_until_the_due_moment_is_the_term(received: datetime, working_hours: int) -> None:
    due = CALENDAR.due(received, working_hours)
    assert CALENDAR.working_hours_between(received, due) == timedelta(hours=working_hours)
    assert CALENDAR.working_hours_between(due, received) == -timedelta(hours=working_hours)


@given(MOMENTS, TERMS)
def test_a_due_moment_lies_in_the_hours_of_a_working_day(received: datetime, working_hours: int) -> None:
    due = CALENDAR.due(received, working_hours)
    assert CALENDAR.is_working_day(due.date())
    assert time(7) < due.time() <= time(11, 30) or time(13, 30) < due.time() <= time(17)


@given(st.lists(MOMENTS, min_size=2, max_size=6).map(sorted))
def test_time_of_work_adds_up(moments: list[datetime]) -> None:
    parts = [CALENDAR.working_hours_between(start, end) for start, end in pairwise(moments)]
    assert sum(parts, timedelta()) == CALENDAR.working_hours_between(moments[0], moments[-1])
    assert all(part >= timedelta() for part in parts)


@given(MOMENTS)
def test_a_handoff_is_due_within_working_time_and_never_before_the_paper_came(received: datetime) -> None:
    due = CALENDAR.handoff_due(received)
    assert due >= received
    assert CALENDAR.is_working_day(due.date())
    assert due.time() in {time(7), time(17)}
