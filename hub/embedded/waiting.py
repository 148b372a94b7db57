"""Waiting on a machine that others use too: as long as something moves. Slow is not broken; standing still is."""

import threading
import time
from collections.abc import Callable
from typing import Final, TypeVar

from hub.errors import HubError

STILL: Final = 60.0
"""seconds in which nothing has moved, after which nobody waits any longer"""
_LATE: Final = 5.0
"""seconds; a look that comes later than that says how busy the machine is, and no more than this against who works"""
_ASK_EVERY: Final = 1.0
"""seconds between two questions whether something has moved; they cost the others"""

Found = TypeVar("Found")


class NothingMoves(HubError):
    """What is waited for has not come nearer for a minute."""


class Patience:
    """For how long nothing has moved. Several threads may show what they see, each under a name of its own."""

    def __init__(self, still: float = STILL) -> None:
        self._still = still
        self._seen: dict[str, object] = {}
        self._looked = time.monotonic()
        self._idle = 0.0
        self._lock = threading.Lock()

    def see(self, state: object, name: str = "") -> None:
        """``state``: whatever is another value once something has moved."""
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
    happens: Callable[[], Found],
    *,
    moves: Callable[[], object],
    still: float = STILL,
    pause: float = 0.1,
) -> Found:
    """What ``happens`` gives as soon as that is true.

    ``moves`` gives another value whenever something has moved. Raises NothingMoves, which says ``what`` was waited for,
    after ``still`` seconds in which it gave the same.
    """
    patience, asked = Patience(still), 0.0
    while not (found := happens()):
        if time.monotonic() - asked > _ASK_EVERY:
            asked = time.monotonic()
            patience.see(moves())
        if patience.over:
            raise NothingMoves(f"waited for {what}, and nothing has moved for {still:.0f} s")
        time.sleep(pause)
    return found
