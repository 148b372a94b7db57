"""Work for a person about money: a case with a code, what is at risk, and the day by which it has to be settled."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from psycopg.types.json import Jsonb

from hub.clock import local, now
from hub.db import Connection
from schemas.identifiers import Prefix, new_id

DAYS: Final[Mapping[str, int]] = {
    "R01": 3,
    "R02": 1,
    "R03": 5,
    "R04": 5,
    "R05": 5,
    "R06": 2,
    "R07": 5,
    "R08": 2,
    "R09": 2,
    "N01": 1,
    "N02": 5,
    "N03": 0,
    "V01": 1,
    "V02": 1,
}
"""days within which a case of this code is to be settled; of any other, one"""
SEVERITY: Final = ((10_000_000, 1), (1_000_000, 2), (100_000, 3))
"""đồng at risk, from which on it is so severe; 1: the worst"""

_OPEN: Final = """
INSERT INTO exception_case (id, code, severity, at_risk, object_type, object_id, state, due_on, facts)
VALUES (%s, %s, %s, %s, %s, %s, 'open', %s, %s)
ON CONFLICT (code, object_type, object_id) WHERE state <> 'resolved' DO NOTHING RETURNING id
"""


def open_case(
    conn: Connection, code: str, object_type: str, object_id: str, at_risk: int, facts: Mapping[str, Any]
) -> str | None:
    """Open a case of ``code`` about one object (one of our ids, or a number of ours); None if it is open already.

    ``at_risk`` in đồng. ``facts``: what was seen and tried, without anybody's words.
    """
    severity = next((level for least, level in SEVERITY if at_risk >= least), 4)
    due_on = local(now()).date() + timedelta(days=DAYS.get(code, 1))
    row = (new_id(Prefix.EXCEPTION), code, severity, at_risk, object_type, object_id, due_on, Jsonb(dict(facts)))
    opened = conn.execute(_OPEN, row).fetchone()
    return opened["id"] if opened else None
