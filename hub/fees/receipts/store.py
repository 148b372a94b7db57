"""Tables of the receipts. The database numbers them: taking a number locks its series until the commit."""

from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Any, Final, LiteralString

from psycopg.rows import class_row

from config.receipts import IssueOn
from hub.audit import AuditAction
from hub.db import Connection, one
from hub.errors import NotFound
from hub.events import Event
from hub.fees.demands.model import DemandStatusCode
from hub.locale import vi
from hub.messages import outbox
from hub.unit_of_work import UnitOfWork

ISSUE: Final = "receipt.issue"
VOID: Final = "receipt.void"
"""kinds of transfer"""

STANDS_WHILE: Final = (
    DemandStatusCode.PAID_UNCONFIRMED.value,
    DemandStatusCode.PAID.value,
    DemandStatusCode.SETTLED.value,
)
"""demand statuses in which a receipt is valid"""


BARE: Final[LiteralString] = """
SELECT DISTINCT l.demand_id FROM fee_demand d JOIN fee_demand_line l ON l.demand_id = d.id
WHERE d.status IN ('paid_unconfirmed', 'paid', 'settled') AND l.amount > l.waived
  AND NOT EXISTS (SELECT 1 FROM receipt r WHERE (r.demand_id, r.kind) = (l.demand_id, l.kind) AND r.voided_at IS NULL)
"""
"""Demands that lack a receipt for a kind of fee, in one pass; the view receipt_due says which of them are due"""


def keep(uow: UnitOfWork, issue_on: IssueOn) -> list[Event]:
    """Record the policy when receipts are issued, from now on, unless it is recorded already."""
    last = uow.conn.execute("SELECT issue_on FROM receipt_policy ORDER BY number DESC LIMIT 1").fetchone()
    if last is None or last["issue_on"] != issue_on:
        uow.conn.execute("INSERT INTO receipt_policy (since, issue_on) VALUES (%s, %s)", (uow.now, issue_on))
        uow.write_audit(
            "receipts", AuditAction.RECEIPT_POLICY_CHANGED, before=last["issue_on"] if last else None, after=issue_on
        )
    return []


@dataclass(frozen=True, slots=True)
class FeeReceiptRow:
    """A receipt's row; ``body`` is the signed record."""

    id: str
    series: str
    year: int
    number: int
    demand_id: str
    department: str
    kind: str
    amount: int
    issued_on: date
    issued_at: datetime
    body: bytes
    signature: bytes
    leaf_id: str
    replaces: str | None = None
    counterparty: str | None = None
    published_at: datetime | None = None
    issuer_number: int | None = None
    void_maker: str | None = None
    void_reason: str | None = None
    voided_at: datetime | None = None
    voided_by: str | None = None
    void_notified_at: datetime | None = None

    @property
    def title(self) -> str:
        """Series and number, as people write it."""
        return f"{self.series} {self.number:08}"


@dataclass(frozen=True, slots=True)
class Due:
    """A kind of fee of a demand that has to have a receipt."""

    demand_id: str
    kind: str
    amount: int
    department: str


_COLUMNS: Final = ", ".join(field.name for field in fields(FeeReceiptRow))
_ADD: Final = """
INSERT INTO receipt (id, series, year, number, demand_id, department, kind, amount, issued_on, issued_at, body,
    signature, leaf_id, replaces, counterparty)
VALUES (%(id)s, %(series)s, %(year)s, %(number)s, %(demand_id)s, %(department)s, %(kind)s, %(amount)s, %(issued_on)s,
    %(issued_at)s, %(body)s, %(signature)s, %(leaf_id)s, %(replaces)s, %(counterparty)s)
"""
_WAITING: Final = """
SELECT due.demand_id, due.kind, due.amount, due.department FROM receipt_due AS due
WHERE NOT EXISTS (SELECT 1 FROM receipt r WHERE (r.demand_id, r.kind) = (due.demand_id, due.kind)
                  AND r.voided_at IS NULL)
"""


def next_number(conn: Connection, series: str, year: int) -> int:
    """Take the next number of the series, which is locked until the transaction ends."""
    return int(one(conn, "SELECT next_receipt_number(%s, %s::smallint) AS number", (series, year))["number"])


def add(conn: Connection, receipt: FeeReceiptRow) -> None:
    """Insert the receipt under the number that was just taken."""
    conn.execute(_ADD, asdict(receipt))


def waiting(conn: Connection, demand_id: str) -> list[Due]:
    """Kinds of fee of the demand that lack a receipt, in alphabetical order."""
    with conn.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(_WAITING + " AND due.demand_id = %s ORDER BY due.kind", (demand_id,)).fetchall()


def demands_waiting(conn: Connection, *, after: str, limit: int) -> list[str]:
    """Demands that lack a receipt, by id, from behind ``after`` on."""
    rows = conn.execute(
        # LIMIT 1 keeps the planner from working receipt_due out for every demand there is.
        f"WITH bare AS MATERIALIZED ({BARE} AND d.id > %s) SELECT b.demand_id FROM bare b"
        f" CROSS JOIN LATERAL ({_WAITING} AND due.demand_id = b.demand_id LIMIT 1) AS w ORDER BY 1 LIMIT %s",
        (after, limit),
    ).fetchall()
    return [row["demand_id"] for row in rows]


def lapsed(conn: Connection, *, after: str, limit: int) -> list[str]:
    """Valid receipts of demands that are not paid any more, by id, from behind ``after`` on."""
    rows = conn.execute(
        "SELECT r.id FROM receipt r JOIN fee_demand d ON d.id = r.demand_id WHERE r.voided_at IS NULL"
        " AND NOT d.status = ANY(%s) AND r.id > %s ORDER BY r.id LIMIT %s",
        (list(STANDS_WHILE), after, limit),
    ).fetchall()
    return [row["id"] for row in rows]


def demand_of(conn: Connection, receipt_id: str) -> str:
    """The receipt's demand, to be locked before the receipt. Raises NotFound."""
    row = conn.execute("SELECT demand_id FROM receipt WHERE id = %s", (receipt_id,)).fetchone()
    if row is None:
        raise NotFound(vi("there is no receipt {receipt_id}", receipt_id=receipt_id))
    return str(row["demand_id"])


def lock(conn: Connection, receipt_id: str) -> FeeReceiptRow:
    """Lock the receipt. Raises NotFound."""
    with conn.cursor(row_factory=class_row(FeeReceiptRow)) as cursor:
        detail = cursor.execute(f"SELECT {_COLUMNS} FROM receipt WHERE id = %s FOR UPDATE", (receipt_id,)).fetchone()
    if detail is None:
        raise NotFound(vi("there is no receipt {receipt_id}", receipt_id=receipt_id))
    return detail


def last_void(conn: Connection, demand_id: str, kind: str) -> FeeReceiptRow | None:
    """The last receipt of the demand for this kind of fee: void, when another one is issued in its place."""
    with conn.cursor(row_factory=class_row(FeeReceiptRow)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM receipt WHERE demand_id = %s AND kind = %s"
            " ORDER BY issued_at DESC, id DESC LIMIT 1",
            (demand_id, kind),
        ).fetchone()


def published(conn: Connection, receipt_id: str, number: int, at: datetime) -> None:
    """Record that the issuer has published it under ``number``."""
    conn.execute("UPDATE receipt SET published_at = %s, issuer_number = %s WHERE id = %s", (at, number, receipt_id))


def void_proposed(conn: Connection, receipt_id: str, maker: str, reason: str) -> None:
    conn.execute("UPDATE receipt SET void_maker = %s, void_reason = %s WHERE id = %s", (maker, reason, receipt_id))


def voided(conn: Connection, receipt_id: str, by: str, reason: str, at: datetime) -> None:
    """Mark the receipt as void."""
    conn.execute(
        "UPDATE receipt SET voided_at = %s, voided_by = %s, void_reason = %s WHERE id = %s",
        (at, by, reason, receipt_id),
    )


def void_told(conn: Connection, receipt_id: str, at: datetime) -> None:
    """Record that the issuer has voided it."""
    conn.execute("UPDATE receipt SET void_notified_at = %s WHERE id = %s", (at, receipt_id))


# Reads for people. They change nothing.

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


def detail(conn: Connection, receipt_id: str) -> Row | None:
    """A receipt with its state, record, transfers and the receipts that it replaces; None if there is none."""
    row = conn.execute(f"SELECT * FROM ({_LIST}) AS l WHERE id = %s", (receipt_id,)).fetchone()
    if row is None:
        return None
    more = conn.execute(
        "SELECT body, replaces, leaf_id, issued_at, published_at, issuer_number, void_maker, void_reason, voided_at,"
        " voided_by, void_notified_at FROM receipt WHERE id = %s",
        (receipt_id,),
    ).fetchone()
    transfers = outbox.by_key(conn, [ISSUE, VOID], receipt_id)
    return {**row, **(more or {}), "chain": _chain(conn, receipt_id), "transfers": transfers}


def _chain(conn: Connection, receipt_id: str) -> list[Row]:
    """The receipts that it replaces, the nearest first."""
    return conn.execute(
        "WITH RECURSIVE before AS (SELECT id, replaces, 0 AS place FROM receipt WHERE id = %s UNION ALL"
        " SELECT r.id, r.replaces, b.place + 1 FROM receipt r JOIN before b ON r.id = b.replaces)"
        " SELECT r.id, r.series, r.number, r.issued_on, r.voided_at, r.void_reason FROM before b"
        " JOIN receipt r ON r.id = b.id WHERE b.place > 0 ORDER BY b.place",
        (receipt_id,),
    ).fetchall()
