"""Payments: money that a provider has notified or a statement shows, in the database and in the ledger."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from psycopg.rows import class_row

from hub.clock import local
from hub.db import Connection, as_set
from hub.fees.demands import demand_store
from hub.fees.ledger import LedgerAccount, LedgerEntry, LedgerLine, Origin, Share, closed, post, postings
from hub.fees.ledger.entry import spread
from hub.unit_of_work import UnitOfWork

_COLUMNS: Final = """id, source, provider, provider_txn, account, bank_ref, amount, allocated, paid_at, business_date,
    reference, status"""

_ADD: Final = """
INSERT INTO payment (id, source, provider, provider_txn, account, bank_ref, amount, paid_at, business_date, reference,
    text, status)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'notified')
ON CONFLICT DO NOTHING RETURNING id
"""

ADD_FOUND: Final = """
INSERT INTO payment (id, source, provider, provider_txn, account, bank_ref, amount, paid_at, business_date, reference,
    status)
SELECT id, 'statement', provider, provider_txn, account, bank_ref, amount, paid_at, business_date, reference,
    'found_on_statement'
FROM found
"""
"""Part of a statement whose common table ``found`` has these columns: add payments that only a statement shows."""

_ALLOCATE: Final = """
UPDATE payment p SET allocated = p.allocated + a.amount, updated_at = now()
FROM json_to_recordset(%s) AS a (id text, amount bigint) WHERE p.id = a.id
"""

_RELEASE: Final = """
UPDATE payment p SET allocated = p.allocated - c.amount, updated_at = now() FROM fee_credit c
WHERE c.demand_id = %s AND c.reversed_at IS NULL AND p.id = c.evidence
"""

_CONFIRM: Final = """
UPDATE payment SET status = 'confirmed', updated_at = now()
WHERE id = ANY(%s) AND status IN ('notified', 'unconfirmed_overdue')
"""

_OVERDUE: Final = """
UPDATE payment SET status = 'unconfirmed_overdue', updated_at = now() WHERE id = ANY(%s) AND status = 'notified'
"""

_NOT_REFUNDED: Final = """
UPDATE payment SET status = CASE source WHEN 'statement' THEN 'found_on_statement' ELSE 'confirmed' END,
    updated_at = now() WHERE id = %s AND status = 'refunded'
"""

_KNOWN_AS: Final = """
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
    """Add a notified payment; False if this money is known already, by its provider or by the bank's number.

    ``text``: the payer's words (personal data).
    """
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
    """Lock the payment; None if there is none."""
    with conn.cursor(row_factory=class_row(Payment)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM payment WHERE id = %s FOR UPDATE", (payment_id,)).fetchone()


def notified_as(conn: Connection, provider: str, provider_txn: str, *, lock: bool = False) -> Payment | None:
    """The payment that the provider has notified under this number, in time or late; ``lock``: for an update."""
    with conn.cursor(row_factory=class_row(Payment)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM payment WHERE id IN ({_KNOWN_AS})" + (" FOR UPDATE" if lock else ""),
            {"provider": provider, "txn": provider_txn},
        ).fetchone()


def booked_as(conn: Connection, account: str, bank_ref: str | None) -> Payment | None:
    """The payment that the bank booked under this number."""
    with conn.cursor(row_factory=class_row(Payment)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM payment WHERE account = %s AND bank_ref = %s", (account, bank_ref)
        ).fetchone()


def number(conn: Connection, payment_id: str, bank_ref: str | None) -> None:
    """Store the bank's own number of a payment that only had a gateway's."""
    conn.execute("UPDATE payment SET bank_ref = %s, updated_at = now() WHERE id = %s", (bank_ref, payment_id))


def allocate(conn: Connection, amounts: Mapping[str, int]) -> None:
    """Count ``amounts`` (payment → đồng; below zero: less) more for demands; the database refuses more than came."""
    rows = [{"id": payment, "amount": amount} for payment, amount in amounts.items()]
    conn.execute(_ALLOCATE, (as_set(rows),))


def release(conn: Connection, demand_id: str) -> None:
    """Take back from payments what of them counts for the demand, which is given back."""
    conn.execute(_RELEASE, (demand_id,))


def confirm(conn: Connection, payment_ids: Collection[str]) -> None:
    """Mark notified payments as shown by a statement; others stay as they are."""
    conn.execute(_CONFIRM, (list(payment_ids),))


def mark_overdue(conn: Connection, payment_ids: Collection[str]) -> None:
    """Mark notified payments that the statement should have shown by now."""
    conn.execute(_OVERDUE, (list(payment_ids),))


def refunded(conn: Connection, payment_id: str) -> None:
    """The whole payment, which was nobody's, goes back to its sender."""
    conn.execute("UPDATE payment SET status = 'refunded', updated_at = now() WHERE id = %s", (payment_id,))


def not_refunded(conn: Connection, payment_id: str) -> None:
    """Undo ``refunded``: the payment stays here after all."""
    conn.execute(_NOT_REFUNDED, (payment_id,))


def end(conn: Connection, payment_id: str, status: str) -> None:
    """The money has gone back, or never came: none of it counts any more."""
    conn.execute(
        "UPDATE payment SET status = %s, allocated = 0, updated_at = now() WHERE id = %s", (status, payment_id)
    )


def paid_for(conn: Connection, payment_id: str) -> list[str]:
    """The demands for which the payment counts."""
    rows = conn.execute(
        "SELECT demand_id FROM fee_credit WHERE evidence = %s AND reversed_at IS NULL ORDER BY demand_id", (payment_id,)
    ).fetchall()
    return [row["demand_id"] for row in rows]


def of_day(conn: Connection, account: str, day: date) -> list[str]:
    """The payments that the account has of ``day``."""
    rows = conn.execute("SELECT id FROM payment WHERE account = %s AND business_date = %s", (account, day))
    return [row["id"] for row in rows]


SOURCE: Final = "payment"
OWED_BACK: Final = frozenset({"R03", "R05", "R07"})
"""exceptions whose money beyond the demand is owed to its payer (339); of any other it is unidentified (338)"""


def notified(
    uow: UnitOfWork, payment: Payment, demand_id: str | None = None, taken: int = 0, code: str | None = None
) -> None:
    """An authenticated notification: ``taken`` of it counts for the demand, ``code`` says what the rest is. Once."""
    rest = payment.amount - taken
    over = rest if code in OWED_BACK else 0
    owed = shares(uow, demand_id, taken) if demand_id and taken else []
    post(uow.conn, postings.notified(_origin(uow, payment), payment.id, owed, over, rest - over))


def taken_back(uow: UnitOfWork, payment: Payment) -> bool:
    """``notified`` in reverse; False if something has been booked about the payment since, so that a person decides."""
    booked = uow.conn.execute(
        "SELECT l.account, l.dr, l.cr, l.department, l.fee_code, l.demand_id, l.item,"
        " e.source_type, e.source_id, e.kind FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq"
        " WHERE l.item = %(id)s OR (e.source_type = 'payment' AND e.source_id = %(id)s) ORDER BY e.seq, l.number",
        {"id": payment.id},
    ).fetchall()
    own = (SOURCE, payment.id, "notified")
    if not booked or any((row["source_type"], row["source_id"], row["kind"]) != own for row in booked):
        return False
    lines = tuple(
        LedgerLine(
            LedgerAccount(row["account"]),
            row["dr"],
            row["cr"],
            row["department"],
            row["fee_code"],
            row["demand_id"],
            row["item"],
        )
        for row in booked
    )
    origin = _origin(uow, payment)
    today = origin_on(uow, SOURCE, payment.id, payment.account, local(uow.now).date())
    post(uow.conn, postings.mirrored(LedgerEntry("notified", origin, lines), "taken_back", today))
    return True


def shares(uow: UnitOfWork, demand_id: str, taken: int) -> list[Share]:
    """Which fees of the demand the money is for: in their order, behind what came before."""
    demand = demand_store.lock(uow.conn, demand_id)
    owed = [
        Share(line.department, line.fee_code, line.amount - line.waived, demand_id)
        for line in demand_store.lines(uow.conn, demand_id)
        if line.amount > line.waived
    ]
    return spread(owed, demand.allocated - taken, taken)


def _origin(uow: UnitOfWork, payment: Payment) -> Origin:
    return origin_on(uow, SOURCE, payment.id, payment.account, payment.business_date)


def origin_on(uow: UnitOfWork, source_type: str, source_id: str, account: str, day: date) -> Origin:
    """Where an entry that belongs on ``day`` of ``account`` goes: there, or to an open day that points back to it."""
    taken = open_day(uow, account, day)
    return Origin(source_type, source_id, taken, account, day if taken != day else None)


def open_day(uow: UnitOfWork, account: str, day: date) -> date:
    """What is found when its day has been closed goes to today; where that is closed too, to the next open day."""
    if not closed(uow.conn, account, day):
        return day
    later = max(day + timedelta(days=1), local(uow.now).date())
    while closed(uow.conn, account, later):
        later += timedelta(days=1)
    return later
