"""Consignments in the database, and the queries of people: contents, tracking events, concerns."""

from collections.abc import Sequence
from dataclasses import fields
from datetime import date, datetime
from typing import Any, Final

from psycopg.rows import class_row

from hub import audit
from hub.audit import AuditAction
from hub.consignments.model import SETTLED, Consignment, ConsignmentStatus, ManifestItem
from hub.consignments.tracking import TrackingRecord, TrackingStatus
from hub.db import Connection, one
from hub.errors import InvalidState
from schemas.postal import ConsignmentOrder

COLUMNS: Final = ", ".join(f"c.{field.name}" for field in fields(Consignment))
_SELECT: Final = f"SELECT {COLUMNS} FROM consignment c "

_ADD: Final = """
INSERT INTO consignment (id, operator, direction, service, order_number, item_code, item_code_ok, seal_number,
    route_class, cash, handoff_id, transfer_id, order_status, order_status_at, status, status_at, token_hash,
    ordered_at, last_event_at)
VALUES (%(id)s, %(operator)s, %(direction)s, %(service)s, %(order_number)s, %(item_code)s, %(item_code_ok)s,
    %(seal_number)s, %(route_class)s, %(cash)s, %(handoff_id)s, %(transfer_id)s, 'ordered', %(now)s, 'ordered', %(now)s,
    %(token_hash)s, %(now)s, %(now)s)
"""

_PLACE: Final = """
UPDATE consignment SET status = %(status)s, status_at = %(at)s, attempts = %(attempts)s, damaged = %(damaged)s,
    late_events = %(late_events)s, posted_on = %(posted_on)s, promised_on = %(promised_on)s,
    last_event_at = %(last_event_at)s,
    settled_at = CASE WHEN %(settled)s THEN COALESCE(settled_at, now()) END, updated_at = now()
WHERE id = %(id)s
"""


def add(conn: Connection, row: dict[str, Any], items: Sequence[ManifestItem]) -> None:
    """Insert a consignment, ordered, with its manifest."""
    conn.execute(_ADD, row)
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO consignment_item (consignment_id, number, dossier_id, kind, title, originals, copies)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                (row["id"], number, item.dossier_id, item.kind, item.title, item.originals, item.copies)
                for number, item in enumerate(items, 1)
            ],
        )


def find(conn: Connection, *, id: str | None = None, transfer: str | None = None) -> Consignment | None:
    """The consignment with this id, or the one that this transfer orders."""
    column, value = ("id", id) if transfer is None else ("transfer_id", transfer)
    with conn.cursor(row_factory=class_row(Consignment)) as cursor:
        return cursor.execute(_SELECT + f"WHERE c.{column} = %s", (value,)).fetchone()


def by_order(conn: Connection, operator: str, order_number: str) -> Consignment | None:
    """The consignment that the operator knows under this number."""
    with conn.cursor(row_factory=class_row(Consignment)) as cursor:
        return cursor.execute(
            _SELECT + "WHERE c.operator = %s AND c.order_number = %s", (operator, order_number)
        ).fetchone()


def lock(conn: Connection, consignment_id: str) -> Consignment:
    """Lock the consignment until the transaction ends, after its dossiers in order of their ids. Raises LookupError."""
    conn.execute(
        "SELECT 1 FROM dossier WHERE id IN (SELECT dossier_id FROM consignment_item WHERE consignment_id = %s)"
        " ORDER BY id FOR UPDATE",
        (consignment_id,),
    )
    with conn.cursor(row_factory=class_row(Consignment)) as cursor:
        consignment = cursor.execute(_SELECT + "WHERE c.id = %s FOR UPDATE", (consignment_id,)).fetchone()
    if consignment is None:
        raise LookupError(consignment_id)
    return consignment


def dossiers(conn: Connection, consignment_id: str) -> list[str]:
    """Ids of the dossiers whose papers or results are in it."""
    rows = conn.execute(
        "SELECT DISTINCT dossier_id FROM consignment_item WHERE consignment_id = %s ORDER BY dossier_id",
        (consignment_id,),
    ).fetchall()
    return [row["dossier_id"] for row in rows]


def note(
    conn: Connection, consignment_id: str, one: TrackingRecord, *, code: str, place: str | None, message: str
) -> bool:
    """Store a tracking event; False if it is stored already."""
    inserted = conn.execute(
        "INSERT INTO tracking_event (consignment_id, key, status, code, at, place, message_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING RETURNING id",
        (consignment_id, one.key, one.status, code, one.at, place, message),
    )
    return inserted.fetchone() is not None


def tracking_records(conn: Connection, consignment_id: str) -> list[TrackingRecord]:
    """All its tracking events, in no order."""
    rows = conn.execute("SELECT key, status, at FROM tracking_event WHERE consignment_id = %s", (consignment_id,))
    return [TrackingRecord(row["key"], ConsignmentStatus(row["status"]), row["at"]) for row in rows]


def order_answered(
    conn: Connection, consignment_id: str, to: ConsignmentStatus, *, at: datetime, reason: str | None
) -> None:
    """Record the operator's answer to our order, or to its cancellation."""
    conn.execute(
        "UPDATE consignment SET order_status = %s, order_status_at = %s, reason = %s WHERE id = %s",
        (to, at, reason, consignment_id),
    )


def coded(conn: Connection, consignment_id: str, item_code: str, *, is_valid: bool) -> None:
    """Store the operator's code of the item."""
    conn.execute(
        "UPDATE consignment SET item_code = %s, item_code_ok = %s WHERE id = %s", (item_code, is_valid, consignment_id)
    )


def place(conn: Connection, consignment_id: str, tracking: TrackingStatus, promised_on: date | None) -> None:
    """Store the status that the fold of its events gives."""
    conn.execute(
        _PLACE,
        {
            "id": consignment_id,
            "status": tracking.status,
            "at": tracking.at,
            "attempts": list(tracking.attempts),
            "damaged": tracking.damaged,
            "late_events": len(tracking.late_events),
            "posted_on": tracking.posted_on,
            "promised_on": promised_on,
            "last_event_at": tracking.last_event_at,
            "settled": tracking.status in SETTLED,
        },
    )


def add_item_codes(conn: Connection, operator: str, codes: Sequence[str], *, actor: str) -> int:
    """Add codes to the operator's pool. Returns how many of them were new."""
    added = 0
    for code in codes:
        stored = conn.execute(
            "INSERT INTO item_code_pool (code, operator) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING code",
            (code, operator),
        )
        added += stored.fetchone() is not None
    audit.write(conn, f"postal.{operator}", actor, AuditAction.CONSIGNMENT_ITEM_CODES_ADDED, after=str(added))
    return added


def free_item_code(conn: Connection, operator: str) -> str | None:
    """Lock the next free code until the transaction ends; None where the pool has none."""
    row = conn.execute(
        "SELECT code FROM item_code_pool WHERE operator = %s AND consignment_id IS NULL"
        " ORDER BY code LIMIT 1 FOR UPDATE SKIP LOCKED",
        (operator,),
    ).fetchone()
    return row["code"] if row else None


def take_item_code(conn: Connection, code: str, consignment_id: str) -> None:
    """Assign the code to this consignment, for good.

    Raises InvalidState if it is on another; one from no pool is nobody's.
    """
    taken = conn.execute(
        "UPDATE item_code_pool SET consignment_id = %s, taken_at = now() WHERE code = %s AND consignment_id IS NULL",
        (consignment_id, code),
    )
    if taken.rowcount == 0 and conn.execute("SELECT 1 FROM item_code_pool WHERE code = %s", (code,)).fetchone():
        raise InvalidState(f"the item code {code} is on another consignment")


Row = dict[str, Any]

_LISTED: Final = """
SELECT c.id, c.operator, c.direction, c.service, c.order_number, c.item_code, c.item_code_ok, c.seal_number,
    c.route_class, c.cash, c.handoff_id, c.transfer_id, c.status, c.status_at, c.attempts, c.damaged, c.late_events,
    c.reason,
    c.ordered_at, c.posted_on, c.promised_on, c.last_event_at, c.settled_at,
    (SELECT count(*) FROM consignment_item i WHERE i.consignment_id = c.id) AS items,
    (SELECT count(*) FROM attention a WHERE a.subject = c.id AND a.cleared_at IS NULL) AS attention
FROM consignment c
"""


def consignments(
    conn: Connection, *, status: str | None = None, operator: str | None = None, is_open: bool = False, limit: int
) -> list[Row]:
    """Consignments, oldest first; ``is_open``: only those that have not ended."""
    return conn.execute(
        _LISTED + "WHERE (%(status)s::text IS NULL OR c.status = %(status)s)"
        " AND (%(operator)s::text IS NULL OR c.operator = %(operator)s)"
        " AND (NOT %(is_open)s OR c.settled_at IS NULL) ORDER BY c.ordered_at, c.id LIMIT %(limit)s",
        {"status": status, "operator": operator, "is_open": is_open, "limit": limit},
    ).fetchall()


def consignment(conn: Connection, name: str) -> Row | None:
    """One consignment by its id, order number or item code, with all that belongs to it."""
    row = conn.execute(
        _LISTED + "WHERE c.id = %(name)s OR c.order_number = %(name)s OR c.item_code = %(name)s LIMIT 1", {"name": name}
    ).fetchone()
    if row is None:
        return None
    return {
        **row,
        "manifest": manifest(conn, row["id"]),
        "events": _all(conn, "SELECT at, status, code, place, recorded_at FROM tracking_event"
                             " WHERE consignment_id = %s ORDER BY at, id", row["id"]),
        "concerns": _all(conn, "SELECT id, kind, raised_at, cleared_at, cleared_by FROM attention"
                               " WHERE subject = %s ORDER BY id", row["id"]),
        "complaints": _all(conn, "SELECT id, subject, detail, filed_on, due_on, outcome, answer, resolved_on"
                                 " FROM complaint WHERE consignment_id = %s ORDER BY id", row["id"]),
        "incidents": _all(conn, "SELECT id, kind, found_on, liable, compensation, note FROM incident"
                                " WHERE consignment_id = %s ORDER BY id", row["id"]),
        "audit_log": _all(conn, "SELECT at, actor, action, before, after, reason FROM audit_log"
                              " WHERE subject = %s ORDER BY id", row["id"]),
    }  # fmt: skip


def manifest(conn: Connection, consignment_id: str) -> list[Row]:
    """The bag's manifest (bảng kê), line by line: codes and titles, nobody's name."""
    return _all(
        conn,
        "SELECT i.number, d.raw_code AS dossier_code, i.kind, i.title, i.originals, i.copies, i.dossier_id"
        " FROM consignment_item i JOIN dossier d ON d.id = i.dossier_id WHERE i.consignment_id = %s ORDER BY i.number",
        consignment_id,
    )


def ordered(conn: Connection, transfer_id: str) -> ConsignmentOrder:
    """The order as sent to the operator, with names and addresses, for the slip and the label."""
    row = one(conn, "SELECT body FROM outbox WHERE id = %s", (transfer_id,))
    return ConsignmentOrder.model_validate_json(row["body"])


def attention(conn: Connection, *, limit: int) -> list[Row]:
    """Open concerns, oldest first."""
    return conn.execute(
        "SELECT a.id, a.kind, a.raised_at, a.occasion, a.subject, c.order_number, c.item_code, c.status,"
        "  c.promised_on, c.last_event_at FROM attention a LEFT JOIN consignment c ON c.id = a.subject"
        " WHERE a.cleared_at IS NULL ORDER BY a.raised_at, a.id LIMIT %s",
        (limit,),
    ).fetchall()


def pool(conn: Connection) -> list[Row]:
    """Each operator's pre-printed codes: how many are left, how many are used."""
    return conn.execute(
        "SELECT operator, count(*) FILTER (WHERE consignment_id IS NULL) AS free,"
        "  count(*) FILTER (WHERE consignment_id IS NOT NULL) AS used FROM item_code_pool GROUP BY operator ORDER BY 1"
    ).fetchall()


def _all(conn: Connection, query: Any, subject: str) -> list[Row]:
    return conn.execute(query, (subject,)).fetchall()
