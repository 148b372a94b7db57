"""Reads: payment orders. They change nothing, and leave out whose accounts are paid."""

from typing import Any, Final

from hub.db import Connection

Row = dict[str, Any]

_LIST: Final = """
SELECT o.id, o.purpose, o.subject_id, o.reference, o.account, o.amount, o.state, o.maker, o.checker, o.requested_at,
    o.approved_at, o.sent_at, o.settled_at, o.line_id, o.returned_line_id, r.due_on, r.item
FROM payment_order o LEFT JOIN refund r ON r.id = o.subject_id
"""


def listing(conn: Connection, *, state: str | None, purpose: str | None, limit: int) -> list[Row]:
    """Orders, the oldest first; without ``state`` those that are not over."""
    return conn.execute(
        _LIST + " WHERE (o.state = %(state)s OR (%(state)s::text IS NULL"
        " AND o.state IN ('requested', 'approved', 'sent')))"
        " AND (%(purpose)s::text IS NULL OR o.purpose = %(purpose)s) ORDER BY o.id LIMIT %(limit)s",
        {"state": state, "purpose": purpose, "limit": limit},
    ).fetchall()
