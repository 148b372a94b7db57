"""The processes of the workers: a worker on some or all queues with its heartbeat, and beat.

Beat is not Celery's: that one reckons by the wall clock, so that one step of that clock mutes it until the old hour
comes again, and it publishes by the exchange's table in Valkey, without which (FLUSHALL, an eviction) its ticks are
dropped silently. Here a tick is published like a wake-up: to a declared queue, and confirmed.
"""

import signal
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import gethostname
from typing import Final, NoReturn

import structlog
from psycopg import Error
from psycopg_pool import PoolTimeout

from hub import broker
from hub.app import Hub
from hub.db import Connection, Database
from hub.messages import liveness
from hub.messages.model import Wakeup
from hub.worker import app
from hub.worker.jobs import issue_receipts

HEARTBEAT_EVERY: Final = 10.0
"""seconds"""
BROKER_PAUSE: Final = 1.0
"""seconds between attempts while the broker is away"""

log = structlog.get_logger(__name__)


def worker(hub: Hub, *, queues: Sequence[str], threads: int, name: str) -> NoReturn:
    """Consume ``queues`` (none: all) with ``threads`` threads until SIGTERM. Flower shows it as ``name``.

    Ends the process with Celery's exit code, which is not 0 if the worker could not go on.
    """
    app.close_remote_control()
    with hub:
        issue_receipts.apply_policy(hub)
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


def beat(hub: Hub, *, touched: Path) -> None:
    """Publish the ticks until SIGTERM; ``touched`` is touched whenever the broker has confirmed some."""
    publisher = broker.Publisher(broker.application(hub.settings, hub.catalogue), hub.settings)

    def publish(names: list[str]) -> None:
        for _ in publisher.publish([Wakeup(broker.TICKS, name) for name in names]):
            pass
        touched.touch()

    stopping = threading.Event()
    for signal_number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(signal_number, lambda *_: stopping.set())
    publish_ticks(app.ticks(hub.settings), publish, stopping)
    publisher.close()


def publish_ticks(
    ticks: Mapping[str, float],
    publish: Callable[[list[str]], None],
    stopping: threading.Event,
    now: Callable[[], float] = time.monotonic,
) -> None:
    """Publish every tick of ``ticks`` (name → seconds between two) at once, and then periodically, until ``stopping``.

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
            stopping.wait(BROKER_PAUSE)
            continue
        due |= {name: now() + ticks[name] for name in ready}
        stopping.wait(max(0.0, min(due.values()) - now()))


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
