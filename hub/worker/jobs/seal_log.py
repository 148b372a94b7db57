"""Job of the custody log: sequence new leaves, and sign a checkpoint when one is due."""

from typing import Final

import structlog

from hub import clock
from hub.app import Hub
from hub.errors import RetryLater
from hub.signing import checkpoints, custody
from hub.signing.checkpoints import CheckpointSchedule

ROUNDS: Final = 20
"""batches of leaves that one tick sequences at most"""

log = structlog.get_logger(__name__)


def seal(hub: Hub) -> None:
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
            wakeups = checkpoints.issue_if_due(conn, hub.catalogue, lambda: hub.signer.log_key(now), pace_of(hub), now)
    except RetryLater as error:
        # Without its key the log grows on and nothing is anchored: hub doctor and /health/ready say so.
        log.error("checkpoint_not_signed", code=error.code, reason=str(error))  # noqa: TRY400 - a reason, not a fault
        return
    hub.wake(wakeups)


def pace_of(hub: Hub) -> CheckpointSchedule:
    """The settings that say when a checkpoint is due."""
    settings = hub.settings
    return CheckpointSchedule(
        every=settings.checkpoint_every,
        leaves=settings.checkpoint_leaves,
        again=settings.restamp_after,
        witness_every=settings.witness_every,
    )
