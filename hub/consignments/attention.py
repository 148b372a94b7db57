"""Work for a person: raised before the citizen calls, once for each occasion, cleared by what mends it."""

from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from hub import journal
from hub.calendar import Calendar
from hub.clock import local
from hub.consignments import levels, store
from hub.consignments.levels import Known, Raised
from hub.consignments.model import Consignment
from hub.db import Connection

_WATCHED: Final = f"""
SELECT {store.COLUMNS} FROM consignment c
WHERE c.id > %s AND (c.settled_at IS NULL
   OR EXISTS (SELECT 1 FROM attention a WHERE a.consignment_id = c.id AND a.cleared_at IS NULL)
   OR EXISTS (SELECT 1 FROM complaint p WHERE p.consignment_id = c.id AND p.resolved_on IS NULL))
ORDER BY c.id LIMIT %s FOR UPDATE OF c SKIP LOCKED
"""
PAGE: Final = 200
"""consignments in one transaction"""


def watch(conn: Connection, calendar: Calendar, now: datetime, *, after: str = "") -> str | None:
    """Look at a page of what is under way, from behind the id ``after`` on; the id to go on from, or None at the end.

    What somebody else is changing at this moment is passed over: he looks at it himself.
    """
    with conn.cursor(row_factory=class_row(Consignment)) as cursor:
        rows = cursor.execute(_WATCHED, (after, PAGE)).fetchall()
    for row in rows:
        look(conn, calendar, row, now)
    return rows[-1].id if rows else None


def look(conn: Connection, calendar: Calendar, row: Consignment, now: datetime) -> None:
    """Raise what is wrong with this consignment now and was not raised before; clear what is mended."""
    due = levels.concerns(calendar, row, _known(conn, row, now), now)
    held = conn.execute(
        "SELECT kind, occasion, cleared_at FROM attention WHERE consignment_id = %s", (row.id,)
    ).fetchall()
    before = {(one["kind"], one["occasion"]) for one in held}
    for one in sorted(due, key=lambda raised: (raised.kind, raised.occasion)):
        if (one.kind.value, one.occasion) not in before:
            _raise(conn, row.id, one)
    mended = {(one["kind"], one["occasion"]) for one in held if one["cleared_at"] is None} - {
        (one.kind.value, one.occasion) for one in due
    }
    for kind, occasion in sorted(mended):
        _clear(conn, row.id, kind, occasion, "hub")


def dismiss(conn: Connection, attention_id: int, actor: str, reason: str) -> bool:
    """A person has seen to it: this occasion is not raised again. False if it is not open."""
    row = conn.execute(
        "UPDATE attention SET cleared_at = now(), cleared_by = %s WHERE id = %s AND cleared_at IS NULL"
        " RETURNING consignment_id, kind",
        (actor, attention_id),
    ).fetchone()
    if row is not None:
        journal.note(conn, row["consignment_id"], actor, "attention dismissed", before=row["kind"], reason=reason)
    return row is not None


def _known(conn: Connection, row: Consignment, now: datetime) -> Known:
    incidents = conn.execute("SELECT kind FROM incident WHERE consignment_id = %s", (row.id,)).fetchall()
    overdue = conn.execute(
        "SELECT id FROM complaint WHERE consignment_id = %s AND resolved_on IS NULL AND due_on < %s",
        (row.id, local(now).date()),
    ).fetchall()
    return Known(frozenset(one["kind"] for one in incidents), tuple(one["id"] for one in overdue))


def _raise(conn: Connection, consignment_id: str, one: Raised) -> None:
    conn.execute(
        "INSERT INTO attention (consignment_id, kind, occasion) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (consignment_id, one.kind, one.occasion),
    )
    journal.note(conn, consignment_id, "hub", "attention raised", after=one.kind)


def _clear(conn: Connection, consignment_id: str, kind: str, occasion: str, by: str) -> None:
    conn.execute(
        "UPDATE attention SET cleared_at = now(), cleared_by = %s"
        " WHERE consignment_id = %s AND kind = %s AND occasion = %s AND cleared_at IS NULL",
        (by, consignment_id, kind, occasion),
    )
    journal.note(conn, consignment_id, by, "attention cleared", before=kind)
