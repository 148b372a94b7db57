"""The moving window: ``burst`` requests in any ``window`` seconds, whatever their distances."""

import pytest

from config.limits import RateLimit
from hub.http.admission import MovingWindow


class Time:
    """A monotonic clock that a test sets."""

    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> Time:
    time = Time()
    monkeypatch.setattr("hub.http.admission.time", time)
    return time


def test_what_was_refused_is_not_counted_and_what_is_old_makes_way(time: Time) -> None:
    window = MovingWindow(RateLimit(requests_per_second=1, burst=3))
    assert [window.hit() for _ in range(4)] == [True, True, True, False]
    assert window.state() == (0, 3)
    time.now = 102.9
    assert not window.hit()
    assert window.state() == (0, 1)
    time.now = 103.0
    assert window.state() == (3, 3)
    assert window.hit()
    assert window.state() == (2, 3)


def test_each_request_makes_way_by_itself(time: Time) -> None:
    window = MovingWindow(RateLimit(requests_per_second=2, burst=4))
    for moment in (100.0, 100.5, 101.0, 101.5):
        time.now = moment
        assert window.hit()
    assert not window.hit()
    time.now = 102.0
    assert window.hit()
    assert not window.hit()
