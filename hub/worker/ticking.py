"""The clock of the hub: every tick at its time, by a clock that nobody sets.

Not Celery's beat: it reckons by the wall clock, so that one step of that clock mutes it until the old hour comes
again, and it publishes by the exchange's table in Valkey, without which (FLUSHALL, an eviction) its ticks go nowhere
and nobody hears of it. Here a tick takes a wake-up's way: to a queue that is declared, and confirmed.
"""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final

import structlog

PAUSE: Final = 1.0
"""seconds between attempts while the broker is away"""

log = structlog.get_logger(__name__)


def run(
    ticks: Mapping[str, float],
    publish: Callable[[list[str]], None],
    stopping: threading.Event,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Publish every tick of ``ticks`` (name → seconds between two) at once, and then at its time, until ``stopping``.

    A tick that was missed is not made up for. While ``publish`` raises, what is due stays due.
    """
    due = dict.fromkeys(ticks, now())
    while not stopping.is_set():
        ready = [name for name, at in due.items() if at <= now()]
        try:
            if ready:
                publish(ready)
        except Exception as error:  # noqa: BLE001 - whatever failed, the broker is asked again
            log.warning("ticks_delayed", ticks=ready, error=type(error).__name__)
            stopping.wait(PAUSE)
            continue
        due |= {name: now() + ticks[name] for name in ready}
        stopping.wait(max(0.0, min(due.values()) - now()))
