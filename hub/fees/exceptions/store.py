"""Cases in the database. Whoever changes one has locked the dossiers that it is about first."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final

from psycopg import errors
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.fees.exceptions.model import FeeException

_COLUMNS: Final = ", ".join(field.name for field in fields(FeeException))

_STANDING: Final = """
SELECT l.account, l.item, abs(sum(l.dr - l.cr))::bigint AS net FROM ledger_line l
WHERE l.account IN ('338', '339', '341') AND l.item = ANY(%(items)s) AND NOT EXISTS (
    SELECT 1 FROM fee_exception c WHERE c.state <> 'resolved' AND c.id <> %(id)s AND c.code <> 'N02'
        AND (c.object_id = l.item OR c.facts ->> 'payment' = l.item OR c.facts ->> 'line' = l.item))
GROUP BY l.account, l.item HAVING sum(l.dr - l.cr) <> 0
"""


_MOVEMENT: Final = """
SELECT bank_ref, booking_date AS day, amount AS moved, 1 AS rank FROM statement_line WHERE id::text = %(line)s
UNION ALL SELECT bank_ref, business_date, amount, 2 FROM payment WHERE id = %(payment)s ORDER BY rank LIMIT 1
"""


def find(conn: Connection, case_id: str) -> FeeException:
    """The case. Raises NotFound."""
    return _one(conn, case_id, "")


def lock(conn: Connection, case_id: str) -> FeeException:
    """The case, ours until the transaction ends. Raises NotFound."""
    return _one(conn, case_id, " FOR UPDATE")


def _one(conn: Connection, case_id: str, ending: str) -> FeeException:
    with conn.cursor(row_factory=class_row(FeeException)) as cursor:
        found = cursor.execute(f"SELECT {_COLUMNS} FROM fee_exception WHERE id = %s{ending}", (case_id,)).fetchone()
    if found is None:
        raise NotFound(f"không có ca {case_id}")
    return found


def change(conn: Connection, case_id: str, **columns: Any) -> None:
    """Write these columns of a locked case. Raises InvalidState where the object has another open case of the code."""
    values = {name: Jsonb(value) if isinstance(value, Mapping) else value for name, value in columns.items()}
    wanted = ", ".join(f"{name} = %({name})s" for name in sorted(columns))
    try:
        conn.execute(f"UPDATE fee_exception SET {wanted} WHERE id = %(id)s", {**values, "id": case_id})
    except errors.UniqueViolation as error:
        raise InvalidState("đã có ca khác cùng mã đang mở về khoản này") from error


def standing(conn: Connection, case: FeeException) -> int:
    """What still waits on 338, 339 or 341 with nobody but this case behind it; đồng."""
    items = [item for item in (case.object_id, case.payment, case.line) if item]
    rows = conn.execute(_STANDING, {"items": items, "id": case.id}).fetchall()
    return sum(int(row["net"]) for row in rows)


def movement(conn: Connection, case: FeeException) -> dict[str, Any]:
    """What to look for at the bank: its number, day and amount of what the case is about. No payer's words."""
    row = conn.execute(_MOVEMENT, {"line": case.line, "payment": case.payment}).fetchone() or {}
    return {name: row[name] for name in ("bank_ref", "day", "moved") if row.get(name) is not None}


def listing(
    conn: Connection,
    *,
    states: Sequence[str],
    code: str | None = None,
    assigned_to: str | None = None,
    limit: int,
) -> list[FeeException]:
    """Cases, the most urgent first: by their day, then the worst, then the dearest."""
    with conn.cursor(row_factory=class_row(FeeException)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM fee_exception WHERE state = ANY(%(states)s)"
            " AND (%(code)s::text IS NULL OR code = %(code)s)"
            " AND (%(person)s::text IS NULL OR assigned_to = %(person)s)"
            " ORDER BY due_on, severity, at_risk DESC, id LIMIT %(limit)s",
            {"states": list(states), "code": code, "person": assigned_to, "limit": limit},
        ).fetchall()
