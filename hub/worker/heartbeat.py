"""A worker's sign of life in PostgreSQL, as long as its process lives."""

import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from psycopg import Error
from psycopg_pool import PoolTimeout

from hub.db import Connection, Database
from hub.messages import liveness

HEARTBEAT_EVERY: Final = 10.0
"""seconds"""

log = structlog.get_logger(__name__)


@contextmanager
def heartbeat(db: Database, name: str, queues: Collection[str], *, every: float = HEARTBEAT_EVERY) -> Iterator[None]:
    """While it is open, worker ``name`` says that it lives; at the end, that it was told to stop."""
    stopping = threading.Event()

    def run() -> None:
        while True:
            _say(db, lambda conn: liveness.beat_heart(conn, name, queues))
            if stopping.wait(every):
                return

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        _say(db, lambda conn: liveness.stop_heart(conn, name))


def _say(db: Database, what: Callable[[Connection], None]) -> None:
    try:
        with db.connection() as conn:
            what(conn)
    except (Error, PoolTimeout) as error:
        log.warning("heartbeat_missed", error=type(error).__name__)
