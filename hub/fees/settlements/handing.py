"""A month's papers are handed over with its money: then it is over, unless lines of it are disputed still."""

from typing import Final

from hub.fees.settlements import store
from hub.fees.settlements.model import Settlement, SettlementState
from hub.unit_of_work import UnitOfWork

_SETTLED: Final = """
SELECT s.id FROM settlement s WHERE s.state = 'receipted' AND s.department = %s AND NOT EXISTS (
    SELECT 1 FROM fee_exception c
    WHERE c.code = 'M01' AND c.state <> 'resolved' AND c.facts ->> 'settlement' = s.id)
ORDER BY s.month
"""


def handed(uow: UnitOfWork, settlement_id: str, sha256: str) -> Settlement:
    """The package with this digest was made; of a month that was transferred its papers are handed over by it."""
    settlement = store.lock(uow.conn, settlement_id)
    if settlement.state == SettlementState.TRANSFERRED:
        store.move(uow.conn, settlement, SettlementState.RECEIPTED)
        uow.note(settlement.id, "receipted", before=settlement.state, after=SettlementState.RECEIPTED, reason=sha256)
        close(uow, settlement.department)
    return store.lock(uow.conn, settlement_id)


def close(uow: UnitOfWork, department: str) -> None:
    """Months of the department whose papers are there and of which nothing is disputed any more are over."""
    for row in uow.conn.execute(_SETTLED, (department,)).fetchall():
        settlement = store.lock(uow.conn, row["id"])
        store.move(uow.conn, settlement, SettlementState.CLOSED)
        uow.note(settlement.id, "closed", before=settlement.state, after=SettlementState.CLOSED)
