"""What goes into the tables of a month: every line of 331 of its days, and what earlier tables left behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from psycopg.rows import args_row, class_row

from hub.clock import last_of
from hub.db import Connection

OWN: Final = ("retained", "retained_withdrawn", "transferred", "transfer_returned")
"""entries that a settlement itself makes; every other line of 331 is something that its department is told"""

RECEIPTS: Final = ("notified", "identified", "identified_later", "allocated")
"""entries by which money comes to count for a demand"""

_BOOKED: Final = """
SELECT l.department,
       CASE WHEN l.cr > 0 AND e.kind = ANY(%(receipts)s) THEN 'receipt'
            WHEN l.dr > 0 AND e.kind = 'refund_ordered' THEN 'refund' ELSE 'adjustment' END AS kind,
       e.business_date AS day, l.fee_code, l.cr - l.dr AS amount, coalesce(f.retention_bp, 0) AS retention_bp,
       e.seq AS entry, l.number AS line_number, NULL::bigint AS carry_id, l.demand_id, d.reference,
       o.code AS dossier_code, f.kind AS fee_kind, f.title,
       CASE WHEN e.kind <> ALL(%(receipts)s) THEN (
           SELECT to_char(s.month, 'YYYY-MM/') || i.number FROM settlement_item i JOIN settlement s
               ON s.id = i.settlement_id
           WHERE i.live AND i.demand_id = l.demand_id AND i.fee_code = l.fee_code AND s.department = l.department
               AND i.kind = 'receipt' ORDER BY s.month DESC, i.number DESC LIMIT 1) END AS original
FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
LEFT JOIN fee_demand d ON d.id = l.demand_id LEFT JOIN dossier o ON o.id = d.dossier_id
LEFT JOIN fee_demand_line f ON f.demand_id = l.demand_id AND f.fee_code = l.fee_code
WHERE l.account = '331' AND e.business_date BETWEEN %(first)s AND %(last)s AND e.kind <> ALL(%(own)s)
ORDER BY l.department, e.business_date, e.seq, l.number
"""

_CARRIED: Final = """
SELECT c.department, 'carried' AS kind, e.business_date AS day, c.fee_code, c.amount, 0 AS retention_bp,
       c.entry_seq AS entry, NULL::smallint AS line_number, c.id AS carry_id, c.demand_id, d.reference,
       o.code AS dossier_code, f.kind AS fee_kind, NULL::text AS title,
       to_char(s.month, 'YYYY-MM') || coalesce('/' || c.number, '') AS original
FROM settlement_carry c JOIN settlement s ON s.id = c.settlement_id JOIN ledger_entry e ON e.seq = c.entry_seq
JOIN settlement_fee f ON f.settlement_id = c.settlement_id AND f.fee_code = c.fee_code
LEFT JOIN fee_demand d ON d.id = c.demand_id LEFT JOIN dossier o ON o.id = d.dossier_id
WHERE c.taken_by IS NULL AND s.month < %(first)s ORDER BY c.department, s.month, c.number, c.fee_code FOR UPDATE OF c
"""

_CASES: Final = """
SELECT coalesce(d.department, c.facts ->> 'department') AS department, c.code, count(*)::integer AS count,
       sum(c.at_risk)::bigint AS at_risk
FROM fee_exception c LEFT JOIN fee_demand d
    ON d.id = CASE c.object_type WHEN 'fee_demand' THEN c.object_id ELSE c.facts ->> 'demand' END
WHERE c.state <> 'resolved' AND coalesce(d.department, c.facts ->> 'department') IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class TableItem:
    """A line of a table to be, as the columns above have it. ``amount`` in đồng, above zero where it is owed."""

    department: str
    kind: str
    day: date
    fee_code: str
    amount: int
    retention_bp: int
    entry: int
    line_number: int | None
    carry_id: int | None
    demand_id: str | None
    reference: str | None
    dossier_code: str | None
    fee_kind: str | None
    title: str | None
    original: str | None


@dataclass(frozen=True, slots=True)
class OpenExceptions:
    """Exceptions of one code about a department's money that are not settled yet."""

    department: str
    code: str
    count: int
    at_risk: int


def items(conn: Connection, month: date) -> dict[str, list[TableItem]]:
    """Department → its lines in their order: what is carried on first, then by day and entry."""
    between = {"first": month, "last": last_of(month), "own": list(OWN), "receipts": list(RECEIPTS)}
    found: dict[str, list[TableItem]] = {}
    with conn.cursor(row_factory=args_row(TableItem)) as cursor:
        for query in (_CARRIED, _BOOKED):
            for item in cursor.execute(query, between):
                found.setdefault(item.department, []).append(item)
    return dict(sorted(found.items()))


def open_cases(conn: Connection) -> dict[str, list[OpenExceptions]]:
    """By department."""
    found: dict[str, list[OpenExceptions]] = {}
    with conn.cursor(row_factory=class_row(OpenExceptions)) as cursor:
        for cases in cursor.execute(_CASES):
            found.setdefault(cases.department, []).append(cases)
    return found


def take(conn: Connection, settlement_id: str, carried: Sequence[int]) -> None:
    """What was left behind is in this table now."""
    conn.execute("UPDATE settlement_carry SET taken_by = %s WHERE id = ANY(%s)", (settlement_id, list(carried)))
