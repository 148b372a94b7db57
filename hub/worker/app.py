"""The Celery application of the workers, and the process of one: each task is one call into the hub, with ids of ours.

A worker goes on by itself with what its own commits have made due in the queues that it consumes: the broker would
bring it the same rows at more cost than the rows themselves. They are claimed in order and within their counterparty's
capacity, as if the broker had brought them. Its process consumes some or all queues, with a heartbeat in the database.
"""

import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from socket import gethostname
from typing import Any, Final, NoReturn

import structlog
from celery import Celery, Task
from celery.worker.consumer import Consumer
from celery.worker.control import Panel
from psycopg import Error
from psycopg_pool import PoolTimeout

from hub import broker, delivery, dispatch, polling
from hub.app import Hub
from hub.db import Connection, Database
from hub.messages import inbox, liveness, outbox
from hub.messages.model import BATCH
from hub.worker import beat, jobs
from schemas.identifiers import is_id

DRAIN_ROUNDS: Final = 8
"""batches in one task; then others have their turn"""
DRAIN_SECONDS: Final = 1.0
"""after which no task goes on: a worker that is told to stop waits for the tasks under way"""
HEARTBEAT_EVERY: Final = 10.0
"""seconds"""
ALLOWED_CONTROL: Final = frozenset({"enable_events", "disable_events", "heartbeat", "election"})
"""remote commands that start and stop the sending of events, and nothing else"""

log = structlog.get_logger(__name__)


class TaskFailed(Exception):
    """A task ended with an exception; its class is named, its text is in the log of the worker that had it."""


class HubTask(Task):  # type: ignore[misc] # Celery is untyped
    """Base of all tasks: its arguments are at most BATCH of our ids.

    Celery puts arguments, exception texts and tracebacks into its events (retries drop ``argsrepr``), so nothing but
    our own ids and the names of exception classes may get there: no text that could carry personal data.
    """

    abstract = True
    ignore_result = True

    def __call__(self, *arguments: Any, **named: Any) -> None:
        if named or len(arguments) > BATCH or not all(isinstance(a, str) and is_id(a) for a in arguments):
            log.error("task_arguments_refused", task=self.name)
            raise TaskFailed("arguments refused: a task takes ids of ours")
        try:
            self.run(*arguments)
        except Exception as error:
            log.exception("task_failed", task=self.name, error=type(error).__name__)
            raise TaskFailed(type(error).__name__) from None


class HubConsumer(Consumer):  # type: ignore[misc] # Celery is untyped
    """Celery's consumer without native delayed delivery.

    Beside quorum queues Celery declares 28 more of them (celery_delayed_0 to 27) for ETAs and countdowns. Ours wait in
    PostgreSQL, so a worker of ours need not declare them, nor have the right to.
    """

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc] # Celery is untyped
        default_steps = tuple(
            step for step in Consumer.Blueprint.default_steps if not step.endswith(":DelayedDelivery")
        )


def close_remote_control() -> None:
    """Remove the remote commands that change a worker; the queries that Flower makes stay.

    Whoever holds a broker password that may publish to the workers' pidbox could otherwise stop or starve them.
    """
    for command in Panel.meta.copy():
        if Panel.meta[command].type == "control" and command not in ALLOWED_CONTROL:
            del Panel.data[command], Panel.meta[command]


def create(hub: Hub, queues: Collection[str] = ()) -> Celery:
    """The application for a worker that consumes ``queues``; its process must have opened ``hub``."""
    app = broker.application(hub.settings, broker.queue_names(hub.catalogue))
    app.conf.worker_consumer = HubConsumer
    for name, function in _tasks(hub, queues).items():
        app.task(function, name=name, base=HubTask)
    return app


def drain(
    hub: Hub,
    run: Callable[..., None],
    row_ids: Collection[str],
    queues: Collection[str],
    *,
    rounds: int = DRAIN_ROUNDS,
) -> None:
    """Run ``run`` for these rows, then go on with what has become due in ``queues``; the rest goes to the broker."""
    until = time.monotonic() + DRAIN_SECONDS
    with hub.prompt_queue(queues) as prompt_queue:
        run(hub, *row_ids)
        for _ in range(rounds - 1):
            if time.monotonic() > until or not (wakeups := prompt_queue.take()):
                return
            run_next = dispatch.handle if wakeups[0].queue == inbox.QUEUE else delivery.deliver
            run_next(hub, *(wakeup.id for wakeup in wakeups))


def _tasks(hub: Hub, queues: Collection[str]) -> dict[str, Callable[..., None]]:
    """Name → function of every task."""

    def handle(*message_ids: str) -> None:
        drain(hub, dispatch.handle, message_ids, queues)

    def deliver(*transfer_ids: str) -> None:
        drain(hub, delivery.deliver, transfer_ids, queues)

    def retention() -> None:
        with hub.db.connection() as conn:
            dropped = outbox.rotate_exchanges(conn)
        log.info("evidence_rotated", dropped=dropped)

    def fees() -> None:
        jobs.expire_demands(hub)
        jobs.issue_receipts(hub)

    by_tick: dict[str, Callable[[], object]] = {
        liveness.SWEEP: hub.sweep,
        beat.POLL: lambda: polling.poll(hub),
        beat.RETENTION: retention,
        beat.SEAL_LOG: lambda: jobs.seal_log(hub),
        beat.WATCH_CONSIGNMENTS: lambda: jobs.watch_consignments(hub),
        beat.FEES: fees,
        beat.PROVE_LEDGER: lambda: jobs.prove_ledger(hub),
    }
    every = beat.ticks(hub.settings)
    return {
        broker.HANDLE: handle,
        broker.DELIVER: deliver,
        **{name: _tick(hub, name, every[name], job) for name, job in by_tick.items()},
    }


def _tick(hub: Hub, name: str, every: float, job: Callable[[], object]) -> Callable[[], None]:
    """A task that runs ``job``, unless one began less than half of ``every`` ago, and records its end."""

    def tick() -> None:
        with hub.db.connection() as conn:
            if not liveness.claim_tick(conn, name, every):
                return
        job()
        with hub.db.connection() as conn:
            liveness.finish_tick(conn, name)

    return tick


def run_worker(hub: Hub, *, queues: Sequence[str], threads: int, name: str) -> NoReturn:
    """Consume ``queues`` (none: all) with ``threads`` threads until SIGTERM. Flower shows it as ``name``.

    Ends the process with Celery's exit code, which is not 0 if the worker could not go on.
    """
    close_remote_control()
    with hub:
        jobs.apply_receipt_policy(hub)
        consumed = list(queues) or broker.queue_names(hub.catalogue)
        celery = create(hub, consumed)
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
