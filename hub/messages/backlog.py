"""Backlog of the inbox: whether so much waits there that further messages are refused (docs/decisions/0028).

Counted is what is due and that no worker has taken, by the index inbox_due and at most once a second in each process:
what a message of the inbox costs must not grow with what waits. In between each process counts what it adds itself.
"""

import threading
import time
from dataclasses import dataclass
from typing import Final

from config.limits import BacklogLimits
from hub.db import Connection, one

LOOK_EVERY: Final = 1.0
"""seconds"""

_DUE: Final = """
SELECT count(*) AS depth, COALESCE(extract(epoch FROM clock_timestamp() - min(due_at)), 0)::float8 AS age FROM (
    SELECT due_at FROM inbox WHERE state IN ('received', 'waiting') AND due_at <= now() ORDER BY due_at LIMIT %s
) due
"""


@dataclass(frozen=True, slots=True)
class BacklogState:
    """What waited a moment ago: messages (``depth``, counted as far as ``messages`` of the limits) and seconds."""

    depth: int
    age: float
    """of the oldest: since it is due"""

    def __str__(self) -> str:
        return f"{self.depth} messages wait in the inbox, the oldest for {self.age / 60:.0f} min"

    def is_full(self, limits: BacklogLimits, *, new_work: bool) -> bool:
        """Whether a further message is refused. ``new_work``: it begins a dossier, and nothing waits for it yet."""
        if not new_work:
            return self.depth >= limits.messages
        return self.depth >= limits.submissions or self.age >= limits.seconds


def look(conn: Connection, limits: BacklogLimits) -> BacklogState:
    """Count what waits now."""
    row = one(conn, _DUE, (limits.messages,))
    return BacklogState(row["depth"], row["age"])


class Backlog:
    """The backlog as one process knows it. Used by all of its threads."""

    def __init__(self, limits: BacklogLimits) -> None:
        self._limits = limits
        self.state = BacklogState(0, 0.0)
        self._looked_at = float("-inf")
        self._lock = threading.Lock()

    def is_full(self, conn: Connection, *, new_work: bool) -> bool:
        """Whether a further message is refused, by a figure that is a second old at most."""
        with self._lock:
            is_stale = time.monotonic() >= self._looked_at + LOOK_EVERY
            if is_stale:
                self._looked_at = time.monotonic()  # one thread looks, the others do not wait for it
        if is_stale:
            self.state = look(conn, self._limits)
        return self.state.is_full(self._limits, new_work=new_work)

    def add(self) -> None:
        """Count a message that this process has stored."""
        with self._lock:
            self.state = BacklogState(self.state.depth + 1, self.state.age)
