"""Cases that end by themselves: what came later explains them."""

from collections.abc import Collection
from typing import Final

from hub.db import Connection

_COVERED: Final = """
UPDATE fee_exception c SET state = 'resolved', resolution = 'paid in full'
FROM fee_demand d WHERE c.object_type = 'fee_demand' AND c.object_id = d.id AND d.id = ANY(%s) AND c.code = 'R04'
    AND c.state <> 'resolved' AND d.allocated + d.waived = d.amount_due
"""

_EXPLAINED: Final = """
UPDATE fee_exception SET state = 'resolved', resolution = %(by)s
WHERE object_type = %(kind)s AND object_id = ANY(%(about)s) AND code = ANY(%(codes)s) AND state <> 'resolved'
    AND id <> %(but)s RETURNING id
"""


def covered(conn: Connection, demands: Collection[str]) -> None:
    """Nothing is short any more of those of these demands of which nothing is outstanding (R04)."""
    conn.execute(_COVERED, (sorted(demands),))


def explained(
    conn: Connection, codes: Collection[str], kind: str, about: Collection[str], by: str, *, but: str = ""
) -> list[str]:
    """Cases of these codes about these objects of a kind are over; their ids. ``but``: the one that goes on."""
    asked = {"codes": list(codes), "kind": kind, "about": list(about), "by": by, "but": but}
    return [row["id"] for row in conn.execute(_EXPLAINED, asked).fetchall()]
