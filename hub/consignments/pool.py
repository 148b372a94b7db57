"""Pre-printed item codes (UPU S10), sheet by sheet: each is used once."""

from collections.abc import Sequence

from hub import audit
from hub.db import Connection
from hub.errors import InvalidState


def add(conn: Connection, operator: str, codes: Sequence[str], *, actor: str) -> int:
    """Put codes into the operator's pool; how many of them were new."""
    added = 0
    for code in codes:
        stored = conn.execute(
            "INSERT INTO item_code_pool (code, operator) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING code",
            (code, operator),
        )
        added += stored.fetchone() is not None
    audit.note(conn, f"postal.{operator}", actor, "item codes added", after=str(added))
    return added


def free(conn: Connection, operator: str) -> str | None:
    """The next code that nobody has, ours until the transaction ends; None where the operator gives its own."""
    row = conn.execute(
        "SELECT code FROM item_code_pool WHERE operator = %s AND consignment_id IS NULL"
        " ORDER BY code LIMIT 1 FOR UPDATE SKIP LOCKED",
        (operator,),
    ).fetchone()
    return row["code"] if row else None


def take(conn: Connection, code: str, consignment_id: str) -> None:
    """The code is on this consignment, for good.

    Raises InvalidState if it is on another; one from no pool is nobody's.
    """
    taken = conn.execute(
        "UPDATE item_code_pool SET consignment_id = %s, taken_at = now() WHERE code = %s AND consignment_id IS NULL",
        (consignment_id, code),
    )
    if taken.rowcount == 0 and conn.execute("SELECT 1 FROM item_code_pool WHERE code = %s", (code,)).fetchone():
        raise InvalidState(f"the item code {code} is on another consignment")
