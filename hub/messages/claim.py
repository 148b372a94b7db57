"""Claims of transfers: the first of each ordering key, under a lease, as far as their counterparties have capacity.

A batch is claimed in one statement. The counterparties' rows are locked first, so that counting what is in flight and
claiming more is one step. The lock is FOR NO KEY UPDATE, because every new transfer refers to the row's key and would
wait for a stronger one; it is held for a claim and never while a commit waits for the disk, unless the claim itself has
to. A transfer for which there is no capacity is marked ``waiting_for_capacity``; the next transfer that ends at this
counterparty wakes it.
"""

from collections.abc import Callable, Iterable, Sequence
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


MOST_IN_FLIGHT: Final = 64
"""that the catalogue allows any counterparty"""

# A minimum by the index outbox_ordering, row by row. PostgreSQL may turn a NOT EXISTS into a join of all that waits and
# all that waits: 17 ms for 200 rows of a table that it has no statistics of, and the square of that for more.
FIRST_IN_ORDER: Final = """o.seq = (SELECT min(unsettled.seq) FROM outbox unsettled
    WHERE unsettled.counterparty = o.counterparty AND unsettled.ordering_key = o.ordering_key
    AND unsettled.settled_at IS NULL)"""

_LOCK: Final = """
SELECT c.code AS counterparty, c.failures,
    c.paused_at IS NULL AND (c.breaker_open_until IS NULL OR c.breaker_open_until <= clock_timestamp()) AS is_open,
    ARRAY(SELECT id FROM outbox WHERE id = ANY(%(ids)s) AND counterparty = c.code AND unsettled_claims = 1) AS suspects
FROM counterparty c WHERE c.code IN (SELECT counterparty FROM outbox WHERE id = ANY(%(ids)s))
ORDER BY c.code FOR NO KEY UPDATE
"""

_IN_FLIGHT: Final = """(SELECT count(*) FROM outbox f
    WHERE f.counterparty = {counterparty} AND f.state = 'sending' AND f.due_at > clock_timestamp())"""

# 1. Of each counterparty as many as it has capacity for: due, first of their ordering keys, the most urgent; locked.
# 2. An attempt that its process left open (the lease has run out) ends as unknown.
# 3. The claims; their number is the claim version, by which a late settle of an earlier claim is recognised.
# 4. A new attempt of each.
_CLAIM: Final = (
    """
WITH first AS (
    SELECT next.id, next.state, party.lease
    FROM unnest(%(counterparties)s::text[], %(capacities)s::int[], %(leases)s::float8[])
        AS party (code, capacity, lease)
    CROSS JOIN LATERAL (
        SELECT o.id, o.state FROM outbox o
        WHERE o.id = ANY(%(ids)s) AND o.counterparty = party.code AND o.state = ANY(%(states)s)
          AND (%(by_person)s OR o.due_at <= clock_timestamp() AND (o.unsettled_claims = 1) = %(suspect)s)
          AND """
    + FIRST_IN_ORDER
    + """
        ORDER BY o.deadline, o.seq
        LIMIT GREATEST(0, party.capacity - CASE WHEN %(by_person)s THEN 0 ELSE """
    + _IN_FLIGHT.format(counterparty="party.code")
    + """ END)
        FOR UPDATE OF o
    ) next
), abandoned AS (
    UPDATE attempt SET finished_at = clock_timestamp(), outcome = 'timeout_unknown', code = 'LEASE_EXPIRED'
    FROM first WHERE attempt.transfer_id = first.id AND first.state = 'sending' AND attempt.finished_at IS NULL
), claimed AS (
    UPDATE outbox SET state = 'sending', attempts = attempts + 1, backoff_attempts = backoff_attempts + 1,
        wakeup_sent_at = NULL,
        waiting_for_capacity = false, unsettled_claims = unsettled_claims + 1,
        -- Asking first may take a second call.
        due_at = clock_timestamp() + make_interval(secs => first.lease)
            * CASE WHEN %(by_person)s OR first.state IN ('sending', 'unknown') THEN 2 ELSE 1 END
    FROM first WHERE outbox.id = first.id
    RETURNING outbox.id, kind, counterparty, key, subject, body, created_at, attempts AS claim_version,
        backoff_attempts,
        CASE WHEN first.state IN ('stuck', 'parked') THEN first.state
            WHEN review_at IS NOT NULL THEN 'parked' END AS held,
        unsettled_claims - 1 AS crashes, %(by_person)s OR first.state IN ('sending', 'unknown') AS ask_first,
        (%(attempts)s::text[])[array_position(%(ids)s::text[], outbox.id)] AS attempt_id
), opened AS (
    INSERT INTO attempt (id, transfer_id, number, queried_first)
    SELECT attempt_id, id, claim_version, ask_first FROM claimed
)
SELECT id, kind, counterparty, key, subject, body, created_at, claim_version, backoff_attempts, crashes, ask_first,
    attempt_id, held
FROM claimed
"""
)

_DUE_STATES: Final = ["queued", "retrying", "unknown", "sending"]
_STATES_TO_ASK: Final = ["queued", "retrying", "unknown", "stuck", "parked"]

_WAIT_FOR_CAPACITY: Final = """
WITH waiting AS (
    UPDATE outbox SET waiting_for_capacity = true, wakeup_sent_at = NULL
    WHERE id = ANY(%s) AND state IN ('queued', 'retrying', 'unknown', 'sending') AND due_at <= clock_timestamp()
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

# A number in the text, because with a computed limit PostgreSQL looks at everything that waits, and sorts it.
_WAKE: Final = (
    """
WITH candidate AS MATERIALIZED (
    SELECT o.id, o.deadline, o.seq FROM outbox o
    WHERE o.counterparty = %(counterparty)s AND o.waiting_for_capacity AND o.due_at <= clock_timestamp() AND """
    + FIRST_IN_ORDER
    + f""" ORDER BY o.deadline, o.seq LIMIT {MOST_IN_FLIGHT}
), next AS (
    SELECT o.id FROM outbox o JOIN candidate ON candidate.id = o.id ORDER BY candidate.deadline, candidate.seq
    LIMIT GREATEST(0, %(capacity)s - """
    + _IN_FLIGHT.format(counterparty="%(counterparty)s")
    + """) FOR UPDATE OF o SKIP LOCKED
)
UPDATE outbox SET waiting_for_capacity = false FROM next WHERE outbox.id = next.id RETURNING outbox.id
"""
)

_LOCK_AFTER_ANSWER: Final = """
SELECT c.waiting_for_capacity AS has_waiting,
    c.failures > 0 OR c.breaker_open_until IS NOT NULL OR c.last_success_at IS NULL
    OR c.last_success_at < now() - interval '1 second' AS changes
FROM counterparty c WHERE c.code = %s FOR NO KEY UPDATE
"""

_FAILED: Final = """
UPDATE counterparty SET failures = failures + %(failures)s, breaker_open_until = GREATEST(breaker_open_until,
    CASE WHEN failures + %(failures)s >= %(threshold)s THEN now() + make_interval(secs => %(pause)s
        * LEAST(20, power(2, LEAST(5, failures + %(failures)s - %(threshold)s)))) END,
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
    suspects: list[str]
    """those of the transfers to be claimed that had one claim whose process died"""

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


def lock_counterparties(conn: Connection, transfer_ids: Sequence[str]) -> list[CounterpartyState]:
    """Lock the counterparties of these transfers until the transaction ends. Raises NotFound if there are none."""
    # A statement of its own: only the next one's snapshot sees what was committed while we waited for the lock.
    with conn.cursor(row_factory=class_row(CounterpartyState)) as cursor:
        counterparties = cursor.execute(_LOCK, {"ids": list(transfer_ids)}).fetchall()
    if not counterparties:
        raise NotFound(f"no transfer has the id {transfer_ids[0]}")
    return counterparties


def claim(
    conn: Connection,
    transfer_ids: Sequence[str],
    counterparties: Sequence[CounterpartyState],
    limits_of: Callable[[str], Limits],
) -> list[Transfer]:
    """Claim those that are due, first of their ordering keys, and whose counterparties have capacity.

    ``counterparties`` must be locked (``lock_counterparties``) in the same transaction.

    1. Claim them, with as many in flight as the breakers let through.
    2. A suspect (a claim of it crashed) is claimed only while no other suspect runs; the sweep brings back the others.
    3. What could not be claimed waits for capacity and is woken by the next transfer that ends there.
    """
    # 1.
    open_ones = [
        (limits_of(state.counterparty), capacity)
        for state in counterparties
        if (capacity := state.capacity(limits_of(state.counterparty)))
    ]
    transfers = _claim(conn, transfer_ids, open_ones, _DUE_STATES) if open_ones else []
    # 2.
    suspects_of = [suspect for state in counterparties for suspect in state.suspects]
    if suspects_of:
        transfers += _claim_suspect(conn, suspects_of, open_ones)
    # 3.
    unclaimed = set(transfer_ids) - {transfer.id for transfer in transfers} - set(suspects_of)
    if unclaimed:
        conn.execute(_WAIT_FOR_CAPACITY, (sorted(unclaimed),))
    return transfers


def _claim_suspect(
    conn: Connection, suspect_ids: Sequence[str], open_ones: Sequence[tuple[Limits, int]]
) -> list[Transfer]:
    """Claim one of the suspects, if no other runs. The others get another wake-up from the sweep."""
    transfers: list[Transfer] = []
    if suspects.may_run(conn):
        for suspect in suspect_ids:
            transfers = _claim(conn, [suspect], open_ones, _DUE_STATES, suspect=True) if open_ones else []
            if transfers:
                break
            conn.execute(_WAIT_FOR_CAPACITY, ([suspect],))
    others = sorted(set(suspect_ids) - {transfer.id for transfer in transfers})
    conn.execute("UPDATE outbox SET wakeup_sent_at = NULL WHERE id = ANY(%s)", (others,))
    return transfers


def claim_to_ask(conn: Connection, transfer_id: str, limits: Limits) -> Transfer | None:
    """Claim a transfer about which a person asks, due or not; None if there is nothing to ask."""
    transfers = _claim(conn, [transfer_id], [(limits, 1)], _STATES_TO_ASK, by_person=True)
    return transfers[0] if transfers else None


def _claim(
    conn: Connection,
    transfer_ids: Sequence[str],
    open_ones: Sequence[tuple[Limits, int]],
    states: list[str],
    *,
    suspect: bool = False,
    by_person: bool = False,
) -> list[Transfer]:
    """Claim of each counterparty in ``open_ones`` as many as it has capacity for."""
    with conn.cursor(row_factory=class_row(Transfer)) as cursor:
        return cursor.execute(
            _CLAIM,
            {
                "ids": list(transfer_ids),
                "attempts": [new_id(Prefix.ATTEMPT) for _ in transfer_ids],
                "counterparties": [limits.counterparty for limits, _ in open_ones],
                "capacities": [capacity for _, capacity in open_ones],
                "leases": [limits.lease for limits, _ in open_ones],
                "states": states,
                "suspect": suspect,
                "by_person": by_person,
            },
        ).fetchall()


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


def failed(conn: Connection, limits: Limits, failures: int, retry_after: float | None) -> list[Wakeup]:
    """Record failures: its breaker opens at the threshold, or for ``retry_after`` seconds. Returns the wake-ups."""
    row = one(
        conn,
        _FAILED,
        {
            "failures": failures,
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
