"""Concerns about consignments: raised for an officer once per occasion, cleared when their cause is gone.

The limits are in working days, by the operator's levels in the catalogue.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from psycopg.rows import class_row

from config.catalogue import Catalogue
from config.postal import Levels
from hub import audit
from hub.audit import AuditAction
from hub.calendar import WorkingCalendar
from hub.clock import local
from hub.consignments import store
from hub.consignments.model import SETTLED, Concern, Consignment, ConsignmentStatus
from hub.db import Connection


@dataclass(frozen=True, slots=True)
class RaisedConcern:
    """A concern for a person; ``occasion`` distinguishes it from the same kind at another time."""

    kind: Concern
    occasion: str


@dataclass(frozen=True, slots=True)
class ConsignmentHistory:
    """Incidents and complaints of a consignment."""

    incidents: frozenset[str] = frozenset()
    overdue_complaints: tuple[str, ...] = ()


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
    """Check a page of the consignments under way, after the id ``after``. Returns the last id, or None at the end.

    One that another transaction has locked is skipped: that transaction checks it.
    """
    with conn.cursor(row_factory=class_row(Consignment)) as cursor:
        rows = cursor.execute(_WATCHED, (after, PAGE)).fetchall()
    for row in rows:
        look(conn, catalogue, calendar, row, now)
    return rows[-1].id if rows else None


def look(conn: Connection, catalogue: Catalogue, calendar: WorkingCalendar, row: Consignment, now: datetime) -> None:
    """Raise the concerns about this consignment that were not raised before; clear those whose cause is gone."""
    operator = catalogue.operators.get(row.operator)
    terms = Levels() if operator is None else operator.levels  # an operator that left the catalogue owes the law's
    due = concerns(calendar, terms, row, _known(conn, row, now), now)
    held = conn.execute("SELECT kind, occasion, cleared_at FROM attention WHERE subject = %s", (row.id,)).fetchall()
    before = {(one["kind"], one["occasion"]) for one in held}
    for raised in sorted(due, key=lambda one: (one.kind, one.occasion)):
        if (raised.kind.value, raised.occasion) not in before:
            call_for(conn, row.id, raised)
    still = {(one.kind.value, one.occasion) for one in due}
    if row.settled_at is None:
        # A refused cancellation leaves no trace in the row: it waits for a person until the consignment's end.
        still |= {(one["kind"], one["occasion"]) for one in held if one["kind"] == Concern.NOT_CANCELLED}
    for one in held:
        if one["cleared_at"] is None and (one["kind"], one["occasion"]) not in still:
            mended(conn, row.id, Concern(one["kind"]), occasion=one["occasion"])


def dismiss(conn: Connection, attention_id: int, actor: str, reason: str) -> bool:
    """Close a concern for good: this occasion is not raised again. False if it is not open."""
    row = conn.execute(
        "UPDATE attention SET cleared_at = now(), cleared_by = %s WHERE id = %s AND cleared_at IS NULL"
        " RETURNING subject, kind",
        (actor, attention_id),
    ).fetchone()
    if row is not None:
        audit.write(conn, row["subject"], actor, AuditAction.ATTENTION_DISMISSED, before=row["kind"], reason=reason)
    return row is not None


def _known(conn: Connection, row: Consignment, now: datetime) -> ConsignmentHistory:
    incidents = conn.execute("SELECT kind FROM incident WHERE consignment_id = %s", (row.id,)).fetchall()
    overdue = conn.execute(
        "SELECT id FROM complaint WHERE consignment_id = %s AND resolved_on IS NULL AND due_on < %s",
        (row.id, local(now).date()),
    ).fetchall()
    return ConsignmentHistory(frozenset(one["kind"] for one in incidents), tuple(one["id"] for one in overdue))


def call_for(conn: Connection, subject: str, one: RaisedConcern) -> None:
    """Raise a concern about ``subject``, a consignment or a dossier."""
    conn.execute(
        "INSERT INTO attention (subject, kind, occasion) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (subject, one.kind, one.occasion),
    )
    audit.write(conn, subject, "hub", AuditAction.ATTENTION_RAISED, after=one.kind)


def mended(conn: Connection, subject: str, kind: Concern, *, by: str = "hub", occasion: str | None = None) -> None:
    """Clear a concern about ``subject``: that of ``occasion``, or all of its kind."""
    cleared = conn.execute(
        "UPDATE attention SET cleared_at = now(), cleared_by = %(by)s WHERE subject = %(subject)s AND kind = %(kind)s"
        " AND (%(occasion)s::text IS NULL OR occasion = %(occasion)s) AND cleared_at IS NULL RETURNING id",
        {"by": by, "subject": subject, "kind": kind, "occasion": occasion},
    )
    if cleared.fetchone() is not None:
        audit.write(conn, subject, by, AuditAction.ATTENTION_CLEARED, before=kind)


def months_after(day: date, months: int) -> date:
    """The same day so many months on; the month's last where it has no such day (Civil Code 2015 Đ147)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (first_of_next - timedelta(days=1)).day))


def concerns(
    calendar: WorkingCalendar, levels: Levels, row: Consignment, known: ConsignmentHistory, now: datetime
) -> set[RaisedConcern]:
    """Every concern about this consignment now."""
    raised = {RaisedConcern(Concern.COMPLAINT_OVERDUE, complaint) for complaint in known.overdue_complaints}
    raised |= _faults(levels, row, known)
    if row.status in (ConsignmentStatus.ORDERED, ConsignmentStatus.ACCEPTED):
        ordered_on = local(row.ordered_at).date()
        if _is_over(calendar, calendar.after(ordered_on, levels.days_to_collect), now):
            raised.add(RaisedConcern(Concern.NOT_COLLECTED, ordered_on.isoformat()))
    elif row.status not in SETTLED | {ConsignmentStatus.LOST}:
        raised |= _delays(calendar, levels, row, now)
    return raised


def _faults(levels: Levels, row: Consignment, known: ConsignmentHistory) -> set[RaisedConcern]:
    """Concerns that do not depend on the day."""
    raised: set[RaisedConcern] = set()
    once = row.status_at.isoformat()
    if row.status in (ConsignmentStatus.REFUSED, ConsignmentStatus.RETURNED):
        raised.add(RaisedConcern(Concern(row.status), once))
    if (
        row.status in (ConsignmentStatus.RETURNING, ConsignmentStatus.RETURNED)
        and len(row.attempts) < levels.invitations
    ):
        raised.add(RaisedConcern(Concern.RETURNED_EARLY, ""))
    if row.status is ConsignmentStatus.LOST and "loss" not in known.incidents:
        raised.add(RaisedConcern(Concern.LOST, once))
    if row.damaged and "damage" not in known.incidents:
        raised.add(RaisedConcern(Concern.DAMAGED, ""))
    if row.late_events:
        raised.add(RaisedConcern(Concern.AFTER_THE_END, str(row.late_events)))
    if row.item_code_ok is False:
        raised.add(RaisedConcern(Concern.ITEM_CODE, str(row.item_code)))
    return raised


def _delays(calendar: WorkingCalendar, levels: Levels, row: Consignment, now: datetime) -> set[RaisedConcern]:
    """Concerns about a consignment under way that is late."""
    raised: set[RaisedConcern] = set()
    heard_on = local(row.last_event_at).date()
    if _is_over(calendar, calendar.after(heard_on, levels.silent_after_days), now):
        raised.add(RaisedConcern(Concern.SILENT, row.last_event_at.isoformat()))
    if row.promised_on and not row.attempts and _is_over(calendar, row.promised_on, now):
        raised.add(RaisedConcern(Concern.LATE, row.promised_on.isoformat()))
    if row.attempts and row.status is not ConsignmentStatus.RETURNING:
        last = local(row.attempts[-1]).date()
        if len(row.attempts) < levels.invitations:
            kind, days = Concern.NO_SECOND_INVITATION, levels.days_between_invitations
        else:
            kind, days = Concern.NO_RETURN, levels.days_to_return
        if _is_over(calendar, calendar.after(last, days), now):
            raised.add(RaisedConcern(kind, row.attempts[-1].isoformat()))
    return raised


def _is_over(calendar: WorkingCalendar, day: date, now: datetime) -> bool:
    """Whether ``day`` is over: from closing time on a working day, so that it shows before the next morning."""
    return now >= calendar.closing(day) if calendar.is_working_day(day) else local(now).date() > day
