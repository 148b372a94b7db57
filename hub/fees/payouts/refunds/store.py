"""Refunds in the database, and what stands in the book that could be given back."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

from psycopg import errors

from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.fees.ledger import LedgerAccount, Share
from hub.fees.payouts.orders.model import OrderState
from hub.locale import vi

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
_PAYMENT: Final = """
SELECT account, status FROM payment WHERE id = %s FOR UPDATE
"""
_LINE: Final = """
SELECT account, 'confirmed' AS status FROM statement_line WHERE id::text = %s FOR UPDATE
"""
_LINES_OF: Final = """
SELECT line_id FROM match_leg WHERE payment_id = %(item)s AND confirmed AND line_id IS NOT NULL
UNION SELECT id FROM statement_line WHERE id::text = %(item)s
"""
_CLOSE: Final = f"""
UPDATE fee_exception SET state = 'resolved', resolution = %(how)s, persons = 2, maker = %(maker)s,
    checker = %(checker)s, details = jsonb_build_object('refund', %(refund)s::text)
WHERE state <> 'resolved' AND code = ANY(%(codes)s) AND (
    object_id IN (%(item)s, %(refund)s) OR facts ->> 'payment' = %(item)s
    OR object_type = 'statement_line' AND object_id IN (SELECT line_id::text FROM ({_LINES_OF}) AS l))
RETURNING id
"""
_REOPEN: Final = """
UPDATE fee_exception c SET state = CASE WHEN assigned_to IS NULL THEN 'open' ELSE 'assigned' END, resolution = NULL,
    persons = NULL, maker = NULL, checker = NULL, details = '{}', reason = NULL
WHERE id = ANY(%s) AND state = 'resolved' AND NOT EXISTS (
    SELECT 1 FROM fee_exception o WHERE o.state <> 'resolved'
      AND (o.code, o.object_type, o.object_id) = (c.code, c.object_type, c.object_id))
RETURNING id
"""
_FREE: Final = """
UPDATE payment p SET allocated = p.allocated - c.amount, updated_at = now() FROM fee_credit c
WHERE c.demand_id = %s AND c.reversed_at IS NULL AND p.id = c.evidence
"""
_GONE: Final = f"""
WITH line AS (
    UPDATE statement_line SET state = 'matched', allocated = abs(amount) WHERE id IN ({_LINES_OF})
)
UPDATE payment SET status = 'refunded', updated_at = now() WHERE id = %(item)s
"""
_BACK: Final = f"""
WITH line AS (
    UPDATE statement_line SET state = 'in_exception', allocated = 0 WHERE id IN ({_LINES_OF})
)
UPDATE payment SET status = CASE source WHEN 'statement' THEN 'found_on_statement' ELSE 'confirmed' END,
    updated_at = now() WHERE id = %(item)s AND status = 'refunded'
"""


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
    conn: Connection, refund: Refund, to: OrderState, *, booked_at: datetime | None, cases: Sequence[str] | None = None
) -> None:
    """A locked refund comes to stand at ``to``; ``booked_at``: since when it stands on 113."""
    conn.execute(
        "UPDATE refund SET state = %s, booked_at = %s, exception_ids = coalesce(%s, exception_ids) WHERE id = %s",
        (to.value, booked_at, None if cases is None else list(cases), refund.id),
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
    """What brought that which stands on 338 or 339: locked. Raises NotFound."""
    row = conn.execute(_PAYMENT if item.startswith("pm_") else _LINE, (item,)).fetchone()
    if row is None:
        raise NotFound(vi("there is no payment or statement line {item}", item=item))
    return RefundSource(**row)


def place(conn: Connection, item: str, *, gone: bool) -> None:
    """What stood on 338 goes back to its sender whole, and nothing waits for it; or it does not after all."""
    conn.execute(_GONE if gone else _BACK, {"item": item})


def free_payments(conn: Connection, demand_id: str) -> None:
    """What payments counted for the demand, they count no more."""
    conn.execute(_FREE, (demand_id,))


def was_paid(conn: Connection, refund_id: str) -> bool:
    """Whether the bank was told of it before: by an order that failed or came back."""
    row = conn.execute("SELECT 1 FROM payment_order WHERE subject_id = %s AND state = 'failed' LIMIT 1", (refund_id,))
    return row.fetchone() is not None


def close_cases(conn: Connection, refund: Refund, codes: Sequence[str], **said: str) -> list[str]:
    """The exceptions about what is given back are over; their ids. ``said``: how, maker, checker."""
    asked = {**said, "codes": list(codes), "item": refund.item, "refund": refund.id}
    return [row["id"] for row in conn.execute(_CLOSE, asked)]


def reopen_cases(conn: Connection, refund: Refund) -> list[str]:
    """What was over when the refund was approved is open again."""
    return [row["id"] for row in conn.execute(_REOPEN, (refund.exception_ids,))]


def requested(conn: Connection, items: Sequence[str]) -> Requested | None:
    """The order that waits to be approved, of a refund of one of these demands, payments or lines."""
    row = conn.execute(
        "SELECT o.id, o.subject_id, o.maker FROM refund r JOIN payment_order o ON o.subject_id = r.id"
        " WHERE o.state = 'requested' AND (r.item = ANY(%(items)s) OR r.id = ANY(%(items)s)) ORDER BY o.id LIMIT 1",
        {"items": list(items)},
    ).fetchone()
    return Requested(**row) if row else None


def settles(conn: Connection, refund_id: str, case_id: str) -> None:
    """The exception is over with the refund, and open again if that is cancelled."""
    conn.execute(
        "UPDATE refund SET exception_ids = array_append(exception_ids, %s) WHERE id = %s", (case_id, refund_id)
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


def source_of(conn: Connection, case_id: str) -> str | None:
    """What an exception is about that could be given back: its payment or line on 338 or 339, else its demand."""
    row = conn.execute("SELECT object_type, object_id, facts FROM fee_exception WHERE id = %s", (case_id,)).fetchone()
    if row is None:
        return None
    if row["object_type"] == "fee_demand":
        return str(row["object_id"])
    candidates = [row["object_id"], row["facts"].get("payment"), row["facts"].get("line")]
    for item in candidates:
        stands = conn.execute(
            "SELECT 1 FROM ledger_line WHERE account IN ('338', '339') AND item = %s GROUP BY account"
            " HAVING sum(cr - dr) > 0 LIMIT 1",
            (item,),
        ).fetchone()
        if stands is not None:
            return str(item)
    return None
