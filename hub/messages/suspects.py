"""Suspects: rows with a claim whose process died, because of this row or of another that it handled at the time.

A process handles several rows at a time, and one that crashes it takes the others along. So a row that is claimed again
after a crash runs while no other suspect does: the one that crashes its process is then alone, the others are cleared.
"""

from typing import Final

from hub.db import Connection, one

_LOCK: Final = 5_018_001
"""advisory lock: checking whether a suspect may run and claiming it is one step"""

_RUNNING: Final = """
SELECT EXISTS (SELECT 1 FROM inbox WHERE unsettled_claims > 1 AND state IN ('received', 'waiting')
        AND due_at > clock_timestamp())
    OR EXISTS (SELECT 1 FROM outbox WHERE unsettled_claims > 1 AND state = 'sending'
        AND due_at > clock_timestamp()) AS running
"""


def may_run(conn: Connection) -> bool:
    """Whether no suspect is being handled. Keeps others from claiming one until the transaction ends."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    return not one(conn, _RUNNING, ())["running"]
