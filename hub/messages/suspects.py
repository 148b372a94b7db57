"""Suspects: claims that ended without a word, so that their process has died, of them or of what ran beside them.

A process handles several messages at a time, and one that kills it takes the others along. So whatever is claimed
again after one death runs while no other suspect does: the one that kills is then alone, and the others are cleared.
"""

from typing import Final

from hub.db import Connection, one

_LOCK: Final = 5_018_001
"""An advisory lock of ours: who looks whether a suspect may run, and claims it, does so alone."""

_RUNNING: Final = """
SELECT EXISTS (SELECT 1 FROM inbox WHERE unsettled_claims > 1 AND state IN ('received', 'waiting')
        AND due_at > clock_timestamp())
    OR EXISTS (SELECT 1 FROM outbox WHERE unsettled_claims > 1 AND state = 'sending'
        AND due_at > clock_timestamp()) AS found
"""


def may_run(conn: Connection) -> bool:
    """Whether no suspect is under way. Until the transaction ends nobody else may claim one."""
    conn.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    return not one(conn, _RUNNING, ())["found"]
