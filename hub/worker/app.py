"""The Celery application of the workers and of beat: a few tasks, each one call into the house."""

from collections.abc import Callable, Collection
from typing import Any, Final

import structlog
from celery import Celery

from hub import broker, clock, dispatch, polling
from hub.messages import due, evidence
from hub.wiring import Hub
from hub.worker import cashier, custodian, errands, postmaster, prover, registrar
from hub.worker.consumer import HouseConsumer
from hub.worker.task import HouseTask

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
    app.conf.worker_consumer = HouseConsumer
    for name, verb in _tasks(hub, queues).items():
        app.task(verb, name=name, base=HouseTask)
    app.conf.beat_schedule = {
        "sweep": _every(hub.settings.sweep_every, SWEEP),
        "poll": _every(hub.settings.poll_every, POLL),
        "retention": _every(RETENTION_EVERY, RETENTION),
        "custody": _every(hub.settings.custody_every, CUSTODY),
        "posts": _every(POSTS_EVERY, POSTS),
        "fees": _every(FEES_EVERY, FEES),
        "prove": _every(prover.EVERY, PROVE),
    }
    return app


def _tasks(hub: Hub, queues: Collection[str]) -> dict[str, Callable[..., None]]:
    def handle(message_id: str) -> None:
        errands.run(hub, dispatch.handle, message_id, queues)

    def deliver(transfer_id: str) -> None:
        errands.run(hub, dispatch.deliver, transfer_id, queues)

    def sweep() -> None:
        with hub.db.connection() as conn:
            nudges = due.due(conn, hub.queues, renudge=hub.settings.renudge_after)
        hub.nudge(nudges)

    def poll() -> None:
        polling.poll(hub)

    def retention() -> None:
        with hub.db.connection() as conn:
            dropped = evidence.rotate(conn, clock.now().date(), days=hub.settings.evidence_days)
        log.info("evidence_rotated", dropped=dropped)

    def custody() -> None:
        custodian.tend(hub)

    def posts() -> None:
        postmaster.watch(hub)

    def fees() -> None:
        cashier.close(hub)
        registrar.follow(hub)

    def prove() -> None:
        prover.prove(hub)

    return {
        broker.HANDLE: handle,
        broker.DELIVER: deliver,
        SWEEP: sweep,
        POLL: poll,
        RETENTION: retention,
        CUSTODY: custody,
        POSTS: posts,
        FEES: fees,
        PROVE: prove,
    }


def _every(seconds: float, task: str) -> dict[str, Any]:
    # A tick that nobody took before the next one is due is stale: ticks must not pile up behind a slow worker.
    return {"task": task, "schedule": seconds, "options": {"queue": broker.TICKS, "expires": max(seconds, 1.0)}}
