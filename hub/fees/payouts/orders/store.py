"""Payment orders in the database. Whoever changes one has locked it, and what stands behind it before."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from psycopg import errors
from psycopg.types.json import Jsonb

from hub.db import Connection, one
from hub.errors import InvalidState, NotFound
from hub.fees.payouts.orders.model import OrderState, Payee, PaymentOrder
from hub.locale import vi
from schemas.payment_reference import PaymentReference, is_reference, scattered

_COLUMNS: Final = ", ".join(field.name for field in fields(PaymentOrder))
_ADD: Final = """
INSERT INTO payment_order (id, purpose, subject_id, reference, account, amount, payee, state, maker, reason,
    requested_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, 'requested', %s, %s, %s)
"""
_MOVE: Final = """
UPDATE payment_order SET state = %(state)s, checker = coalesce(%(checker)s, checker),
    approved_at = CASE %(state)s WHEN 'approved' THEN %(at)s ELSE approved_at END,
    sent_at = CASE %(state)s WHEN 'sent' THEN %(at)s ELSE sent_at END,
    settled_at = CASE WHEN %(state)s IN ('confirmed', 'failed', 'cancelled') THEN %(at)s ELSE settled_at END,
    line_id = coalesce(%(line)s, line_id), returned_line_id = coalesce(%(returned)s, returned_line_id)
WHERE id = %(id)s
"""


def next_reference(conn: Connection, prefix: str) -> str:
    """A reference that no order has had."""
    number = one(conn, "SELECT nextval('order_reference_serial') AS number", ())["number"]
    return str(PaymentReference.issued(prefix, scattered(number)))


def add(conn: Connection, order: PaymentOrder) -> None:
    """Raises InvalidState where an order for the same subject is under way, or was paid."""
    row = (
        order.id,
        order.purpose,
        order.subject_id,
        order.reference,
        order.account,
        order.amount,
        Jsonb(order.payee.model_dump()),
        order.maker,
        order.reason,
        order.requested_at,
    )
    try:
        with conn.transaction():
            conn.execute(_ADD, row)
    except errors.UniqueViolation:
        raise InvalidState(vi("{subject_id} has a payment order already", subject_id=order.subject_id)) from None


def find(conn: Connection, name: str, *, lock: bool = False) -> PaymentOrder:
    """By its id or reference; ``lock``: ours until the transaction ends. Raises NotFound."""
    column = "reference" if is_reference(name) else "id"
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM payment_order WHERE {column} = %s" + (" FOR UPDATE" if lock else ""), (name,)
    ).fetchone()
    if row is None:
        raise NotFound(vi("there is no payment order {name}", name=name))
    return _order(row)


def named(conn: Connection, references: Sequence[str]) -> dict[str, PaymentOrder]:
    """Reference → its order, of those that are orders' references."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM payment_order WHERE reference = ANY(%s)", (list(references),))
    return {row["reference"]: _order(row) for row in rows}


def paid_by(conn: Connection, lines: Sequence[int]) -> list[PaymentOrder]:
    """The orders that these debit lines have shown."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM payment_order WHERE line_id = ANY(%s) ORDER BY id", (list(lines),))
    return [_order(row) for row in rows]


def sent(conn: Connection, account: str, purpose: str) -> list[PaymentOrder]:
    """Orders from this account that were sent to the bank and are on no statement yet."""
    rows = conn.execute(
        f"SELECT {_COLUMNS} FROM payment_order WHERE purpose = %s AND state = 'sent' AND account = %s ORDER BY id",
        (purpose, account),
    )
    return [_order(row) for row in rows]


def move(
    conn: Connection,
    order: PaymentOrder,
    to: OrderState,
    *,
    at: datetime,
    checker: str | None = None,
    line: int | None = None,
    returned: int | None = None,
) -> None:
    """A locked order comes to stand at ``to``. Raises InvalidState where that does not follow."""
    order.check(to)
    parameters = {"state": to.value, "at": at, "checker": checker, "line": line, "returned": returned, "id": order.id}
    conn.execute(_MOVE, parameters)


def _order(row: Mapping[str, Any]) -> PaymentOrder:
    return PaymentOrder(**{**row, "payee": Payee.model_validate(row["payee"]), "state": OrderState(row["state"])})


# Reads: payment orders. They change nothing, and leave out whose accounts are paid.

Row = dict[str, Any]

_LIST: Final = """
SELECT o.id, o.purpose, o.subject_id, o.reference, o.account, o.amount, o.state, o.maker, o.checker, o.requested_at,
    o.approved_at, o.sent_at, o.settled_at, o.line_id, o.returned_line_id, r.due_on, r.item
FROM payment_order o LEFT JOIN refund r ON r.id = o.subject_id
"""


def listing(conn: Connection, *, state: str | None, purpose: str | None, limit: int) -> list[Row]:
    """Orders, the oldest first; without ``state`` those that are not over."""
    return conn.execute(
        _LIST + " WHERE (o.state = %(state)s OR (%(state)s::text IS NULL"
        " AND o.state IN ('requested', 'approved', 'sent')))"
        " AND (%(purpose)s::text IS NULL OR o.purpose = %(purpose)s) ORDER BY o.id LIMIT %(limit)s",
        {"state": state, "purpose": purpose, "limit": limit},
    ).fetchall()
