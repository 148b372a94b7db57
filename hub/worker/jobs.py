"""The periodic jobs, each idempotent and safe to run beside itself: hub.worker.app runs them at the ticks of beat."""

from collections.abc import Callable
from typing import Final

import structlog
from psycopg import Error
from psycopg_pool import PoolTimeout

from config.receipts import ReceiptSettings
from hub import clock, dispatch
from hub.app import Hub
from hub.clock import local
from hub.consignments import attention
from hub.errors import RetryLater
from hub.events import Event
from hub.fees.demands import demand_commands, demand_store
from hub.fees.ledger import checkpoints as ledger_checkpoints
from hub.fees.proof import proving
from hub.fees.receipts import issuing, store
from hub.signing import checkpoints, custody
from hub.signing.checkpoints import CheckpointSchedule
from hub.unit_of_work import UnitOfWork

log = structlog.get_logger(__name__)

PAGE: Final = 200
"""demands or receipts looked up at a time; each is done in a transaction of its own"""
ROUNDS: Final = 20
"""batches of leaves that one tick sequences at most"""


def expire_demands(hub: Hub) -> None:
    """Expire each demand that is due to, in a transaction of its own."""
    after = ""
    while True:
        with hub.db.connection() as conn:
            page = demand_store.expiring(conn, clock.now(), after=after, limit=PAGE)
        for demand_id in page:
            _expire_demand(hub, demand_id)
        if len(page) < PAGE:
            return
        after = page[-1]


def _expire_demand(hub: Hub, demand_id: str) -> None:
    def command(uow: UnitOfWork) -> tuple[None, list[Event]]:
        return None, demand_commands.expire(uow, demand_id)

    dispatch.run_command(hub, "hub", command)


def issue_receipts(hub: Hub) -> int:
    """Void lapsed receipts, issue missing ones, open an exception for what stays missing. Returns how many it changed.

    Idempotent and safe to run concurrently: every receipt is checked again under the locks of its demand.
    """
    config = hub.catalogue.receipts
    if config is None:
        return 0
    _apply_receipt_policy(hub, config)
    done = _each_receipt(hub, store.lapsed, issuing.lapse)
    done += _each_receipt(hub, store.demands_waiting, issuing.issue)
    dispatch.run_command(hub, issuing.BY_ITSELF, lambda uow: (issuing.report_missing(uow), []))
    return done


def apply_receipt_policy(hub: Hub) -> None:
    """Record from when on payments get receipts. At the start of a worker, so that none is paid before the first tick.

    Where the database is away, the first tick records it.
    """
    if hub.catalogue.receipts is None:
        return
    try:
        _apply_receipt_policy(hub, hub.catalogue.receipts)
    except (Error, PoolTimeout) as error:
        log.warning("receipts_begin_later", why=type(error).__name__)


def _apply_receipt_policy(hub: Hub, config: ReceiptSettings) -> None:
    dispatch.run_command(hub, issuing.BY_ITSELF, lambda uow: (None, store.keep(uow, config.issue_on)))


def _each_receipt(
    hub: Hub, page_of: Callable[..., list[str]], command: Callable[[UnitOfWork, str], list[Event]]
) -> int:
    after, done = "", 0
    while True:
        with hub.db.connection() as conn:
            page = page_of(conn, after=after, limit=PAGE)
        for one in page:
            try:
                dispatch.run_command(hub, issuing.BY_ITSELF, lambda uow, one=one: (None, command(uow, one)))  # type: ignore[misc]
            except RetryLater as error:
                # The seal cannot sign: no number was taken, and the next tick tries again.
                log.error("receipts_wait", code=error.code, reason=str(error))  # noqa: TRY400 - a reason, not a fault
                return done
            done += 1
        if len(page) < PAGE:
            return done
        after = page[-1]


def prove_ledger(hub: Hub) -> None:
    """Prove and anchor the ledger, once a day. Idempotent and safe to run concurrently."""
    now = clock.now()
    day = local(now).date()
    with hub.db.connection() as conn:
        if proving.was_proven_on(conn, day):
            return
        proof = proving.prove(conn)
        with conn.transaction():
            proving.record(conn, hub.calendar, proof, day)
    for result in proof.red:
        log.error("proof_red", invariant=result.invariant, check=result.name, offenders=result.count)
    try:
        with hub.db.transaction() as conn:
            ledger_checkpoints.keep(conn, hub.catalogue.signing.log, lambda: hub.signer.log_key(now), now)
    except RetryLater as error:
        log.error("book_not_anchored", code=error.code, reason=str(error))  # noqa: TRY400 - a reason, not a fault


def seal_log(hub: Hub) -> None:
    """Sequence the leaves and sign a checkpoint. Idempotent and safe to run concurrently."""
    for _ in range(ROUNDS):
        with hub.db.transaction() as conn:
            sequenced = custody.sequence(conn) if custody.try_lock(conn) else 0
        if sequenced < custody.BATCH:
            break
    now = clock.now()
    try:
        with hub.db.transaction() as conn:
            if not custody.try_lock(conn):
                return
            wakeups = checkpoints.issue_if_due(
                conn, hub.catalogue, lambda: hub.signer.log_key(now), checkpoint_schedule(hub), now
            )
    except RetryLater as error:
        # Without its key the log grows on and nothing is anchored: hub doctor and /health/ready say so.
        log.error("checkpoint_not_signed", code=error.code, reason=str(error))  # noqa: TRY400 - a reason, not a fault
        return
    hub.wake(wakeups)


def checkpoint_schedule(hub: Hub) -> CheckpointSchedule:
    """The settings that say when a checkpoint is due."""
    settings = hub.settings
    return CheckpointSchedule(
        every=settings.checkpoint_every,
        leaves=settings.checkpoint_leaves,
        again=settings.restamp_after,
        witness_every=settings.witness_every,
    )


def watch_consignments(hub: Hub) -> None:
    """Check every consignment that is under way, a page in a transaction."""
    after: str | None = ""
    while after is not None:
        with hub.db.transaction() as conn:
            after = attention.watch(conn, hub.catalogue, hub.calendar, clock.now(), after=after)
