"""The Celery application of the workers: a few tasks, each one call into the hub; and how often each tick comes."""

from collections.abc import Callable, Collection
from typing import Final

import structlog
from celery import Celery

from config.settings import Settings
from hub import broker, delivery, dispatch, polling
from hub.app import Hub
from hub.messages import liveness, outbox
from hub.worker import drain
from hub.worker.consumer import HubConsumer
from hub.worker.jobs import expire_demands, issue_receipts, prove_ledger, seal_log, watch_consignments
from hub.worker.task import HubTask

SWEEP: Final = "ticks.sweep"
POLL: Final = "ticks.poll"
RETENTION: Final = "ticks.retention"
CUSTODY: Final = "ticks.custody"
POSTS: Final = "ticks.posts"
PROVE: Final = "ticks.prove"
FEES: Final = "ticks.fees"
POSTS_EVERY: Final = 300.0
FEES_EVERY: Final = 300.0
RETENTION_EVERY: Final = 6 * 3600.0
"""seconds"""

log = structlog.get_logger(__name__)


def create(hub: Hub, queues: Collection[str] = ()) -> Celery:
    """The application for ``hub``, for a worker that consumes ``queues``; its process opens the hub before."""
    app = broker.application(hub.settings, hub.catalogue)
    app.conf.worker_consumer = HubConsumer
    for name, verb in _tasks(hub, queues).items():
        app.task(verb, name=name, base=HubTask)
    return app


def ticks(settings: Settings) -> dict[str, float]:
    """Every tick → seconds between two of it."""
    return {
        SWEEP: settings.sweep_every,
        POLL: settings.poll_every,
        RETENTION: RETENTION_EVERY,
        CUSTODY: settings.custody_every,
        POSTS: POSTS_EVERY,
        FEES: FEES_EVERY,
        PROVE: prove_ledger.EVERY,
    }


def _tasks(hub: Hub, queues: Collection[str]) -> dict[str, Callable[..., None]]:
    def handle(message_id: str) -> None:
        drain.run(hub, dispatch.handle, message_id, queues)

    def deliver(transfer_id: str) -> None:
        drain.run(hub, delivery.deliver, transfer_id, queues)

    def poll() -> None:
        polling.poll(hub)

    def retention() -> None:
        with hub.db.connection() as conn:
            dropped = outbox.rotate_exchanges(conn)
        log.info("evidence_rotated", dropped=dropped)

    def custody() -> None:
        seal_log.tend(hub)

    def posts() -> None:
        watch_consignments.watch(hub)

    def fees() -> None:
        expire_demands.close(hub)
        issue_receipts.follow(hub)

    def prove() -> None:
        prove_ledger.prove(hub)

    uow = {
        SWEEP: hub.sweep,
        POLL: poll,
        RETENTION: retention,
        CUSTODY: custody,
        POSTS: posts,
        FEES: fees,
        PROVE: prove,
    }
    every = ticks(hub.settings)
    return {
        broker.HANDLE: handle,
        broker.DELIVER: deliver,
        **{name: _tick(hub, name, every[name], verb) for name, verb in uow.items()},
    }


def _tick(hub: Hub, name: str, every: float, verb: Callable[[], None]) -> Callable[[], None]:
    """``verb``, unless one began a moment ago; that it came to its end is written down."""

    def tick() -> None:
        with hub.db.connection() as conn:
            if not liveness.claim_tick(conn, name, every):
                return
        verb()
        with hub.db.connection() as conn:
            liveness.finish_tick(conn, name)

    return tick
