"""After a commit, tell the broker "this row is due". Never in the caller's way, and free to lose what it carries.

A thread publishes in batches with confirms and then marks the rows. When the broker is away it waits and tries again;
past its bound it lets the oldest go, because the sweep finds whatever was not nudged.
"""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

import structlog

from hub import crashpoints
from hub.crashpoints import Point
from hub.messages.model import Nudge

BOUND: Final = 10_000
BATCH: Final = 200
BROKER_PAUSE: Final = 1.0
"""seconds between attempts while the broker is away"""

log = structlog.get_logger(__name__)


class Nudger:
    """Carries nudges to the broker in the background. ``publish`` raises OSError-like errors while it is away."""

    def __init__(self, publish: Callable[[list[Nudge]], None], mark: Callable[[list[Nudge]], None]) -> None:
        self._publish = publish
        self._mark = mark
        self._waiting: deque[Nudge] = deque(maxlen=BOUND)
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="nudger", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Publish what is waiting, if that is possible within ``timeout`` seconds."""
        self._stopping.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def nudge(self, nudges: list[Nudge]) -> None:
        """Hand over; returns at once."""
        if nudges:
            self._waiting.extend(nudges)
            self._news.set()

    def _run(self) -> None:
        while not (self._stopping.is_set() and not self._waiting):
            self._news.wait()
            self._news.clear()
            while self._waiting:
                if not self._carry([self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))]):
                    break

    def _carry(self, batch: list[Nudge]) -> bool:
        try:
            self._publish(batch)
            crashpoints.reached(Point.NUDGE_BEFORE_MARK)
            self._mark(batch)
        except Exception as error:  # noqa: BLE001 - whatever failed, the rows are still due and the sweep will find them
            log.warning("nudges_delayed", count=len(batch), error=type(error).__name__)
            if self._stopping.is_set():
                return False
            self._waiting.extendleft(reversed(batch))
            self._news.set()
            self._stopping.wait(BROKER_PAUSE)
            return False
        return True
