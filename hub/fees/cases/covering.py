"""A case that ends by itself: what was short (R04) has come in full, or need not be paid."""

from collections.abc import Collection
from typing import Final

from hub.db import Connection

_COVERED: Final = """
UPDATE exception_case c SET state = 'resolved', resolution = 'paid in full'
FROM fee_demand d WHERE c.object_type = 'fee_demand' AND c.object_id = d.id AND d.id = ANY(%s) AND c.code = 'R04'
    AND c.state <> 'resolved' AND d.allocated + d.waived = d.amount_due
"""


def covered(conn: Connection, demands: Collection[str]) -> None:
    """Nothing is short any more of those of these demands of which nothing is outstanding."""
    conn.execute(_COVERED, (sorted(demands),))
