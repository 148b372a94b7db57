"""Chargebacks in the database."""

from collections.abc import Mapping
from dataclasses import fields
from datetime import datetime
from typing import Any, Final

from psycopg import errors

from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.fees.payouts.chargebacks.model import LIFECYCLE, Chargeback, ChargebackState

_COLUMNS: Final = ", ".join(field.name for field in fields(Chargeback))
_ADD: Final = """
INSERT INTO chargeback (id, payment_id, account, amount, provider_case, state, answer_by, maker, reason, noticed_at)
VALUES (%s, %s, %s, %s, %s, 'noticed', %s, %s, %s, %s)
"""


def add(conn: Connection, found: Chargeback) -> None:
    """Raises InvalidState where the provider's case or the payment has one already."""
    row = (
        found.id,
        found.payment_id,
        found.account,
        found.amount,
        found.provider_case,
        found.answer_by,
        found.maker,
        found.reason,
        found.noticed_at,
    )
    try:
        with conn.transaction():
            conn.execute(_ADD, row)
    except errors.UniqueViolation:
        raise InvalidState(
            f"khoản nộp {found.payment_id} hoặc số tra soát {found.provider_case} đã được ghi nhận"
        ) from None


def find(conn: Connection, name: str, *, lock: bool = False) -> Chargeback:
    """By its id or the provider's number; ``lock``: ours until the transaction ends. Raises NotFound."""
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM chargeback WHERE id = %(name)s OR provider_case = %(name)s ORDER BY id LIMIT 1"
        + (" FOR UPDATE" if lock else ""),
        {"name": name},
    ).fetchone()
    if row is None:
        raise NotFound(f"không có tra soát {name}")
    return _made(row)


def awaited(conn: Connection, account: str) -> list[Chargeback]:
    """Those that no debit of this account has shown."""
    rows = conn.execute(f"SELECT {_COLUMNS} FROM chargeback WHERE account = %s AND line_id IS NULL", (account,))
    return [_made(row) for row in rows]


def listing(conn: Connection, *, state: str | None, limit: int) -> list[dict[str, Any]]:
    """By the day on which they have to be answered; without ``state`` those that are argued."""
    return conn.execute(
        f"SELECT {_COLUMNS} FROM chargeback WHERE state = %(state)s OR (%(state)s::text IS NULL"
        " AND state IN ('noticed', 'evidence')) ORDER BY answer_by, id LIMIT %(limit)s",
        {"state": state, "limit": limit},
    ).fetchall()


def move(conn: Connection, found: Chargeback, to: ChargebackState, *, at: datetime, line: int | None = None) -> None:
    """A locked one comes to stand at ``to``. Raises InvalidState where that does not follow."""
    if to is not found.state and to not in LIFECYCLE.moves[found.state]:
        raise InvalidState(f"tra soát {found.id} đang {found.state}: không chuyển sang {to} được")
    conn.execute(
        "UPDATE chargeback SET state = %(to)s, line_id = coalesce(%(line)s, line_id),"
        " settled_at = CASE WHEN %(to)s IN ('won', 'lost') THEN %(at)s END WHERE id = %(id)s",
        {"to": to.value, "line": line, "at": at, "id": found.id},
    )


def _made(row: Mapping[str, Any]) -> Chargeback:
    return Chargeback(**{**row, "state": ChargebackState(row["state"])})
