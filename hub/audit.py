"""Who did what to what, and why: append-only, enforced by the database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from psycopg.types.json import Jsonb

from hub.db import Connection, as_set

_ALL: Final = """
INSERT INTO audit_log (subject, actor, verb, before, after, reason, details)
SELECT subject, %s, verb, before, after, reason, details
FROM ROWS FROM (json_to_recordset(%s)
    AS (subject text, verb text, before text, after text, reason text, details jsonb))
    WITH ORDINALITY AS entry (subject, verb, before, after, reason, details, at)
ORDER BY at
"""


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """A line of the audit log, without who caused it."""

    subject: str
    verb: str
    before: str | None = None
    after: str | None = None
    reason: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


def note(
    conn: Connection,
    subject: str,
    actor: str,
    verb: str,
    *,
    before: str | None = None,
    after: str | None = None,
    reason: str | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Write a line about ``subject`` (one of our ids). ``actor`` is a person's account, a counterparty, or "hub".

    ``reason`` is for people to read. What a program reads again (the replay) stands in ``details``, by key.
    """
    conn.execute(
        "INSERT INTO audit_log (subject, actor, verb, before, after, reason, details)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (subject, actor, verb, before, after, reason, Jsonb(dict(details or {}))),
    )


def note_at_door(conn: Connection, subject: str, verb: str, *, reason: str | None = None) -> None:
    """Write what an endpoint may about a consignment or a table; the database knows in whose name."""
    conn.execute("SELECT note_at_door(%s, %s, %s)", (subject, verb, reason))


def note_all(conn: Connection, actor: str, notes: Sequence[AuditEntry]) -> None:
    """``note`` for many at once, in their order."""
    if notes:
        rows = [
            {
                "subject": entry.subject,
                "verb": entry.verb,
                "before": entry.before,
                "after": entry.after,
                "reason": entry.reason,
                "details": dict(entry.details),
            }
            for entry in notes
        ]
        conn.execute(_ALL, (actor, as_set(rows)))
