"""Job of the ledger: prove and anchor it once a night. What is red opens exceptions, which block every close."""

import structlog

from hub import clock
from hub.app import Hub
from hub.clock import local
from hub.errors import RetryLater
from hub.fees.ledger import checkpoints
from hub.fees.proof import proving

log = structlog.get_logger(__name__)


def prove(hub: Hub) -> None:
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
            checkpoints.keep(conn, hub.catalogue.signing.log, lambda: hub.signer.log_key(now), now)
    except RetryLater as error:
        log.error("book_not_anchored", code=error.code, reason=str(error))  # noqa: TRY400 - a reason, not a fault
