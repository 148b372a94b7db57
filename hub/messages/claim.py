"""Claiming a transfer: the head of its lane, under a lease, as far as its counterparty has room.

The counterparty's row is locked first, so that counting what is in flight and taking one more is one step. A transfer
that finds no room is marked ``turned_away``; whoever settles next at this counterparty wakes it.
"""

from dataclasses import dataclass
from typing import Final

from psycopg.rows import DictRow, class_row

from hub.db import Connection
from hub.messages.model import Nudge, Transfer
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

_ROOM: Final = """
SELECT c.paused_at IS NULL AND (c.open_until IS NULL OR c.open_until <= clock_timestamp()) AS open,
    CASE WHEN c.failures >= %(threshold)s THEN 1 ELSE %(most)s END
      - (SELECT count(*) FROM outbox WHERE counterparty = c.code AND state = 'sending' AND due_at > clock_timestamp())
      AS room
FROM counterparty c WHERE c.code = %(counterparty)s
"""

_CLAIM: Final = (
    """
WITH head AS (
    SELECT o.id, o.state FROM outbox o
    WHERE o.id = %(id)s AND o.state = ANY(%(states)s) AND (%(asked)s OR o.due_at <= clock_timestamp()) AND """
    + LANE_HEAD
    + """
    FOR UPDATE OF o
), abandoned AS (
    UPDATE attempt SET finished_at = clock_timestamp(), outcome = 'timeout_unknown', code = 'LEASE_EXPIRED'
    FROM head WHERE attempt.transfer_id = head.id AND head.state = 'sending' AND attempt.finished_at IS NULL
), taken AS (
    UPDATE outbox SET state = 'sending', attempts = attempts + 1, tries = tries + 1, nudged_at = NULL,
        turned_away = false, due_at = clock_timestamp() + make_interval(secs => %(lease)s)
    FROM head WHERE outbox.id = head.id
    RETURNING outbox.id, kind, counterparty, key, subject, body, created_at, attempts AS fence, tries,
        %(asked)s OR head.state IN ('sending', 'unknown') AS ask
), opened AS (
    INSERT INTO attempt (id, transfer_id, number, asked_first) SELECT %(attempt)s, id, fence, ask FROM taken
)
SELECT *, %(attempt)s AS attempt_id FROM taken
"""
)

_DUE: Final = ["queued", "retrying", "unknown", "sending"]
_ASKABLE: Final = ["retrying", "unknown", "stuck", "parked"]

_TURN_AWAY: Final = """
UPDATE outbox SET turned_away = true
WHERE id = %s AND state IN ('queued', 'retrying', 'unknown', 'sending') AND due_at <= clock_timestamp()
"""

_WAKE: Final = (
    """
WITH next AS (
    SELECT o.id FROM outbox o
    WHERE o.counterparty = %(counterparty)s AND o.turned_away AND o.due_at <= clock_timestamp() AND """
    + LANE_HEAD
    + """
    ORDER BY o.deadline, o.seq LIMIT %(room)s FOR UPDATE SKIP LOCKED
)
UPDATE outbox SET turned_away = false, nudged_at = now() FROM next WHERE outbox.id = next.id RETURNING outbox.id
"""
)


def claim(conn: Connection, transfer_id: str, limits: Limits) -> Transfer | None:
    """Take the transfer; None if it is not due, not the head of its lane, or its counterparty has no room."""
    _lock(conn, limits.counterparty)
    room = _room(conn, limits)
    if room["open"] and room["room"] > 0:
        taken = _take(conn, transfer_id, limits, _DUE, asked=False)
        if taken is not None:
            return taken
    conn.execute(_TURN_AWAY, (transfer_id,))
    return None


def claim_to_ask(conn: Connection, transfer_id: str, limits: Limits) -> Transfer | None:
    """Take a transfer that a person wants to know about, due or not; None if there is nothing to ask."""
    _lock(conn, limits.counterparty)
    return _take(conn, transfer_id, limits, _ASKABLE, asked=True)


def _take(conn: Connection, transfer_id: str, limits: Limits, states: list[str], *, asked: bool) -> Transfer | None:
    with conn.cursor(row_factory=class_row(Transfer)) as cursor:
        return cursor.execute(
            _CLAIM,
            {
                "id": transfer_id,
                "states": states,
                "asked": asked,
                "lease": limits.lease,
                "attempt": new_id(Prefix.ATTEMPT),
            },
        ).fetchone()


def succeeded(conn: Connection, limits: Limits) -> list[Nudge]:
    """The counterparty answered: its breaker is closed. Returns whom to wake."""
    _lock(conn, limits.counterparty)
    conn.execute(
        "UPDATE counterparty SET failures = 0, open_until = NULL, last_success_at = now() WHERE code = %s"
        " AND (failures > 0 OR open_until IS NOT NULL OR last_success_at IS NULL"
        "      OR last_success_at < now() - interval '1 second')",
        (limits.counterparty,),
    )
    return _wake(conn, limits)


def failed(conn: Connection, limits: Limits, retry_after: float | None) -> list[Nudge]:
    """It did not: count it, open the breaker at the threshold, keep quiet as long as it asked. Returns whom to wake."""
    _lock(conn, limits.counterparty)
    conn.execute(
        "UPDATE counterparty SET failures = failures + 1, open_until = GREATEST(open_until,"
        "  CASE WHEN failures + 1 >= %(threshold)s THEN now() + make_interval(secs =>"
        "    %(pause)s * LEAST(20, power(2, failures + 1 - %(threshold)s))) END,"
        "  CASE WHEN %(retry_after)s::float8 IS NOT NULL THEN now() + make_interval(secs => %(retry_after)s) END)"
        " WHERE code = %(counterparty)s",
        {
            "threshold": limits.breaker_threshold,
            "pause": limits.breaker_pause,
            "retry_after": retry_after,
            "counterparty": limits.counterparty,
        },
    )
    return _wake(conn, limits)


def _lock(conn: Connection, counterparty: str) -> None:
    # A statement of its own: only the next one's snapshot sees what was committed while we waited.
    conn.execute("SELECT 1 FROM counterparty WHERE code = %s FOR UPDATE", (counterparty,))


def _room(conn: Connection, limits: Limits) -> DictRow:
    row = conn.execute(
        _ROOM,
        {"threshold": limits.breaker_threshold, "most": limits.max_in_flight, "counterparty": limits.counterparty},
    ).fetchone()
    if row is None:
        raise LookupError(f"no counterparty {limits.counterparty}: the catalogue was not enrolled")
    return row


def _wake(conn: Connection, limits: Limits) -> list[Nudge]:
    room = _room(conn, limits)
    if not room["open"] or room["room"] < 1:
        return []
    woken = conn.execute(_WAKE, {"counterparty": limits.counterparty, "room": room["room"]})
    return [Nudge(limits.queue, row["id"]) for row in woken]
