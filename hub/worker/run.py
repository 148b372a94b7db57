"""The process of a worker: it consumes some or all queues, with a heartbeat in the database."""

import sys
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from socket import gethostname
from typing import Final, NoReturn

import structlog
from psycopg import Error
from psycopg_pool import PoolTimeout

from hub import broker
from hub.app import Hub
from hub.db import Connection, Database
from hub.messages import liveness
from hub.worker import app, jobs

HEARTBEAT_EVERY: Final = 10.0
"""seconds"""

log = structlog.get_logger(__name__)


def worker(hub: Hub, *, queues: Sequence[str], threads: int, name: str) -> NoReturn:
    """Consume ``queues`` (none: all) with ``threads`` threads until SIGTERM. Flower shows it as ``name``.

    Ends the process with Celery's exit code, which is not 0 if the worker could not go on.
    """
    app.close_remote_control()
    with hub:
        jobs.apply_receipt_policy(hub)
        consumed = list(queues) or broker.queue_names(hub.catalogue)
        celery = app.create(hub, consumed)
        # Not app.worker_main: Celery's command line loads its prompt and Flower's command, 12 MiB that stay.
        process = celery.Worker(
            hostname=f"{name}@{gethostname()}",
            pool="threads",
            concurrency=threads,
            queues=consumed,
            loglevel=hub.settings.log_level,
            quiet=True,
            without_gossip=True,
            without_mingle=True,
        )
        with heartbeat(hub.db, process.hostname, consumed):
            process.start()
    sys.exit(process.exitcode)


@contextmanager
def heartbeat(db: Database, name: str, queues: Collection[str], *, every: float = HEARTBEAT_EVERY) -> Iterator[None]:
    """While open, record every ``every`` seconds that worker ``name`` lives; at the end, that it was told to stop."""
    stopping = threading.Event()

    def run() -> None:
        while True:
            _record(db, lambda conn: liveness.record_heartbeat(conn, name, queues))
            if stopping.wait(every):
                return

    thread = threading.Thread(target=run, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
        _record(db, lambda conn: liveness.record_stop(conn, name))


def _record(db: Database, statement: Callable[[Connection], None]) -> None:
    try:
        with db.connection() as conn:
            statement(conn)
    except (Error, PoolTimeout) as error:
        log.warning("heartbeat_missed", error=type(error).__name__)
