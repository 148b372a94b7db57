"""The custody log's tick: leaves get their places, and a checkpoint is made when one is due."""

from typing import Final

import structlog

from hub import clock
from hub.app import Hub
from hub.errors import RetryLater
from hub.signing import checkpoints, custody
from hub.signing.checkpoints import Pace

ROUNDS: Final = 20
"""batches of leaves that one tick places at most"""

log = structlog.get_logger(__name__)


def tend(hub: Hub) -> None:
    """Safe to run anywhere and at any time: whoever comes second does nothing."""
    for _ in range(ROUNDS):
        with hub.db.transaction() as conn:
            placed = custody.sequence(conn) if custody.lengthen(conn) else 0
        if placed < custody.BATCH:
            break
    now = clock.now()
    try:
        with hub.db.transaction() as conn:
            if not custody.lengthen(conn):
                return
            wakeups = checkpoints.keep(conn, hub.catalogue, lambda: hub.signer.log_key(now), pace_of(hub), now)
    except RetryLater as error:
        # Without its key the log grows on and nothing is anchored: hub doctor and /health/ready say so.
        log.error("checkpoint_not_signed", code=error.code, reason=str(error))  # noqa: TRY400 - a reason, not a fault
        return
    hub.wake(wakeups)


def pace_of(hub: Hub) -> Pace:
    """When a checkpoint is due, by the settings."""
    settings = hub.settings
    return Pace(
        every=settings.checkpoint_every,
        leaves=settings.checkpoint_leaves,
        again=settings.restamp_after,
        witness_every=settings.witness_every,
    )
