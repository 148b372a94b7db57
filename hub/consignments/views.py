"""Queries for people: consignments, their contents and events, and the concerns about them."""

from typing import Any, Final

from hub.db import Connection, one
from schemas.postal import ConsignmentOrder

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
