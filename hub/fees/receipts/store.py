"""Receipts in the database. Numbers come from there: whoever takes one holds the series until the commit."""

from dataclasses import asdict, dataclass, fields
from datetime import date, datetime
from typing import Final

from psycopg.rows import class_row

from hub.db import Connection, one
from hub.errors import NotFound
from hub.fees.receipts.policy import BARE, STANDS_WHILE


@dataclass(frozen=True, slots=True)
class FeeReceiptRow:
    """A receipt's row; what it says is in ``body``."""

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
        """As people call it: symbols and number."""
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
    """The number that the next receipt of the series has, ours until the transaction ends."""
    return int(one(conn, "SELECT next_receipt_number(%s, %s::smallint) AS number", (series, year))["number"])


def add(conn: Connection, receipt: FeeReceiptRow) -> None:
    """The receipt under the number that was just taken."""
    conn.execute(_ADD, asdict(receipt))


def waiting(conn: Connection, demand_id: str) -> list[Due]:
    """Kinds of fee of the demand that ought to have a receipt and have none, phí last as the alphabet has it."""
    with conn.cursor(row_factory=class_row(Due)) as cursor:
        return cursor.execute(_WAITING + " AND due.demand_id = %s ORDER BY due.kind", (demand_id,)).fetchall()


def demands_waiting(conn: Connection, *, after: str, limit: int) -> list[str]:
    """Demands with such kinds, by id, from behind ``after`` on."""
    rows = conn.execute(
        # LIMIT 1 keeps the planner from working receipt_due out for every demand there is.
        f"WITH bare AS MATERIALIZED ({BARE} AND d.id > %s) SELECT b.demand_id FROM bare b"
        f" CROSS JOIN LATERAL ({_WAITING} AND due.demand_id = b.demand_id LIMIT 1) AS w ORDER BY 1 LIMIT %s",
        (after, limit),
    ).fetchall()
    return [row["demand_id"] for row in rows]


def lapsed(conn: Connection, *, after: str, limit: int) -> list[str]:
    """Receipts that stand while their demand is not paid any more, by id, from behind ``after`` on."""
    rows = conn.execute(
        "SELECT r.id FROM receipt r JOIN fee_demand d ON d.id = r.demand_id WHERE r.voided_at IS NULL"
        " AND NOT d.status = ANY(%s) AND r.id > %s ORDER BY r.id LIMIT %s",
        (list(STANDS_WHILE), after, limit),
    ).fetchall()
    return [row["id"] for row in rows]


def demand_of(conn: Connection, receipt_id: str) -> str:
    """The demand that it is for: to be locked before the receipt. Raises NotFound."""
    row = conn.execute("SELECT demand_id FROM receipt WHERE id = %s", (receipt_id,)).fetchone()
    if row is None:
        raise NotFound(f"không có biên lai {receipt_id}")
    return str(row["demand_id"])


def lock(conn: Connection, receipt_id: str) -> FeeReceiptRow:
    """The receipt, ours until the transaction ends. Raises NotFound."""
    with conn.cursor(row_factory=class_row(FeeReceiptRow)) as cursor:
        found = cursor.execute(f"SELECT {_COLUMNS} FROM receipt WHERE id = %s FOR UPDATE", (receipt_id,)).fetchone()
    if found is None:
        raise NotFound(f"không có biên lai {receipt_id}")
    return found


def last_void(conn: Connection, demand_id: str, kind: str) -> FeeReceiptRow | None:
    """The void receipt in whose place the next one of this kind stands."""
    with conn.cursor(row_factory=class_row(FeeReceiptRow)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM receipt WHERE demand_id = %s AND kind = %s"
            " ORDER BY issued_at DESC, id DESC LIMIT 1",
            (demand_id, kind),
        ).fetchone()


def published(conn: Connection, receipt_id: str, number: int, at: datetime) -> None:
    """The issuer has it."""
    conn.execute("UPDATE receipt SET published_at = %s, issuer_number = %s WHERE id = %s", (at, number, receipt_id))


def void_proposed(conn: Connection, receipt_id: str, maker: str, reason: str) -> None:
    conn.execute("UPDATE receipt SET void_maker = %s, void_reason = %s WHERE id = %s", (maker, reason, receipt_id))


def voided(conn: Connection, receipt_id: str, by: str, reason: str, at: datetime) -> None:
    """It does not stand any more."""
    conn.execute(
        "UPDATE receipt SET voided_at = %s, voided_by = %s, void_reason = %s WHERE id = %s",
        (at, by, reason, receipt_id),
    )


def void_told(conn: Connection, receipt_id: str, at: datetime) -> None:
    """The issuer knows that."""
    conn.execute("UPDATE receipt SET void_notified_at = %s WHERE id = %s", (at, receipt_id))
