"""Receipts (biên lai) of a month, by department and fee: from which number to which, how many, for how much."""

from datetime import date
from typing import Any, Final

from hub.clock import last_of
from hub.db import Connection

_ISSUED: Final = """
SELECT r.department, l.fee_code, r.series, min(r.number)::bigint AS first, max(r.number)::bigint AS last,
       count(*) AS count, sum(l.amount - l.waived)::bigint AS amount
FROM receipt r JOIN fee_demand_line l ON l.demand_id = r.demand_id AND l.kind = r.kind AND l.amount > l.waived
WHERE r.issued_on BETWEEN %(first)s AND %(last)s AND r.voided_at IS NULL
GROUP BY r.department, l.fee_code, r.series ORDER BY r.department, l.fee_code, r.series
"""


def by_fee(conn: Connection, month: date) -> dict[str, dict[str, list[dict[str, Any]]]]:
    """Department → fee → ranges, as schemas.settlement.ReceiptRange. One receipt may be for several fees of a kind."""
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    between = {"first": month, "last": last_of(month)}
    for row in conn.execute(_ISSUED, between).fetchall():
        told = {name: row[name] for name in ("series", "first", "last", "count", "amount")}
        found.setdefault(row["department"], {}).setdefault(row["fee_code"], []).append(told)
    return found
