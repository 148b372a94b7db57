"""Ticks come at their time by a clock of their own, and what the broker does not take stays due."""

import threading

from hub.worker.beat import publish_ticks


class Clock:
    """Seconds that pass only while the clock of the hub waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.stopping = threading.Event()
        self.stopping.wait = self._wait  # type: ignore[method-assign, assignment]

    def _wait(self, timeout: float) -> bool:
        self.now += timeout
        return False


def published(seconds: float, *, away_until: float = 0.0, slept: float = 0.0) -> list[tuple[float, str]]:
    """(when, name) of all that ``run`` publishes: "often" every 2 s, "seldom" every 5 s."""
    clock = Clock()
    ticks: list[tuple[float, str]] = []

    def publish(names: list[str]) -> None:
        if clock.now < away_until:
            raise ConnectionError
        ticks.extend((clock.now, name) for name in names)
        if len(ticks) == 2:
            clock.now += slept
        if clock.now >= seconds:
            clock.stopping.set()

    publish_ticks({"often": 2, "seldom": 5}, publish, clock.stopping, lambda: clock.now)
    return ticks


def test_every_tick_comes_at_once_and_then_at_its_time() -> None:
    assert published(6) == [(0, "often"), (0, "seldom"), (2, "often"), (4, "often"), (5, "seldom"), (6, "often")]


def test_what_the_broker_does_not_take_is_published_when_it_is_back() -> None:
    assert published(5, away_until=3) == [(3, "often"), (3, "seldom"), (5, "often")]


def test_a_long_sleep_is_one_tick_late_and_not_made_up_for() -> None:
    ticks = published(1004, slept=1000)
    assert ticks[2:] == [(1002, "often"), (1004, "often")]
