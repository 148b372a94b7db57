"""Injects one fault after the other, and measures how long the hub takes to be as if nothing had happened."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import psycopg
from psycopg.rows import dict_row

from tests.faults.cluster import Cluster
from tests.faults.plan import PlannedFault
from tests.faults.registry import RegisteredFault

RECOVERED_WITHIN: Final = 90.0
"""seconds after which a fault counts as not recovered from"""
_LOOK: Final = 0.1

# What is committed now, and what of it is still under way. A person's work is not the hub's: stuck and dead have ended.
_MARK: Final = """
SELECT (SELECT coalesce(max(seq), 0) FROM inbox) AS inbox, (SELECT coalesce(max(seq), 0) FROM outbox) AS outbox
"""
_UNDER_WAY: Final = """
SELECT (SELECT count(*) FROM inbox WHERE seq <= %(inbox)s AND state = 'received')
     + (SELECT count(*) FROM outbox WHERE seq <= %(outbox)s AND state IN ('queued', 'sending', 'retrying', 'unknown'))
    AS n
"""


@dataclass(frozen=True, slots=True)
class FaultRecord:
    """One fault that was injected. ``recovery``: seconds from healing until all that was committed by then had ended
    or waited for a person; None: not within ``RECOVERED_WITHIN``."""

    planned: PlannedFault
    fault: RegisteredFault
    injected_at: datetime
    healed_at: datetime
    recovery: float | None


def strike(cluster: Cluster, fault: RegisteredFault, planned: PlannedFault) -> FaultRecord:
    """Inject, leave broken for its time, heal, wait for recovery."""
    random = Random(planned.seed)  # noqa: S311 - to be replayed
    injected_at = datetime.now(UTC)
    with fault.inject(cluster, random):
        time.sleep(fault.seconds)
    healed_at = datetime.now(UTC)
    return FaultRecord(planned, fault, injected_at, healed_at, _recovery(cluster))


def _recovery(cluster: Cluster) -> float | None:
    """Seconds from now until nothing that is committed now is under way any more."""
    healed = time.monotonic()
    mark: Mapping[str, Any] | None = None
    while (passed := time.monotonic() - healed) < RECOVERED_WITHIN:
        try:
            with psycopg.connect(
                cluster.postgres.url, autocommit=True, connect_timeout=2, row_factory=dict_row
            ) as looking:
                while (passed := time.monotonic() - healed) < RECOVERED_WITHIN:
                    mark = mark or looking.execute(_MARK).fetchone()
                    assert mark is not None
                    row = looking.execute(_UNDER_WAY, mark).fetchone()
                    if row is not None and row["n"] == 0:
                        return passed
                    time.sleep(_LOOK)
        except psycopg.OperationalError:
            time.sleep(_LOOK)  # It recovers still: that is part of what is measured.
    return None
