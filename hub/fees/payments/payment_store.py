"""Payments in the database: that a provider or a statement says money came in."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from psycopg.rows import class_row

from hub.db import Connection

_COLUMNS: Final = """id, source, provider, provider_txn, account, bank_ref, amount, allocated, paid_at, business_date,
    reference, status"""

_ADD: Final = """
INSERT INTO payment (id, source, provider, provider_txn, account, bank_ref, amount, paid_at, business_date, reference,
    text, status)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'notified')
ON CONFLICT DO NOTHING RETURNING id
"""


_SAID: Final = """
SELECT id FROM payment WHERE (provider, provider_txn) = (%(provider)s, %(txn)s)
UNION ALL
SELECT n.payment_id FROM late_notification n JOIN notify_event e ON e.id = n.event_id
WHERE (e.provider, e.provider_txn, e.kind) = (%(provider)s, %(txn)s, 'payment')
"""


SHOWN: Final = frozenset({"confirmed", "found_on_statement"})
"""statuses of a payment that a statement has shown"""


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment's row, without the payer's words. Amounts in đồng."""

    id: str
    source: str
    provider: str
    provider_txn: str | None
    account: str
    bank_ref: str | None
    amount: int
    allocated: int
    paid_at: datetime
    business_date: date
    reference: str | None
    status: str


def add(conn: Connection, payment: Payment, text: str) -> bool:
    """A payment that was told of; False if this money is known already, by its provider or by the bank's number."""
    row = (
        payment.id,
        payment.source,
        payment.provider,
        payment.provider_txn,
        payment.account,
        payment.bank_ref,
        payment.amount,
        payment.paid_at,
        payment.business_date,
        payment.reference,
        text,
    )
    return conn.execute(_ADD, row).fetchone() is not None


def lock(conn: Connection, payment_id: str) -> Payment | None:
    """The payment, ours until the transaction ends."""
    with conn.cursor(row_factory=class_row(Payment)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM payment WHERE id = %s FOR UPDATE", (payment_id,)).fetchone()


def said_by(conn: Connection, provider: str, provider_txn: str, *, lock: bool = False) -> Payment | None:
    """The payment that the provider calls so, or told of late; ``lock``: ours until the transaction ends."""
    with conn.cursor(row_factory=class_row(Payment)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM payment WHERE id IN ({_SAID})" + (" FOR UPDATE" if lock else ""),
            {"provider": provider, "txn": provider_txn},
        ).fetchone()


def booked_as(conn: Connection, account: str, bank_ref: str | None) -> Payment | None:
    """The payment that the bank booked under this number."""
    with conn.cursor(row_factory=class_row(Payment)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM payment WHERE account = %s AND bank_ref = %s", (account, bank_ref)
        ).fetchone()


def number(conn: Connection, payment_id: str, bank_ref: str | None) -> None:
    """The bank's own number of it, which only a gateway's was known of."""
    conn.execute("UPDATE payment SET bank_ref = %s, updated_at = now() WHERE id = %s", (bank_ref, payment_id))


def allocate(conn: Connection, payment_id: str, amount: int) -> None:
    """``amount`` more of it counts for a demand; the database refuses more than there is."""
    conn.execute(
        "UPDATE payment SET allocated = allocated + %s, updated_at = now() WHERE id = %s", (amount, payment_id)
    )


def end(conn: Connection, payment_id: str, status: str) -> None:
    """The money has gone back: nothing of it counts any more."""
    conn.execute(
        "UPDATE payment SET status = %s, allocated = 0, updated_at = now() WHERE id = %s", (status, payment_id)
    )


def paid_for(conn: Connection, payment_id: str) -> list[str]:
    """The demands for which it counts."""
    rows = conn.execute(
        "SELECT demand_id FROM fee_credit WHERE evidence = %s AND reversed_at IS NULL ORDER BY demand_id", (payment_id,)
    ).fetchall()
    return [row["demand_id"] for row in rows]
