"""Refunds in the database, and what stands in the book that could be given back."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

from psycopg import errors

from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.fees import exceptions, payments
from hub.fees.ledger import LedgerAccount, Share
from hub.fees.payouts.orders import OrderState
from hub.locale import vi
from schemas.identifiers import Prefix

SOURCES: Final = (LedgerAccount.PAYABLE, LedgerAccount.UNIDENTIFIED, LedgerAccount.OVERPAID)
"""where money stands that may be given back"""


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund's row. ``item``: the demand where it stands on 331, else what the account calls it by."""

    id: str
    source: LedgerAccount
    item: str
    amount: int
    state: OrderState
    """its order's; after ``failed`` it is ordered again"""
    reason: str
    due_on: date
    requested_at: datetime
    booked_at: datetime | None
    exception_ids: list[str]


_COLUMNS: Final = ", ".join(field.name for field in fields(Refund))
_ADD: Final = """
INSERT INTO refund (id, source, item, amount, state, reason, due_on, requested_at)
VALUES (%s, %s, %s, %s, 'requested', %s, %s, %s)
"""
_STANDS: Final = """
SELECT account, sum(cr - dr)::bigint AS net FROM ledger_line
WHERE account = ANY(%(accounts)s) AND CASE account WHEN '331' THEN demand_id ELSE item END = %(item)s
GROUP BY account HAVING sum(cr - dr) <> 0 ORDER BY account
"""
_SHARES: Final = """
SELECT department, fee_code, sum(cr - dr)::bigint AS amount FROM ledger_line
WHERE account = '331' AND demand_id = %s GROUP BY department, fee_code HAVING sum(cr - dr) <> 0
ORDER BY department, fee_code
"""
_LINE: Final = """
SELECT account FROM statement_line WHERE id::text = %s FOR UPDATE
"""
_LINES_OF: Final = """
SELECT line_id FROM match_leg WHERE payment_id = %(item)s AND confirmed AND line_id IS NOT NULL
UNION SELECT id FROM statement_line WHERE id::text = %(item)s
"""
_GONE: Final = "UPDATE statement_line SET state = 'matched', allocated = abs(amount) WHERE id = ANY(%s::bigint[])"
_BACK: Final = "UPDATE statement_line SET state = 'in_exception', allocated = 0 WHERE id = ANY(%s::bigint[])"


@dataclass(frozen=True, slots=True)
class RefundSource:
    """The payment or line that brought money: the account of ours that it came into, and how a payment stands."""

    account: str
    status: str


@dataclass(frozen=True, slots=True)
class Requested:
    """An order that waits to be approved."""

    id: str
    subject_id: str
    maker: str


def add(conn: Connection, refund: Refund) -> None:
    """Raises InvalidState where the same is asked for already, or less is there."""
    row = (refund.id, refund.source, refund.item, refund.amount, refund.reason, refund.due_on, refund.requested_at)
    try:
        with conn.transaction():
            conn.execute(_ADD, row)
    except errors.UniqueViolation:
        raise InvalidState(vi("a refund of {item} waits for approval already", item=refund.item)) from None
    except errors.CheckViolation:
        raise InvalidState(
            vi(
                "the ledger has less than {amount} VND of {item} to refund: look at the amount again",
                amount=refund.amount,
                item=refund.item,
            )
        ) from None


def find(conn: Connection, refund_id: str, *, lock: bool = False) -> Refund:
    """The refund; ``lock``: ours until the transaction ends. Raises NotFound."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM refund WHERE id = %s" + (" FOR UPDATE" if lock else ""), (refund_id,)
    ).fetchone()
    if row is None:
        raise NotFound(vi("there is no refund {refund_id}", refund_id=refund_id))
    return Refund(**{**row, "source": LedgerAccount(row["source"]), "state": OrderState(row["state"])})


def move(
    conn: Connection,
    refund: Refund,
    to: OrderState,
    *,
    booked_at: datetime | None,
    exception_ids: Sequence[str] | None = None,
) -> None:
    """A locked refund comes to stand at ``to``; ``booked_at``: since when it stands on 113."""
    conn.execute(
        "UPDATE refund SET state = %s, booked_at = %s, exception_ids = coalesce(%s, exception_ids) WHERE id = %s",
        (to.value, booked_at, None if exception_ids is None else list(exception_ids), refund.id),
    )


def standing(conn: Connection, item: str) -> dict[LedgerAccount, int]:
    """Account → what stands there for a demand, payment or line and could be given back."""
    asked = {"accounts": [account.value for account in SOURCES], "item": item}
    return {LedgerAccount(row["account"]): row["net"] for row in conn.execute(_STANDS, asked)}


def shares(conn: Connection, demand_id: str) -> list[Share]:
    """What departments are owed for a demand, fee by fee."""
    rows = conn.execute(_SHARES, (demand_id,))
    return [Share(row["department"], row["fee_code"], row["amount"], demand_id) for row in rows]


def money(conn: Connection, item: str) -> RefundSource:
    """Lock the payment or line that brought what stands on 338 or 339. Raises NotFound."""
    if item.startswith(f"{Prefix.PAYMENT.value}_"):
        payment = payments.lock(conn, item)
        if payment is not None:
            return RefundSource(payment.account, payment.status)
    elif (row := conn.execute(_LINE, (item,)).fetchone()) is not None:
        return RefundSource(row["account"], "confirmed")
    raise NotFound(vi("there is no payment or statement line {item}", item=item))


def place(conn: Connection, item: str, *, gone: bool) -> None:
    """What stood on 338 goes back to its sender whole, and nothing waits for it; or it does not after all."""
    conn.execute(_GONE if gone else _BACK, (lines_of(conn, item),))
    (payments.refunded if gone else payments.not_refunded)(conn, item)


def was_paid(conn: Connection, refund_id: str) -> bool:
    """Whether the bank was told of it before: by an order that failed or came back."""
    row = conn.execute("SELECT 1 FROM payment_order WHERE subject_id = %s AND state = 'failed' LIMIT 1", (refund_id,))
    return row.fetchone() is not None


def lines_of(conn: Connection, item: str) -> list[str]:
    """Statement lines that show the money of a payment; or the line itself."""
    return [str(row["line_id"]) for row in conn.execute(_LINES_OF, {"item": item})]


def requested(conn: Connection, items: Sequence[str]) -> Requested | None:
    """The order that waits to be approved, of a refund of one of these demands, payments or lines."""
    row = conn.execute(
        "SELECT o.id, o.subject_id, o.maker FROM refund r JOIN payment_order o ON o.subject_id = r.id"
        " WHERE o.state = 'requested' AND (r.item = ANY(%(items)s) OR r.id = ANY(%(items)s)) ORDER BY o.id LIMIT 1",
        {"items": list(items)},
    ).fetchone()
    return Requested(**row) if row else None


def settles(conn: Connection, refund_id: str, exception_id: str) -> None:
    """The exception is over with the refund, and open again if that is cancelled."""
    conn.execute(
        "UPDATE refund SET exception_ids = array_append(exception_ids, %s) WHERE id = %s", (exception_id, refund_id)
    )


# Reads: refunds, and what could be given back. They change nothing, and leave out to whom.

Row = dict[str, Any]


def listing(conn: Connection, *, state: str | None, limit: int) -> list[Row]:
    """Refunds by the day on which their payers are to have them; without ``state`` those that are not over."""
    return conn.execute(
        "SELECT id, source, item, amount, state, due_on, requested_at, booked_at FROM refund WHERE state = %(state)s"
        " OR (%(state)s::text IS NULL AND state NOT IN ('confirmed', 'cancelled')) ORDER BY due_on, id LIMIT %(limit)s",
        {"state": state, "limit": limit},
    ).fetchall()


def source_of(conn: Connection, exception_id: str) -> str | None:
    """What an exception is about that could be given back: its payment or line on 338 or 339, else its demand.

    Raises NotFound where there is no such exception.
    """
    exception = exceptions.find(conn, exception_id)
    if exception.object_type == "fee_demand":
        return exception.object_id
    for item in (exception.object_id, exception.payment, exception.line):
        amounts = standing(conn, item) if item is not None else {}
        if max(amounts.get(LedgerAccount.UNIDENTIFIED, 0), amounts.get(LedgerAccount.OVERPAID, 0)) > 0:
            return item
    return None
