"""Waiting that gives up when nothing makes progress, and not after a fixed time: a busy machine is slow, not broken."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from hub.errors import HubError

STILL: Final = 60.0
"""seconds without progress after which waiting ends"""
_LATE: Final = 5.0
"""seconds; a look that comes later than that says how busy the machine is, and no more than this against who works"""
_ASK_EVERY: Final = 1.0
"""seconds between two questions whether something has moved; they cost the others"""

Result = TypeVar("Result")


class NothingMoves(HubError):
    """There was no progress for too long."""


class Patience:
    """Measures for how long nothing has made progress. Threads report what they observe, each under its own name."""

    def __init__(self, still: float = STILL) -> None:
        self._still = still
        self._seen: dict[str, object] = {}
        self._looked = time.monotonic()
        self._idle = 0.0
        self._lock = threading.Lock()

    def observe(self, state: object, name: str = "") -> None:
        """``state``: any value that changes with progress."""
        with self._lock:
            looked = time.monotonic()
            self._idle += min(looked - self._looked, _LATE)
            self._looked = looked
            if name not in self._seen or self._seen[name] != state:
                self._seen[name] = state
                self._idle = 0.0

    @property
    def over(self) -> bool:
        return self._idle >= self._still


def wait_for(
    what: str,
    happens: Callable[[], Result],
    *,
    moves: Callable[[], object],
    still: float = STILL,
    pause: float = 0.1,
) -> Result:
    """Poll ``happens`` until its result is true, and return that.

    ``moves`` returns another value whenever there is progress. Raises NothingMoves, which names ``what`` was awaited,
    after ``still`` seconds without.
    """
    patience, asked = Patience(still), 0.0
    while not (result := happens()):
        if time.monotonic() - asked > _ASK_EVERY:
            asked = time.monotonic()
            patience.observe(moves())
        if patience.over:
            raise NothingMoves(f"waited for {what}, and nothing has moved for {still:.0f} s")
        time.sleep(pause)
    return result
