"""Work for a person: raised before the citizen calls, once for each occasion, cleared by what mends it."""

from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from config.catalogue import Catalogue
from config.postal import Levels
from hub import audit
from hub.calendar import WorkingCalendar
from hub.clock import local
from hub.consignments import levels, store
from hub.consignments.levels import Known, Raised
from hub.consignments.model import Consignment
from hub.consignments.words import Concern
from hub.db import Connection

_WATCHED: Final = f"""
SELECT {store.COLUMNS} FROM consignment c
WHERE c.id > %s AND (c.settled_at IS NULL
   OR EXISTS (SELECT 1 FROM attention a WHERE a.subject = c.id AND a.cleared_at IS NULL)
   OR EXISTS (SELECT 1 FROM complaint p WHERE p.consignment_id = c.id AND p.resolved_on IS NULL))
ORDER BY c.id LIMIT %s FOR UPDATE OF c SKIP LOCKED
"""
PAGE: Final = 200
"""consignments in one transaction"""


def watch(
    conn: Connection, catalogue: Catalogue, calendar: WorkingCalendar, now: datetime, *, after: str = ""
) -> str | None:
    """Look at a page of what is under way, from behind the id ``after`` on; the id to go on from, or None at the end.

    What somebody else is changing at this moment is passed over: he looks at it himself.
    """
    with conn.cursor(row_factory=class_row(Consignment)) as cursor:
        rows = cursor.execute(_WATCHED, (after, PAGE)).fetchall()
    for row in rows:
        look(conn, catalogue, calendar, row, now)
    return rows[-1].id if rows else None


def look(conn: Connection, catalogue: Catalogue, calendar: WorkingCalendar, row: Consignment, now: datetime) -> None:
    """Raise what is wrong with this consignment now and was not raised before; clear what is mended."""
    operator = catalogue.operators.get(row.operator)
    terms = Levels() if operator is None else operator.levels  # an operator that left the catalogue owes the law's
    due = levels.concerns(calendar, terms, row, _known(conn, row, now), now)
    held = conn.execute("SELECT kind, occasion, cleared_at FROM attention WHERE subject = %s", (row.id,)).fetchall()
    before = {(one["kind"], one["occasion"]) for one in held}
    for raised in sorted(due, key=lambda one: (one.kind, one.occasion)):
        if (raised.kind.value, raised.occasion) not in before:
            call_for(conn, row.id, raised)
    still = {(one.kind.value, one.occasion) for one in due}
    if row.settled_at is None:
        # What the operator has answered is no state of the row: it waits for a person until the consignment's end.
        still |= {(one["kind"], one["occasion"]) for one in held if one["kind"] == Concern.NOT_CANCELLED}
    for one in held:
        if one["cleared_at"] is None and (one["kind"], one["occasion"]) not in still:
            mended(conn, row.id, Concern(one["kind"]), occasion=one["occasion"])


def dismiss(conn: Connection, attention_id: int, actor: str, reason: str) -> bool:
    """A person has seen to it: this occasion is not raised again. False if it is not open."""
    row = conn.execute(
        "UPDATE attention SET cleared_at = now(), cleared_by = %s WHERE id = %s AND cleared_at IS NULL"
        " RETURNING subject, kind",
        (actor, attention_id),
    ).fetchone()
    if row is not None:
        audit.note(conn, row["subject"], actor, "attention dismissed", before=row["kind"], reason=reason)
    return row is not None


def _known(conn: Connection, row: Consignment, now: datetime) -> Known:
    incidents = conn.execute("SELECT kind FROM incident WHERE consignment_id = %s", (row.id,)).fetchall()
    overdue = conn.execute(
        "SELECT id FROM complaint WHERE consignment_id = %s AND resolved_on IS NULL AND due_on < %s",
        (row.id, local(now).date()),
    ).fetchall()
    return Known(frozenset(one["kind"] for one in incidents), tuple(one["id"] for one in overdue))


def call_for(conn: Connection, subject: str, one: Raised) -> None:
    """Somebody has to look at ``subject``, a consignment or a dossier."""
    conn.execute(
        "INSERT INTO attention (subject, kind, occasion) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (subject, one.kind, one.occasion),
    )
    audit.note(conn, subject, "hub", "attention raised", after=one.kind)


def mended(conn: Connection, subject: str, kind: Concern, *, by: str = "hub", occasion: str | None = None) -> None:
    """What was wrong with ``subject`` is right again, on this occasion or on any."""
    cleared = conn.execute(
        "UPDATE attention SET cleared_at = now(), cleared_by = %(by)s WHERE subject = %(subject)s AND kind = %(kind)s"
        " AND (%(occasion)s::text IS NULL OR occasion = %(occasion)s) AND cleared_at IS NULL RETURNING id",
        {"by": by, "subject": subject, "kind": kind, "occasion": occasion},
    )
    if cleared.fetchone() is not None:
        audit.note(conn, subject, by, "attention cleared", before=kind)
