"""Reads: receipts as people look at them. They change nothing."""

from datetime import date
from typing import Any, Final

from hub.db import Connection

Row = dict[str, Any]

_LIST: Final = """
SELECT r.id, r.series, r.year, r.number, r.kind, r.amount, r.issued_on, r.department, r.demand_id, f.reference,
    d.raw_code AS dossier_code, CASE WHEN r.voided_at IS NOT NULL THEN 'void'
        WHEN r.void_maker IS NOT NULL THEN 'void proposed' ELSE 'stands' END AS state,
    CASE WHEN r.counterparty IS NULL THEN 'not told' WHEN r.published_at IS NULL THEN 'waits'
        WHEN r.issuer_number <> r.number THEN 'other number'
        WHEN r.voided_at IS NOT NULL AND r.void_notified_at IS NULL THEN 'void waits' ELSE 'published' END AS issuer
FROM receipt r JOIN fee_demand f ON f.id = r.demand_id JOIN dossier d ON d.id = f.dossier_id
"""


def listing(conn: Connection, *, day: date | None, state: str | None, limit: int) -> list[Row]:
    """Receipts, the newest first."""
    return conn.execute(
        f"SELECT * FROM ({_LIST}) AS l WHERE (%(day)s::date IS NULL OR issued_on = %(day)s)"
        " AND (%(state)s::text IS NULL OR state = %(state)s)"
        " ORDER BY issued_on DESC, series, number DESC LIMIT %(most)s",
        {"day": day, "state": state, "most": limit},
    ).fetchall()


def found(conn: Connection, receipt_id: str) -> Row | None:
    """One receipt: how it stands, what it says, the chain of those in whose place it stands, its transfers."""
    row = conn.execute(f"SELECT * FROM ({_LIST}) AS l WHERE id = %s", (receipt_id,)).fetchone()
    if row is None:
        return None
    more = conn.execute(
        "SELECT body, replaces, leaf_id, issued_at, published_at, issuer_number, void_maker, void_reason, voided_at,"
        " voided_by, void_notified_at FROM receipt WHERE id = %s",
        (receipt_id,),
    ).fetchone()
    transfers = conn.execute(
        "SELECT id, kind, state, error_code FROM outbox WHERE key = %s AND kind LIKE 'receipt.%%' ORDER BY seq",
        (receipt_id,),
    ).fetchall()
    return {**row, **(more or {}), "chain": _chain(conn, receipt_id), "transfers": transfers}


def _chain(conn: Connection, receipt_id: str) -> list[Row]:
    """The receipts before it, the nearest first."""
    return conn.execute(
        "WITH RECURSIVE before AS (SELECT id, replaces, 0 AS place FROM receipt WHERE id = %s UNION ALL"
        " SELECT r.id, r.replaces, b.place + 1 FROM receipt r JOIN before b ON r.id = b.replaces)"
        " SELECT r.id, r.series, r.number, r.issued_on, r.voided_at, r.void_reason FROM before b"
        " JOIN receipt r ON r.id = b.id WHERE b.place > 0 ORDER BY b.place",
        (receipt_id,),
    ).fetchall()
