"""What a statement has to keep in itself: the days of its entries, where banks rest between two statements."""

from datetime import date, timedelta

import pytest

from hub.fees.reconciliation.statements import gates
from schemas.statement import EntryKind, Head, Statement, StatementEntry
from tests.bank_files import weekday

MONDAY = date(2026, 11, 23)


def sentences(*days: date) -> list[str]:
    """What is wrong with a Monday's statement of entries that were booked on these days, but for its account."""
    entries = tuple(StatementEntry(line=1, booking_date=day, value_date=day, amount=5) for day in days)
    head = Head(
        kind=EntryKind.STATEMENT,
        line=1,
        account="1",
        bank_id="S1",
        currency="VND",
        from_date=MONDAY,
        to_date=MONDAY,
        opening=0,
        closing=5 * len(days),
    )
    statement = Statement(**dict(head), entries=entries)
    judged = gates.judge(statement, None, value_days=31, today=MONDAY, is_working=weekday)
    return [one.sentence for one in judged if one.sentence != "the account is none of ours at this bank"]


def test_what_was_booked_on_a_weekend_stands_in_monday_s_statement() -> None:
    assert sentences(MONDAY - timedelta(days=2), MONDAY - timedelta(days=1), MONDAY) == []


@pytest.mark.parametrize("before", [3, 4, 9, 30])
def test_what_was_booked_on_an_earlier_working_day_does_not(before: int) -> None:
    assert sentences(MONDAY - timedelta(days=before)) == ["an entry is booked outside of the statement's days"]


def test_a_calendar_on_which_nobody_ever_works_opens_no_more_than_a_holiday() -> None:
    assert timedelta(days=20) > gates.LONGEST_HOLIDAY
    day = gates._first_day(MONDAY, lambda _: False)
    assert day == MONDAY - gates.LONGEST_HOLIDAY
