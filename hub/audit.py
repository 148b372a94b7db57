"""Who did what to what, and why: append-only, enforced by the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hub.db import Connection, as_set

_ALL: Final = """
INSERT INTO audit_log (subject, actor, verb, before, after, reason)
SELECT subject, %s, verb, before, after, reason
FROM ROWS FROM (json_to_recordset(%s) AS (subject text, verb text, before text, after text, reason text))
    WITH ORDINALITY AS entry (subject, verb, before, after, reason, at)
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


def note(
    conn: Connection,
    subject: str,
    actor: str,
    verb: str,
    *,
    before: str | None = None,
    after: str | None = None,
    reason: str | None = None,
) -> None:
    """Write a line about ``subject`` (one of our ids). ``actor`` is a person's account, a counterparty, or "hub"."""
    conn.execute(
        "INSERT INTO audit_log (subject, actor, verb, before, after, reason) VALUES (%s, %s, %s, %s, %s, %s)",
        (subject, actor, verb, before, after, reason),
    )


def note_at_door(conn: Connection, subject: str, verb: str, *, reason: str | None = None) -> None:
    """Write what an endpoint may about a consignment or a table; the database knows in whose name."""
    conn.execute("SELECT note_at_door(%s, %s, %s)", (subject, verb, reason))


def note_all(conn: Connection, actor: str, notes: Sequence[AuditEntry]) -> None:
    """``note`` for many at once, in their order."""
    if notes:
        rows = [
            {"subject": one.subject, "verb": one.verb, "before": one.before, "after": one.after, "reason": one.reason}
            for one in notes
        ]
        conn.execute(_ALL, (actor, as_set(rows)))
