"""Read-only queries for operators: transfers, counterparties, dead letters."""

from typing import Any, Final

from hub.db import Connection
from hub.messages import set_aside
from schemas.replies import UnreadableEntry

Row = dict[str, Any]

# Waiting for a counterparty that is paused is a state to people, and no state of the row: nothing has to be undone.
_STATE: Final = """CASE WHEN c.paused_at IS NOT NULL AND o.state IN ('queued', 'retrying', 'unknown') THEN 'held'
    ELSE o.state END"""

_TRANSFERS: Final = f"""
SELECT o.id, o.kind, o.counterparty, o.subject, d.code AS dossier_code, {_STATE} AS state, o.attempts, o.error_code,
    o.error_detail, o.created_at, o.due_at, o.deadline, o.reason, o.review_at, o.settled_at
FROM outbox o JOIN counterparty c ON c.code = o.counterparty LEFT JOIN dossier d ON d.id = o.subject
"""


def transfers(conn: Connection, *, state: str | None = None, counterparty: str | None = None, limit: int) -> list[Row]:
    """Transfers, oldest first; ``state`` may be "held"."""
    return conn.execute(
        f"SELECT * FROM ({_TRANSFERS}) t WHERE (%(state)s::text IS NULL OR t.state = %(state)s)"
        " AND (%(counterparty)s::text IS NULL OR t.counterparty = %(counterparty)s)"
        " ORDER BY t.created_at LIMIT %(limit)s",
        {"state": state, "counterparty": counterparty, "limit": limit},
    ).fetchall()


def transfers_of(conn: Connection, submission_id: str) -> list[Row]:
    """The transfers about a submission, in the order in which they were put into the outbox."""
    return conn.execute(
        "SELECT id, kind, counterparty, state, attempts, error_code, settled_at FROM outbox WHERE subject = %s"
        " ORDER BY seq",
        (submission_id,),
    ).fetchall()


def audit_log_of(conn: Connection, subject: str) -> list[Row]:
    """The audit log of ``subject``: who did what, and why."""
    return conn.execute(
        "SELECT at, actor, action, before, after, reason FROM audit_log WHERE subject = %s ORDER BY id", (subject,)
    ).fetchall()


def transfer(conn: Connection, transfer_id: str) -> Row | None:
    """One transfer with its attempts, the evidence of each, and its audit log."""
    row = conn.execute(_TRANSFERS + " WHERE o.id = %s", (transfer_id,)).fetchone()
    if row is None:
        return None
    attempts = conn.execute(
        "SELECT a.id, a.transfer_id, a.number, a.queried_first, a.started_at, a.finished_at, a.outcome, a.code,"
        " a.detail,"
        " (SELECT COALESCE(jsonb_agg(x.record #- '{reply,raw}' ORDER BY x.at), '[]') FROM exchange x"
        "   WHERE x.attempt_id = a.id) AS exchanges FROM attempt a WHERE a.transfer_id = %s ORDER BY a.number",
        (transfer_id,),
    ).fetchall()
    return {**row, "attempts_made": attempts, "audit_log": audit_log_of(conn, transfer_id)}


def counterparties(conn: Connection) -> list[Row]:
    """Each counterparty: how much waits for it, since when, whether it is paused or its breaker is open."""
    return conn.execute(
        "SELECT c.code, c.paused_at, c.paused_by, c.pause_reason, c.failures, c.breaker_open_until, c.last_success_at,"
        "  c.waiting_for_capacity, c.cursor, c.polled_at, c.feed_error,"
        "  count(o.id) FILTER (WHERE w.is_waiting AND c.paused_at IS NULL) AS waiting,"
        "  count(o.id) FILTER (WHERE w.is_waiting AND c.paused_at IS NOT NULL) AS held, min(o.created_at) AS oldest,"
        "  extract(epoch FROM now() - min(o.created_at) FILTER (WHERE w.is_waiting))::float8 AS oldest_age,"
        "  extract(epoch FROM now() - COALESCE(c.polled_at, c.enrolled_at))::float8 AS feed_age,"
        "  count(o.id) FILTER (WHERE o.state = 'stuck') AS stuck,"
        "  count(o.id) FILTER (WHERE o.state = 'sending') AS sending,"
        "  CASE WHEN c.paused_at IS NOT NULL THEN 'paused'"
        "       WHEN c.breaker_open_until > now() THEN 'broken off' ELSE 'open' END AS state"
        " FROM counterparty c LEFT JOIN outbox o ON o.counterparty = c.code AND o.settled_at IS NULL"
        " CROSS JOIN LATERAL (SELECT o.state IN ('queued', 'retrying', 'unknown') AS is_waiting) w"
        " GROUP BY c.code ORDER BY c.code"
    ).fetchall()


def dead_letters(conn: Connection, *, limit: int) -> list[Row]:
    """Dead inbox messages, oldest first, without their content."""
    return conn.execute(
        "SELECT id, source, kind, external_id, received_at, backoff_attempts, error_code, error_detail FROM inbox"
        " WHERE state = 'dead' ORDER BY received_at LIMIT %s",
        (limit,),
    ).fetchall()


def message(conn: Connection, message_id: str) -> Row | None:
    """One inbox message and its audit log. Its content only if it is an entry of a feed that was set aside."""
    row = conn.execute(
        "SELECT id, source, kind, external_id, received_at, backoff_attempts, state, due_at, settled_at, error_code,"
        " error_detail,"
        " CASE WHEN kind = ANY(%s) THEN body END AS body FROM inbox WHERE id = %s",
        ([set_aside.KIND, set_aside.OLDER_KIND, *set_aside.CONFLICTS.values()], message_id),
    ).fetchone()
    if row is None:
        return None
    body = row.pop("body")
    document = None if body is None else _document(row["kind"], body)
    return {**row, "document": document, "audit_log": audit_log_of(conn, message_id)}


def _document(kind: str, body: bytes) -> str:
    if kind in set_aside.CONFLICTS.values():
        return body.decode()
    return UnreadableEntry.model_validate_json(body).document
