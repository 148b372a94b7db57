"""The law's list of public holidays: fresh, and what it says."""

from datetime import date

import pytest

from hub.calendar import LIST, year_by_law, years_by_law
from hub.calendar.publish import YEARS, document
from schemas.values import FIRST_YEAR, LAST_YEAR


def test_the_list_is_fresh() -> None:
    assert LIST.read_text(encoding="utf-8") == document(), "run: python -m hub.calendar.publish"


def test_the_list_has_every_year_that_anybody_may_tell_us_of() -> None:
    assert years_by_law() == YEARS == range(FIRST_YEAR - 1, LAST_YEAR + 2)


@pytest.mark.parametrize(
    ("day", "off"),
    [
        pytest.param("2026-01-01", True, id="Tết Dương lịch"),
        pytest.param("2026-02-17", True, id="mùng một Tết"),
        pytest.param("2026-04-26", True, id="Giỗ Tổ Hùng Vương"),
        pytest.param("2026-04-27", True, id="nghỉ bù, for the Sunday before"),
        pytest.param("2026-09-02", True, id="Quốc khánh"),
        pytest.param("2026-11-24", True, id="Ngày Văn hóa Việt Nam"),
        pytest.param("2026-11-25", False, id="the day after it"),
    ],
)
def test_the_list_says_which_days_are_off(day: str, off: bool) -> None:
    assert (date.fromisoformat(day) in year_by_law(2026).off) is off


def test_the_list_says_which_saturdays_are_worked() -> None:
    assert year_by_law(2025).worked == {date(2025, 4, 26)}


def test_a_year_that_is_not_listed_is_not_taken_for_one_without_holidays() -> None:
    with pytest.raises(LookupError, match="2051"):
        year_by_law(2051)
