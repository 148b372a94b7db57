"""One transaction at a time looks at what an account shows: PostgreSQL's advisory lock, which goes with the commit."""

from typing import Final

from hub.db import Connection, one

_LOCK: Final = 7_310_010
"""with an account's hash"""


def taken(conn: Connection, account: str) -> bool:
    """Whether it is ours; False where somebody has it at this moment."""
    return bool(one(conn, "SELECT pg_try_advisory_xact_lock(%s, hashtext(%s)) AS mine", (_LOCK, account))["mine"])


def wait(conn: Connection, account: str) -> None:
    """Until it is ours."""
    conn.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_LOCK, account))
