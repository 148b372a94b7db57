"""When a demand has receipts: since when, on what, and how long one stands."""

from typing import Final

from config.receipts import IssueOn
from hub.events import Event
from hub.fees.model import Status
from hub.work import Work

STANDS_WHILE: Final = (Status.PAID_UNCONFIRMED.value, Status.PAID.value, Status.SETTLED.value)
"""demand statuses in which a receipt is right"""


def keep(work: Work, issue_on: IssueOn) -> list[Event]:
    """Write down that from now on receipts are issued on that, unless it stands there already."""
    last = work.conn.execute("SELECT issue_on FROM receipt_policy ORDER BY number DESC LIMIT 1").fetchone()
    if last is None or last["issue_on"] != issue_on:
        work.conn.execute("INSERT INTO receipt_policy (since, issue_on) VALUES (%s, %s)", (work.now, issue_on))
        work.note("receipts", "policy", before=last["issue_on"] if last else None, after=issue_on)
    return []
