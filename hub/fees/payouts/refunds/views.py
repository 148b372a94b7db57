"""Reads: refunds, and what could be given back. They change nothing, and leave out to whom."""

from typing import Any

from hub.db import Connection

Row = dict[str, Any]


def listing(conn: Connection, *, state: str | None, limit: int) -> list[Row]:
    """Refunds by the day on which their payers are to have them; without ``state`` those that are not over."""
    return conn.execute(
        "SELECT id, source, item, amount, state, due_on, requested_at, booked_at FROM refund WHERE state = %(state)s"
        " OR (%(state)s::text IS NULL AND state NOT IN ('confirmed', 'cancelled')) ORDER BY due_on, id LIMIT %(limit)s",
        {"state": state, "limit": limit},
    ).fetchall()


def source_of(conn: Connection, case_id: str) -> str | None:
    """What a case is about that could be given back: its payment or line on 338 or 339, else its demand."""
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
