"""The table: its lines from the ledger, sums by fee, what the Centre retains, and the bytes that are signed."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction
from typing import Any, Final

from psycopg.rows import args_row, class_row

from hub.clock import last_of
from hub.db import Connection
from hub.locale import vi
from hub.signing import canonical
from schemas.settlement import TYPE

OWN: Final = ("retained", "retained_withdrawn", "transferred", "transfer_returned")
"""entries that a settlement itself posts; every other posting to 331 is a line of a table"""

RECEIPTS: Final = ("notified", "identified", "identified_later", "allocated")
"""entries that credit money to a demand"""

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

_EXCEPTIONS: Final = """
SELECT coalesce(d.department, c.facts ->> 'department') AS department, c.code, count(*)::integer AS count,
       sum(c.at_risk)::bigint AS at_risk
FROM fee_exception c LEFT JOIN fee_demand d
    ON d.id = CASE c.object_type WHEN 'fee_demand' THEN c.object_id ELSE c.facts ->> 'demand' END
WHERE c.state <> 'resolved' AND coalesce(d.department, c.facts ->> 'department') IS NOT NULL
GROUP BY 1, 2 ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class TableItem:
    """A line of a table, with the columns above. ``amount`` in đồng, above zero where it is owed to the department."""

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
    """The open exceptions of one code about a department's money; ``at_risk`` in đồng."""

    department: str
    code: str
    count: int
    at_risk: int


def items(conn: Connection, month: date) -> dict[str, list[TableItem]]:
    """Department → its lines in order: those carried on first, then by day and entry."""
    between = {"first": month, "last": last_of(month), "own": list(OWN), "receipts": list(RECEIPTS)}
    by_department: dict[str, list[TableItem]] = {}
    with conn.cursor(row_factory=args_row(TableItem)) as cursor:
        for query in (_CARRIED, _BOOKED):
            for item in cursor.execute(query, between):
                by_department.setdefault(item.department, []).append(item)
    return dict(sorted(by_department.items()))


def open_exceptions(conn: Connection) -> dict[str, list[OpenExceptions]]:
    """Open exceptions, by department."""
    by_department: dict[str, list[OpenExceptions]] = {}
    with conn.cursor(row_factory=class_row(OpenExceptions)) as cursor:
        for exceptions in cursor.execute(_EXCEPTIONS):
            by_department.setdefault(exceptions.department, []).append(exceptions)
    return by_department


def take(conn: Connection, settlement_id: str, carried: Sequence[int]) -> None:
    """Mark these amounts, carried on from earlier tables, as lines of this one."""
    conn.execute("UPDATE settlement_carry SET taken_by = %s WHERE id = ANY(%s)", (settlement_id, list(carried)))


WHOLE: Final = 10_000
"""basis points"""


def retained(shares_by_fee: Mapping[str, int]) -> dict[str, int]:
    """Fee → đồng that the Centre retains; below zero where it gives back. ``shares_by_fee``: Σ amount × basis points.

    The department's whole is cut off to đồng towards zero (never more than the share; a month that reverses an earlier
    one gives back what that one retained), and spread by the largest remainder: each fee is within one đồng of its own
    share, and they add up to the whole. Of equal remainders the first by code goes first.
    """
    shares = {code: Fraction(amount, WHOLE) for code, amount in shares_by_fee.items()}
    parts = {code: math.floor(share) for code, share in shares.items()}
    missing = math.trunc(sum(shares.values(), Fraction())) - sum(parts.values())
    by_remainder = sorted(shares, key=lambda code: (parts[code] - shares[code], code))
    for code in by_remainder[:missing]:
        parts[code] += 1
    return parts


SUMS: Final = {"carried": "carried", "receipt": "receipts", "refund": "refunds", "adjustment": "adjustments"}
"""kind of a line → column of its sum"""
_LONGEST: Final = 1000
"""characters of a title"""


@dataclass(frozen=True, slots=True)
class TableFee:
    """Kind and title of a fee."""

    kind: str
    title: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """The ledger's checkpoint that covers the month: its root, and the last entry under it."""

    root: str
    last_entry: int


@dataclass(frozen=True, slots=True)
class Draft:
    """A department's month, before it is signed."""

    id: str
    department: str
    month: date
    items: Sequence[TableItem]
    fees: Sequence[Mapping[str, Any]]
    """as schemas.settlement.FeeSum, sorted by code"""

    def total(self, column: str) -> int:
        return sum(fee[column] for fee in self.fees)

    @property
    def sums(self) -> dict[str, int]:
        """The table's totals; ``opening``: what is carried on."""
        columns = ("receipts", "refunds", "adjustments", "retained", "net")
        return {"opening": self.total("carried")} | {column: self.total(column) for column in columns}


def draft(
    settlement_id: str, department: str, month: date, items: Sequence[TableItem], known: Mapping[str, TableFee]
) -> Draft:
    """Draft a department's table over its ``items``. ``known``: fees of the catalogue, by code.

    1. Name each fee by its lines, or by the catalogue.
    2. Sum the lines by fee and kind, count its demands, and weigh the amounts by their retention rates.
    3. Distribute the retained share over the fees; net = the sums less that.
    """
    # 1.
    named = _named(items, known)
    # 2.
    sums: dict[str, dict[str, int]] = {}
    demands: dict[str, set[str | int]] = {}
    shares_by_fee: dict[str, int] = {}
    for item in items:
        fee = sums.setdefault(item.fee_code, dict.fromkeys(SUMS.values(), 0))
        fee[SUMS[item.kind]] += item.amount
        seen = demands.setdefault(item.fee_code, set())
        if item.kind == "receipt":
            seen.add(item.demand_id or item.entry)
        shares_by_fee[item.fee_code] = shares_by_fee.get(item.fee_code, 0) + item.amount * item.retention_bp
    # 3.
    shares = retained(shares_by_fee)
    fees = [
        {
            "fee_code": code,
            "kind": named[code].kind,
            "title": named[code].title,
            "count": len(demands[code]),
            **sums[code],
            "retained": shares[code],
            "net": sum(sums[code].values()) - shares[code],
        }
        for code in sorted(sums)
    ]
    return Draft(settlement_id, department, month, items, fees)


def encoded(
    drafted: Draft,
    *,
    name: str,
    at: datetime,
    anchor: Anchor,
    exceptions: Iterable[OpenExceptions] = (),
    issued: Mapping[str, Sequence[Mapping[str, Any]]],
) -> bytes:
    """The table as canonical JSON. ``name``: the department's; ``issued``: fee → the ranges of its receipts."""
    return canonical.encode(
        {
            "v": 1,
            "typ": TYPE,
            "settlement_id": drafted.id,
            "month": f"{drafted.month:%Y-%m}",
            "department": drafted.department,
            "department_name": name,
            "closed_at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            **drafted.sums,
            "fees": [{**fee, "issued": list(issued.get(fee["fee_code"], ()))} for fee in drafted.fees],
            "lines": [_line(number, item) for number, item in enumerate(drafted.items, start=1)],
            "open_exceptions": [{"code": one.code, "count": one.count, "at_risk": one.at_risk} for one in exceptions],
            "book": anchor.root,
            "last_entry": anchor.last_entry,
        }
    )


def _line(number: int, item: TableItem) -> dict[str, Any]:
    return {
        "number": number,
        "kind": item.kind,
        "day": item.day.isoformat(),
        "fee_code": item.fee_code,
        "amount": item.amount,
        "entry": item.entry,
        "reference": item.reference,
        "dossier_code": item.dossier_code,
        "original": item.original,
    }


def _named(items: Sequence[TableItem], known: Mapping[str, TableFee]) -> dict[str, TableFee]:
    """Code → kind and title: from its lines, else from the catalogue, else the code alone.

    Two procedures may give two fees one code: then the row has both titles, and is a phí if one of them is, because a
    share of a phí may be retained.
    """
    fees: dict[str, TableFee] = {}
    titles: dict[str, list[str]] = {}
    for item in items:
        if item.fee_kind is not None and item.title is not None:
            mixed = item.fee_code in fees and fees[item.fee_code].kind == "phi"
            titles_of_code = titles.setdefault(item.fee_code, [])
            if item.title not in titles_of_code:
                titles_of_code.append(item.title)
            fees[item.fee_code] = TableFee("phi" if mixed else item.fee_kind, _joined(titles_of_code))
        elif item.fee_code not in fees:
            fallback = TableFee(item.fee_kind or "phi", item.fee_code)
            fees[item.fee_code] = known.get(item.fee_code, fallback)
    return fees


def _joined(titles: Sequence[str]) -> str:
    whole = "; ".join(titles)
    return (
        whole
        if len(whole) <= _LONGEST
        else vi("{titles}; and {more} more items of this code", titles=titles[0], more=len(titles) - 1)
    )
