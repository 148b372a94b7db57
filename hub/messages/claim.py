"""Claims of transfers: the first of its ordering key, under a lease, as far as its counterparty has capacity.

The counterparty's row is locked first, so that counting what is in flight and claiming one more is one step. The lock
is FOR NO KEY UPDATE, because every new transfer refers to the row's key and would wait for a stronger one. A transfer
for which there is no capacity is marked ``waiting_for_capacity``; the next transfer that ends at this counterparty
wakes it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from psycopg.rows import class_row

from hub.db import Connection, one
from hub.errors import NotFound
from hub.messages import suspects
from hub.messages.model import Transfer, Wakeup
from schemas.identifiers import Prefix, new_id


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one counterparty, from the catalogue and the settings."""

    counterparty: str
    queue: str
    max_in_flight: int
    lease: float
    """seconds"""
    breaker_threshold: int
    """failures in a row"""
    breaker_pause: float
    """seconds"""


FIRST_IN_ORDER: Final = """NOT EXISTS (SELECT 1 FROM outbox earlier WHERE earlier.counterparty = o.counterparty
    AND earlier.ordering_key = o.ordering_key AND earlier.seq < o.seq AND earlier.settled_at IS NULL)"""

_LOCK: Final = """
SELECT c.code AS counterparty, c.failures,
    c.paused_at IS NULL AND (c.breaker_open_until IS NULL OR c.breaker_open_until <= clock_timestamp()) AS is_open,
    EXISTS (SELECT 1 FROM outbox WHERE id = %(id)s AND unsettled_claims = 1) AS is_suspect
FROM counterparty c WHERE c.code = (SELECT counterparty FROM outbox WHERE id = %(id)s) FOR NO KEY UPDATE
"""

_IN_FLIGHT: Final = """(SELECT count(*) FROM outbox f
    WHERE f.counterparty = %(counterparty)s AND f.state = 'sending' AND f.due_at > clock_timestamp())"""

# 1. The transfer, if it is due, first of its ordering key, and there is capacity; locked.
# 2. An attempt that its process left open (the lease has run out) ends as unknown.
# 3. The claim; its number is the claim version, by which a late settle of an earlier claim is recognised.
# 4. A new attempt.
_CLAIM: Final = (
    """
WITH first AS (
    SELECT o.id, o.state FROM outbox o
    WHERE o.id = %(id)s AND o.state = ANY(%(states)s) AND (%(by_person)s OR o.due_at <= clock_timestamp()) AND """
    + FIRST_IN_ORDER
    + " AND (%(by_person)s OR %(capacity)s > "
    + _IN_FLIGHT
    + """)
    FOR UPDATE OF o
), abandoned AS (
    UPDATE attempt SET finished_at = clock_timestamp(), outcome = 'timeout_unknown', code = 'LEASE_EXPIRED'
    FROM first WHERE attempt.transfer_id = first.id AND first.state = 'sending' AND attempt.finished_at IS NULL
), claimed AS (
    UPDATE outbox SET state = 'sending', attempts = attempts + 1, backoff_attempts = backoff_attempts + 1,
        wakeup_sent_at = NULL,
        waiting_for_capacity = false, unsettled_claims = unsettled_claims + 1,
        -- Asking first may take a second call.
        due_at = clock_timestamp() + make_interval(secs => %(lease)s)
            * CASE WHEN %(by_person)s OR first.state IN ('sending', 'unknown') THEN 2 ELSE 1 END
    FROM first WHERE outbox.id = first.id
    RETURNING outbox.id, kind, counterparty, key, subject, body, created_at, attempts AS claim_version,
        backoff_attempts,
        unsettled_claims - 1 AS crashes, %(by_person)s OR first.state IN ('sending', 'unknown') AS ask_first
), opened AS (
    INSERT INTO attempt (id, transfer_id, number, queried_first)
    SELECT %(attempt)s, id, claim_version, ask_first FROM claimed
)
SELECT id, kind, counterparty, key, subject, body, created_at, claim_version, backoff_attempts, crashes, ask_first,
    %(attempt)s AS attempt_id
FROM claimed
"""
)

_DUE_STATES: Final = ["queued", "retrying", "unknown", "sending"]
_STATES_TO_ASK: Final = ["queued", "retrying", "unknown", "stuck", "parked"]

_WAIT_FOR_CAPACITY: Final = """
WITH waiting AS (
    UPDATE outbox SET waiting_for_capacity = true, wakeup_sent_at = NULL
    WHERE id = %s AND state IN ('queued', 'retrying', 'unknown', 'sending') AND due_at <= clock_timestamp()
    RETURNING counterparty
)
UPDATE counterparty SET waiting_for_capacity = true FROM waiting
WHERE code = waiting.counterparty AND NOT counterparty.waiting_for_capacity
"""

_WAIT_FOR_ORDER: Final = (
    """
WITH waiting AS (
    UPDATE outbox o SET waiting_for_capacity = true
    WHERE o.id = ANY(%s) AND o.state IN ('queued', 'retrying', 'unknown') AND NOT ("""
    + FIRST_IN_ORDER
    + """) RETURNING o.id, o.counterparty
), marked AS (
    UPDATE counterparty SET waiting_for_capacity = true FROM waiting
    WHERE code = waiting.counterparty AND NOT counterparty.waiting_for_capacity
)
SELECT id FROM waiting
"""
)

_WAKE: Final = (
    """
WITH next AS (
    SELECT o.id FROM outbox o
    WHERE o.counterparty = %(counterparty)s AND o.waiting_for_capacity AND o.due_at <= clock_timestamp() AND """
    + FIRST_IN_ORDER
    + " ORDER BY o.deadline, o.seq LIMIT GREATEST(0, %(capacity)s - "
    + _IN_FLIGHT
    + """) FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET waiting_for_capacity = false FROM next WHERE outbox.id = next.id RETURNING outbox.id
"""
)

# The row is updated at most once a second while all is well: at a busy counterparty each update is a dead tuple.
_LOCK_AFTER_ANSWER: Final = """
SELECT c.waiting_for_capacity AS has_waiting,
    c.failures > 0 OR c.breaker_open_until IS NOT NULL OR c.last_success_at IS NULL
    OR c.last_success_at < now() - interval '1 second' AS changes
FROM counterparty c WHERE c.code = %s FOR NO KEY UPDATE
"""

_FAILED: Final = """
UPDATE counterparty SET failures = failures + 1, breaker_open_until = GREATEST(breaker_open_until,
    CASE WHEN failures + 1 >= %(threshold)s
        THEN now() + make_interval(secs => %(pause)s * LEAST(20, power(2, failures + 1 - %(threshold)s))) END,
    CASE WHEN %(retry_after)s::float8 IS NOT NULL THEN now() + make_interval(secs => %(retry_after)s) END)
WHERE code = %(counterparty)s
RETURNING waiting_for_capacity AND paused_at IS NULL AND breaker_open_until IS NULL AS wake
"""


@dataclass(frozen=True, slots=True)
class CounterpartyState:
    """A counterparty's row, locked until the transaction ends."""

    counterparty: str
    failures: int
    """in a row"""
    is_open: bool
    """neither paused by a person nor by its circuit breaker"""
    is_suspect: bool
    """whether the transfer to be claimed had one claim whose process died"""

    def capacity(self, limits: Limits) -> int:
        """How many of its transfers may be in flight at once: one probe until its breaker has closed again."""
        if not self.is_open:
            return 0
        return 1 if self.failures >= limits.breaker_threshold else limits.max_in_flight


def enrol(conn: Connection, counterparties: Iterable[str]) -> None:
    """Insert missing rows. A counterparty that left the catalogue keeps its row, to which its transfers refer."""
    conn.execute(
        "INSERT INTO counterparty (code) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING", (sorted(counterparties),)
    )


def lock_counterparty(conn: Connection, transfer_id: str) -> CounterpartyState:
    """Lock the counterparty of this transfer until the transaction ends. Raises NotFound."""
    # A statement of its own: only the next one's snapshot sees what was committed while we waited for the lock.
    with conn.cursor(row_factory=class_row(CounterpartyState)) as cursor:
        counterparty = cursor.execute(_LOCK, {"id": transfer_id}).fetchone()
    if counterparty is None:
        raise NotFound(f"no transfer has the id {transfer_id}")
    return counterparty


def claim(conn: Connection, transfer_id: str, counterparty: CounterpartyState, limits: Limits) -> Transfer | None:
    """Claim the transfer if it is due, first of its ordering key, and its counterparty has capacity. None otherwise.

    ``counterparty`` must be locked (``lock_counterparty``) in the same transaction.

    1. A suspect (a claim of it crashed) runs only while no other suspect does; the sweep brings it back.
    2. Claim it, with as many in flight as the breaker lets through.
    3. Where that fails, it waits for capacity and is woken by the next transfer that ends there.
    """
    # 1.
    if counterparty.is_suspect and not suspects.may_run(conn):
        conn.execute("UPDATE outbox SET wakeup_sent_at = NULL WHERE id = %s", (transfer_id,))
        return None
    # 2.
    capacity = counterparty.capacity(limits)
    transfer = _claim(conn, transfer_id, limits, _DUE_STATES, capacity=capacity, by_person=False) if capacity else None
    # 3.
    if transfer is None:
        conn.execute(_WAIT_FOR_CAPACITY, (transfer_id,))
    return transfer


def claim_to_ask(conn: Connection, transfer_id: str, limits: Limits) -> Transfer | None:
    """Claim a transfer about which a person asks, due or not; None if there is nothing to ask."""
    return _claim(conn, transfer_id, limits, _STATES_TO_ASK, capacity=0, by_person=True)


def _claim(
    conn: Connection, transfer_id: str, limits: Limits, states: list[str], *, capacity: int, by_person: bool
) -> Transfer | None:
    with conn.cursor(row_factory=class_row(Transfer)) as cursor:
        return cursor.execute(
            _CLAIM,
            {
                "id": transfer_id,
                "counterparty": limits.counterparty,
                "states": states,
                "capacity": capacity,
                "by_person": by_person,
                "lease": limits.lease,
                "attempt": new_id(Prefix.ATTEMPT),
            },
        ).fetchone()


def wait_for_order(conn: Connection, transfer_ids: list[str]) -> set[str]:
    """Mark those that are not first of their ordering keys as waiting. Returns the ids of the others."""
    if not transfer_ids:
        return set()
    with conn.transaction():
        # The same lock as a claim's: what ends meanwhile either waits for us, or is seen by the next statement.
        conn.execute(
            "SELECT code FROM counterparty WHERE code IN (SELECT counterparty FROM outbox WHERE id = ANY(%s))"
            " ORDER BY code FOR NO KEY UPDATE",
            (transfer_ids,),
        )
        waiting = conn.execute(_WAIT_FOR_ORDER, (transfer_ids,)).fetchall()
    return set(transfer_ids) - {row["id"] for row in waiting}


def succeeded(conn: Connection, limits: Limits) -> list[Wakeup]:
    """Record an answer of the counterparty: its breaker is closed. Returns the wake-ups of what waits for capacity."""
    row = one(conn, _LOCK_AFTER_ANSWER, (limits.counterparty,))
    if row["changes"]:
        conn.execute(
            "UPDATE counterparty SET failures = 0, breaker_open_until = NULL, last_success_at = now() WHERE code = %s",
            (limits.counterparty,),
        )
    return wake(conn, limits) if row["has_waiting"] else []


def failed(conn: Connection, limits: Limits, retry_after: float | None) -> list[Wakeup]:
    """Record a failure: its breaker opens at the threshold, or for ``retry_after`` seconds. Returns the wake-ups."""
    row = one(
        conn,
        _FAILED,
        {
            "threshold": limits.breaker_threshold,
            "pause": limits.breaker_pause,
            "retry_after": retry_after,
            "counterparty": limits.counterparty,
        },
    )
    return wake(conn, limits) if row["wake"] else []


def wake(conn: Connection, limits: Limits) -> list[Wakeup]:
    """Wake what waits for capacity, as far as there is some now, the most urgent first."""
    woken = conn.execute(_WAKE, {"counterparty": limits.counterparty, "capacity": limits.max_in_flight}).fetchall()
    if not woken:
        conn.execute(
            "UPDATE counterparty SET waiting_for_capacity = EXISTS (SELECT 1 FROM outbox WHERE counterparty = code"
            " AND outbox.waiting_for_capacity) WHERE code = %s",
            (limits.counterparty,),
        )
    return [Wakeup(limits.queue, row["id"]) for row in woken]
