"""What the operator owes in time, by the calendar, and when a person is to look."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from config.catalogue import Catalogue
from config.postal import Levels
from hub.calendar import WorkingCalendar
from hub.clock import VIETNAM
from hub.consignments.attention import ConsignmentHistory, concerns, months_after
from hub.consignments.model import Concern, Consignment, ConsignmentStatus

MONDAY = date(2026, 12, 7)


@pytest.fixture(scope="module")
def calendar(catalogue: Catalogue) -> WorkingCalendar:
    return WorkingCalendar(catalogue.calendar)


def hour(day: int, clock: int = 9) -> datetime:
    """``day`` of December 2026, at ``clock``, in Vietnam."""
    return datetime(2026, 12, day, clock, tzinfo=VIETNAM)


POSTED = Consignment(
    id="cs_0",
    operator="buu-dien",
    direction="result_to_citizen",
    service="result",
    order_number="000.00.01.H42-261207-0001",
    item_code=None,
    item_code_ok=None,
    seal_number=None,
    route_class="province",
    cash=0,
    handoff_id=None,
    transfer_id=None,
    order_status="accepted",
    order_status_at=hour(7),
    status=ConsignmentStatus.POSTED,
    status_at=hour(7),
    attempts=[],
    damaged=False,
    late_events=0,
    reason=None,
    ordered_at=hour(7),
    posted_on=MONDAY,
    promised_on=date(2026, 12, 9),
    last_event_at=hour(7),
    settled_at=None,
    updated_at=hour(7),
)


def kinds(
    calendar: WorkingCalendar,
    row: Consignment,
    now: datetime,
    known: ConsignmentHistory = ConsignmentHistory(),  # noqa: B008
) -> set[Concern]:
    return {one.kind for one in concerns(calendar, Levels(), row, known, now)}


def test_j_and_n_count_working_days(calendar: WorkingCalendar) -> None:
    friday = date(2026, 11, 27)
    assert calendar.after(friday, 1) == date(2026, 11, 30)
    assert calendar.after(MONDAY - timedelta(days=14), 1) == date(2026, 11, 25)  # the 24th is a holiday
    assert calendar.after(date(2025, 12, 31), 1) == date(2026, 1, 5)
    assert calendar.after(MONDAY, 0) == MONDAY


def test_six_months_after_the_last_of_august_is_the_last_of_february() -> None:
    assert months_after(date(2026, 8, 31), 6) == date(2027, 2, 28)
    assert months_after(date(2026, 7, 1), 6) == date(2027, 1, 1)
    assert months_after(date(2026, 6, 30), 6) == date(2026, 12, 30)


def test_nothing_is_wrong_with_what_is_on_its_way_in_time(calendar: WorkingCalendar) -> None:
    assert kinds(calendar, POSTED, hour(8, 16)) == set()


def test_a_working_day_without_a_word_is_silence_on_its_evening(calendar: WorkingCalendar) -> None:
    assert kinds(calendar, POSTED, hour(8, 17)) == {Concern.SILENT}
    assert kinds(calendar, replace(POSTED, last_event_at=hour(8)), hour(8, 17)) == set()


def test_the_evening_of_the_promised_day_is_a_breach_unless_it_was_attempted(calendar: WorkingCalendar) -> None:
    heard = replace(POSTED, last_event_at=hour(9, 8), status=ConsignmentStatus.OUT_FOR_DELIVERY)
    assert kinds(calendar, heard, hour(9, 16)) == set()
    assert kinds(calendar, heard, hour(9, 17)) == {Concern.LATE}
    assert (
        kinds(calendar, replace(heard, attempts=[hour(9)], status=ConsignmentStatus.ATTEMPT_FAILED), hour(9, 17))
        == set()
    )
    assert kinds(calendar, replace(heard, status=ConsignmentStatus.DELIVERED, settled_at=hour(9)), hour(14)) == set()


def test_the_second_invitation_comes_within_two_working_days_and_then_the_way_back(calendar: WorkingCalendar) -> None:
    once = replace(POSTED, status=ConsignmentStatus.ATTEMPT_FAILED, attempts=[hour(9)], last_event_at=hour(11))
    assert kinds(calendar, once, hour(11, 16)) == set()
    assert kinds(calendar, once, hour(11, 17)) == {Concern.NO_SECOND_INVITATION}
    twice = replace(once, attempts=[hour(9), hour(11)], last_event_at=hour(15, 7))
    assert kinds(calendar, twice, hour(15)) == set()
    assert kinds(calendar, twice, hour(15, 17)) == {Concern.NO_RETURN}
    assert kinds(calendar, replace(twice, status=ConsignmentStatus.RETURNING), hour(15, 17)) == set()


def test_what_goes_back_after_one_invitation_goes_back_too_early(calendar: WorkingCalendar) -> None:
    once = replace(POSTED, status=ConsignmentStatus.RETURNED, attempts=[hour(9)], settled_at=hour(10))
    assert kinds(calendar, once, hour(10)) == {Concern.RETURNED, Concern.RETURNED_EARLY}
    assert kinds(calendar, replace(once, attempts=[hour(8), hour(10)]), hour(10)) == {Concern.RETURNED}


def test_what_was_ordered_is_collected_within_a_working_day(calendar: WorkingCalendar) -> None:
    ordered = replace(POSTED, status=ConsignmentStatus.ACCEPTED, posted_on=None, promised_on=None)
    assert kinds(calendar, ordered, hour(8, 16)) == set()
    assert kinds(calendar, ordered, hour(8, 17)) == {Concern.NOT_COLLECTED}


def test_loss_and_damage_are_open_until_somebody_has_written_down_who_is_liable(calendar: WorkingCalendar) -> None:
    lost = replace(POSTED, status=ConsignmentStatus.LOST, damaged=True)
    assert kinds(calendar, lost, hour(8)) == {Concern.LOST, Concern.DAMAGED}
    assert kinds(calendar, lost, hour(8), ConsignmentHistory(incidents=frozenset({"loss"}))) == {Concern.DAMAGED}


def test_each_silence_is_an_occasion_of_its_own(calendar: WorkingCalendar) -> None:
    first = concerns(calendar, Levels(), POSTED, ConsignmentHistory(), hour(8, 17))
    second = concerns(
        calendar,
        Levels(),
        replace(POSTED, last_event_at=POSTED.last_event_at + timedelta(hours=1)),
        ConsignmentHistory(),
        hour(8, 17),
    )
    assert first.isdisjoint(second)


def test_a_wrong_check_digit_a_refusal_and_what_comes_after_the_end_are_for_a_person(calendar: WorkingCalendar) -> None:
    odd = replace(
        POSTED, status=ConsignmentStatus.REFUSED, item_code="RR123456780VN", item_code_ok=False, late_events=1
    )
    assert kinds(calendar, odd, hour(7)) == {Concern.REFUSED, Concern.ITEM_CODE, Concern.AFTER_THE_END}
