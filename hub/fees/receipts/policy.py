"""When a demand has receipts: since when, on what, and how long one stands."""

from typing import Final, LiteralString

from config.receipts import IssueOn
from hub.events import Event
from hub.fees.demands.model import DemandStatusCode
from hub.unit_of_work import UnitOfWork

STANDS_WHILE: Final = (
    DemandStatusCode.PAID_UNCONFIRMED.value,
    DemandStatusCode.PAID.value,
    DemandStatusCode.SETTLED.value,
)
"""demand statuses in which a receipt is right"""


BARE: Final[LiteralString] = """
SELECT DISTINCT l.demand_id FROM fee_demand d JOIN fee_demand_line l ON l.demand_id = d.id
WHERE d.status IN ('paid_unconfirmed', 'paid', 'settled') AND l.amount > l.waived
  AND NOT EXISTS (SELECT 1 FROM receipt r WHERE (r.demand_id, r.kind) = (l.demand_id, l.kind) AND r.voided_at IS NULL)
"""
"""Demands of which something has no receipt, found in one pass; receipt_due, asked for each, says if it ought to"""


def keep(uow: UnitOfWork, issue_on: IssueOn) -> list[Event]:
    """Write down that from now on receipts are issued on that, unless it stands there already."""
    last = uow.conn.execute("SELECT issue_on FROM receipt_policy ORDER BY number DESC LIMIT 1").fetchone()
    if last is None or last["issue_on"] != issue_on:
        uow.conn.execute("INSERT INTO receipt_policy (since, issue_on) VALUES (%s, %s)", (uow.now, issue_on))
        uow.note("receipts", "policy", before=last["issue_on"] if last else None, after=issue_on)
    return []
