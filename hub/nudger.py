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
    """Carries nudges to the broker in the background. ``publish`` raises when the broker does not take one."""

    def __init__(self, publish: Callable[[Nudge], None], mark: Callable[[list[Nudge]], None]) -> None:
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
        while not self._stopping.is_set() or self._waiting:
            self._news.wait()
            self._news.clear()
            while self._waiting:
                if self._carry():
                    continue
                if self._stopping.wait(BROKER_PAUSE):
                    return

    def _carry(self) -> bool:
        """Publish up to one batch and mark what was taken; False if the broker did not take one."""
        carried: list[Nudge] = []
        try:
            while self._waiting and len(carried) < BATCH:
                self._publish(self._waiting[0])
                carried.append(self._waiting.popleft())
            crashpoints.reached(Point.NUDGE_BEFORE_MARK)
        except Exception as error:  # noqa: BLE001 - whatever failed, the rows are still due and the sweep will find them
            log.warning("nudges_delayed", waiting=len(self._waiting), error=type(error).__name__)
            # To the back: a queue that takes nothing must not hold up the others.
            self._waiting.rotate(-1)
            return False
        finally:
            self._note(carried)
        return True

    def _note(self, carried: list[Nudge]) -> None:
        try:
            self._mark(carried)
        except Exception as error:  # noqa: BLE001 - an unmarked nudge is nudged once more, which does no harm
            log.warning("nudges_unmarked", count=len(carried), error=type(error).__name__)
