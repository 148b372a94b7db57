"""A month's papers are handed over with its money: then it is over, unless lines of it are disputed still."""

from typing import Final

from hub.fees.settlements import store
from hub.fees.settlements.model import Settlement, State
from hub.work import Work

_SETTLED: Final = """
SELECT s.id FROM settlement s WHERE s.state = 'receipted' AND s.department = %s AND NOT EXISTS (
    SELECT 1 FROM exception_case c
    WHERE c.code = 'M01' AND c.state <> 'resolved' AND c.facts ->> 'settlement' = s.id)
ORDER BY s.month
"""


def handed(work: Work, settlement_id: str, sha256: str) -> Settlement:
    """The package with this digest was made; of a month that was transferred its papers are handed over by it."""
    settlement = store.lock(work.conn, settlement_id)
    if settlement.state == State.TRANSFERRED:
        store.move(work.conn, settlement, State.RECEIPTED)
        work.note(settlement.id, "receipted", before=settlement.state, after=State.RECEIPTED, reason=sha256)
        close(work, settlement.department)
    return store.lock(work.conn, settlement_id)


def close(work: Work, department: str) -> None:
    """Months of the department whose papers are there and of which nothing is disputed any more are over."""
    for row in work.conn.execute(_SETTLED, (department,)).fetchall():
        settlement = store.lock(work.conn, row["id"])
        store.move(work.conn, settlement, State.CLOSED)
        work.note(settlement.id, "closed", before=settlement.state, after=State.CLOSED)
