"""Money of a table that was notified, and that no statement has shown: it would be transferred all the same."""

from dataclasses import dataclass
from typing import Final

from hub.db import Connection, one

_UNSHOWN: Final = """
SELECT count(*)::int AS demands, coalesce(sum(least(i.amount, f.amount)), 0)::bigint AS amount FROM (
    SELECT demand_id, sum(amount) AS amount FROM settlement_item
    WHERE settlement_id = %s AND NOT disputed AND amount > 0 GROUP BY demand_id
) AS i JOIN (
    SELECT demand_id, sum(amount) AS amount FROM fee_credit
    WHERE confirmed_at IS NULL AND reversed_at IS NULL GROUP BY demand_id
) AS f USING (demand_id)
"""


@dataclass(frozen=True, slots=True)
class Unshown:
    """How many demands, and how much; đồng, before what the Centre keeps."""

    demands: int
    amount: int


def of(conn: Connection, settlement_id: str) -> Unshown:
    """Of the table's lines that its department does not dispute."""
    return Unshown(**one(conn, _UNSHOWN, (settlement_id,)))
