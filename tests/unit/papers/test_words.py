"""How an official form writes moments and money."""

from datetime import UTC, datetime

import pytest

from hub.papers import layout


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        ("2026-01-05T02:05:00+00:00", "09 giờ 05 phút, ngày 05 tháng 01 năm 2026"),
        ("2026-11-24T17:30:00+00:00", "00 giờ 30 phút, ngày 25 tháng 11 năm 2026"),
        ("2026-03-09T08:15:00+07:00", "08 giờ 15 phút, ngày 09 tháng 3 năm 2026"),
    ],
)
def test_a_moment_is_written_as_decree_30_writes_it_in_vietnams_time(moment: str, written: str) -> None:
    assert layout.hour_and_day(datetime.fromisoformat(moment)) == written


def test_a_signing_time_has_its_seconds_and_its_zone() -> None:
    assert layout.signing_time(datetime(2026, 11, 24, 1, 15, 2, tzinfo=UTC)) == "24/11/2026 08:15:02 +07:00"


def test_money_has_dots_and_a_space_that_does_not_break() -> None:
    assert layout.money(1_250_000) == "1.250.000\u00a0₫"
    assert layout.money(0) == "0\u00a0₫"
