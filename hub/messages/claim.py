"""Claiming a transfer: the head of its lane, under a lease, as far as its counterparty has room.

The counterparty's row is locked first, so that counting what is in flight and taking one more is one step; its key is
not, because every new transfer refers to it and would wait. A transfer that finds no room is marked ``turned_away``;
whoever settles next at this counterparty wakes it.
"""

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
    """What one counterparty bears, from the catalogue and the settings."""

    counterparty: str
    queue: str
    max_in_flight: int
    lease: float
    """seconds"""
    breaker_threshold: int
    breaker_pause: float
    """seconds"""


LANE_HEAD: Final = """NOT EXISTS (SELECT 1 FROM outbox earlier WHERE earlier.counterparty = o.counterparty
    AND earlier.lane = o.lane AND earlier.seq < o.seq AND earlier.settled_at IS NULL)"""

_APPROACH: Final = """
SELECT c.code AS counterparty, c.failures, c.turned_away,
    c.paused_at IS NULL AND (c.open_until IS NULL OR c.open_until <= clock_timestamp()) AS open,
    EXISTS (SELECT 1 FROM outbox WHERE id = %(id)s AND open_claims = 1) AS suspect
FROM counterparty c WHERE c.code = (SELECT counterparty FROM outbox WHERE id = %(id)s) FOR NO KEY UPDATE
"""

_IN_FLIGHT: Final = """(SELECT count(*) FROM outbox f
    WHERE f.counterparty = %(counterparty)s AND f.state = 'sending' AND f.due_at > clock_timestamp())"""

_CLAIM: Final = (
    """
WITH head AS (
    SELECT o.id, o.state FROM outbox o
    WHERE o.id = %(id)s AND o.state = ANY(%(states)s) AND (%(asked)s OR o.due_at <= clock_timestamp()) AND """
    + LANE_HEAD
    + " AND (%(asked)s OR %(places)s > "
    + _IN_FLIGHT
    + """)
    FOR UPDATE OF o
), abandoned AS (
    UPDATE attempt SET finished_at = clock_timestamp(), outcome = 'timeout_unknown', code = 'LEASE_EXPIRED'
    FROM head WHERE attempt.transfer_id = head.id AND head.state = 'sending' AND attempt.finished_at IS NULL
), taken AS (
    UPDATE outbox SET state = 'sending', attempts = attempts + 1, tries = tries + 1, nudged_at = NULL,
        turned_away = false, open_claims = open_claims + 1,
        -- Whoever asks first may speak twice.
        due_at = clock_timestamp() + make_interval(secs => %(lease)s)
            * CASE WHEN %(asked)s OR head.state IN ('sending', 'unknown') THEN 2 ELSE 1 END
    FROM head WHERE outbox.id = head.id
    RETURNING outbox.id, kind, counterparty, key, subject, body, created_at, attempts AS fence, tries,
        open_claims - 1 AS deaths, %(asked)s OR head.state IN ('sending', 'unknown') AS ask
), opened AS (
    INSERT INTO attempt (id, transfer_id, number, asked_first) SELECT %(attempt)s, id, fence, ask FROM taken
)
SELECT id, kind, counterparty, key, subject, body, created_at, fence, tries, deaths, ask, %(attempt)s AS attempt_id
FROM taken
"""
)

_DUE: Final = ["queued", "retrying", "unknown", "sending"]
_ASKABLE: Final = ["queued", "retrying", "unknown", "stuck", "parked"]

_TURN_AWAY: Final = """
WITH away AS (
    UPDATE outbox SET turned_away = true, nudged_at = NULL
    WHERE id = %s AND state IN ('queued', 'retrying', 'unknown', 'sending') AND due_at <= clock_timestamp()
    RETURNING counterparty
)
UPDATE counterparty SET turned_away = true FROM away WHERE code = away.counterparty AND NOT counterparty.turned_away
"""

_AWAIT_TURN: Final = (
    """
WITH away AS (
    UPDATE outbox o SET turned_away = true
    WHERE o.id = ANY(%s) AND o.state IN ('queued', 'retrying', 'unknown') AND NOT ("""
    + LANE_HEAD
    + """) RETURNING o.id, o.counterparty
), told AS (
    UPDATE counterparty SET turned_away = true FROM away WHERE code = away.counterparty AND NOT counterparty.turned_away
)
SELECT id FROM away
"""
)

_WAKE: Final = (
    """
WITH next AS (
    SELECT o.id FROM outbox o
    WHERE o.counterparty = %(counterparty)s AND o.turned_away AND o.due_at <= clock_timestamp() AND """
    + LANE_HEAD
    + " ORDER BY o.deadline, o.seq LIMIT GREATEST(0, %(places)s - "
    + _IN_FLIGHT
    + """) FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET turned_away = false FROM next WHERE outbox.id = next.id RETURNING outbox.id
"""
)

_ANSWERED: Final = """
SELECT c.turned_away, c.failures > 0 OR c.open_until IS NOT NULL OR c.last_success_at IS NULL
    OR c.last_success_at < now() - interval '1 second' AS news
FROM counterparty c WHERE c.code = %s FOR NO KEY UPDATE
"""

_FAILED: Final = """
UPDATE counterparty SET failures = failures + 1, open_until = GREATEST(open_until,
    CASE WHEN failures + 1 >= %(threshold)s
        THEN now() + make_interval(secs => %(pause)s * LEAST(20, power(2, failures + 1 - %(threshold)s))) END,
    CASE WHEN %(retry_after)s::float8 IS NOT NULL THEN now() + make_interval(secs => %(retry_after)s) END)
WHERE code = %(counterparty)s
RETURNING turned_away AND paused_at IS NULL AND open_until IS NULL AS wake
"""


@dataclass(frozen=True, slots=True)
class CounterpartyState:
    """A counterparty as it stands, its row locked until the transaction ends."""

    counterparty: str
    failures: int
    turned_away: bool
    open: bool
    """neither paused nor kept quiet by its breaker"""
    suspect: bool
    """whether the transfer that is asked for has been claimed once without a word of its end"""

    def places(self, limits: Limits) -> int:
        """How many of its transfers may be under way at once: one probe while its breaker has not closed again."""
        if not self.open:
            return 0
        return 1 if self.failures >= limits.breaker_threshold else limits.max_in_flight


def lock_counterparty(conn: Connection, transfer_id: str) -> CounterpartyState:
    """Lock the counterparty of this transfer. Raises NotFound."""
    # A statement of its own: only the next one's snapshot sees what was committed while we waited for the lock.
    with conn.cursor(row_factory=class_row(CounterpartyState)) as cursor:
        standing = cursor.execute(_APPROACH, {"id": transfer_id}).fetchone()
    if standing is None:
        raise NotFound(f"no transfer has the id {transfer_id}")
    return standing


def claim(conn: Connection, transfer_id: str, standing: CounterpartyState, limits: Limits) -> Transfer | None:
    """Take the transfer; None if it is not due, not the head of its lane, or its counterparty has no place for it.

    One whose process has died is not given either while another such is under way; the sweep comes back to it.
    """
    if standing.suspect and not suspects.may_run(conn):
        conn.execute("UPDATE outbox SET nudged_at = NULL WHERE id = %s", (transfer_id,))
        return None
    places = standing.places(limits)
    taken = _take(conn, transfer_id, limits, _DUE, places=places, asked=False) if places else None
    if taken is None:
        conn.execute(_TURN_AWAY, (transfer_id,))
    return taken


def await_turn(conn: Connection, transfer_ids: list[str]) -> set[str]:
    """Turn these away, as far as they are not the heads of their lanes. Returns the others."""
    if not transfer_ids:
        return set()
    with conn.transaction():
        # As a claim does: whoever settles meanwhile either waits for us, or its end is seen by the next statement.
        conn.execute(
            "SELECT code FROM counterparty WHERE code IN (SELECT counterparty FROM outbox WHERE id = ANY(%s))"
            " ORDER BY code FOR NO KEY UPDATE",
            (transfer_ids,),
        )
        away = conn.execute(_AWAIT_TURN, (transfer_ids,)).fetchall()
    return set(transfer_ids) - {row["id"] for row in away}


def claim_to_ask(conn: Connection, transfer_id: str, limits: Limits) -> Transfer | None:
    """Take a transfer that a person wants to know about, due or not; None if there is nothing to ask."""
    return _take(conn, transfer_id, limits, _ASKABLE, places=0, asked=True)


def _take(
    conn: Connection, transfer_id: str, limits: Limits, states: list[str], *, places: int, asked: bool
) -> Transfer | None:
    with conn.cursor(row_factory=class_row(Transfer)) as cursor:
        return cursor.execute(
            _CLAIM,
            {
                "id": transfer_id,
                "counterparty": limits.counterparty,
                "states": states,
                "places": places,
                "asked": asked,
                "lease": limits.lease,
                "attempt": new_id(Prefix.ATTEMPT),
            },
        ).fetchone()


def succeeded(conn: Connection, limits: Limits) -> list[Wakeup]:
    """The counterparty answered: its breaker is closed. Returns whom to wake."""
    standing = one(conn, _ANSWERED, (limits.counterparty,))
    if standing["news"]:
        conn.execute(
            "UPDATE counterparty SET failures = 0, open_until = NULL, last_success_at = now() WHERE code = %s",
            (limits.counterparty,),
        )
    return wake(conn, limits) if standing["turned_away"] else []


def failed(conn: Connection, limits: Limits, retry_after: float | None) -> list[Wakeup]:
    """It did not: count it, open the breaker at the threshold, keep quiet as long as it asked. Returns whom to wake."""
    standing = one(
        conn,
        _FAILED,
        {
            "threshold": limits.breaker_threshold,
            "pause": limits.breaker_pause,
            "retry_after": retry_after,
            "counterparty": limits.counterparty,
        },
    )
    return wake(conn, limits) if standing["wake"] else []


def wake(conn: Connection, limits: Limits) -> list[Wakeup]:
    """Whoever was turned away and now has a place, the most urgent first."""
    woken = conn.execute(_WAKE, {"counterparty": limits.counterparty, "places": limits.max_in_flight}).fetchall()
    if not woken:
        conn.execute(
            "UPDATE counterparty SET turned_away = EXISTS (SELECT 1 FROM outbox WHERE counterparty = code"
            " AND outbox.turned_away) WHERE code = %s",
            (limits.counterparty,),
        )
    return [Wakeup(limits.queue, row["id"]) for row in woken]
