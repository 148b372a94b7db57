"""Demands are settled with the month in which their money went to its department; set by set."""

from typing import Any, Final

from hub.fees.settlements.taking import OWN
from hub.unit_of_work import UnitOfWork

_LOCK: Final = """
SELECT 1 FROM dossier WHERE id IN (
    SELECT d.dossier_id FROM settlement_item i JOIN fee_demand d ON d.id = i.demand_id WHERE i.settlement_id = %(id)s)
ORDER BY id FOR UPDATE
"""
_SETTLE: Final = """
WITH gone AS (  -- all that the book owes for it is in tables whose money went, or in a later one of those
    SELECT d.id FROM fee_demand d
    WHERE d.status = 'paid'
      AND d.id IN (SELECT demand_id FROM settlement_item WHERE settlement_id = %(id)s AND NOT disputed)
      AND NOT EXISTS (SELECT 1 FROM settlement_item i JOIN settlement s ON s.id = i.settlement_id
                      WHERE i.demand_id = d.id AND i.live AND NOT i.disputed AND s.transferred_at IS NULL
                        AND s.state <> 'closed')
      AND NOT EXISTS (SELECT 1 FROM settlement_carry c WHERE c.demand_id = d.id AND c.taken_by IS NULL)
      AND NOT EXISTS (SELECT 1 FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
                      WHERE l.demand_id = d.id AND l.account = '331' AND e.kind <> ALL(%(own)s) AND NOT EXISTS (
                          SELECT 1 FROM settlement_item i
                          WHERE i.entry_seq = l.entry_seq AND i.line_number = l.number AND i.live))
), settled AS (
    UPDATE fee_demand d SET status = 'settled', version = version + 1, updated_at = now()
    FROM gone WHERE gone.id = d.id RETURNING d.id
)
INSERT INTO audit_log (subject, actor, verb, before, after, reason)
SELECT id, %(actor)s, 'settled', 'paid', 'settled', %(id)s FROM settled ORDER BY id
"""
_UNSETTLE: Final = """
WITH back AS (
    UPDATE fee_demand d SET status = 'paid', version = version + 1, updated_at = now()
    WHERE d.status = 'settled'
      AND d.id IN (SELECT demand_id FROM settlement_item WHERE settlement_id = %(id)s AND NOT disputed)
    RETURNING d.id
)
INSERT INTO audit_log (subject, actor, verb, before, after, reason)
SELECT id, %(actor)s, 'not settled', 'settled', 'paid', %(id)s FROM back ORDER BY id
"""


def settle(uow: UnitOfWork, settlement_id: str) -> None:
    """What was paid for this settlement's lines has gone to its department: demands that are wholly so are settled."""
    _do(uow, _SETTLE, settlement_id)


def unsettle(uow: UnitOfWork, settlement_id: str) -> None:
    """The transfer came back."""
    _do(uow, _UNSETTLE, settlement_id)


def _do(uow: UnitOfWork, query: Any, settlement_id: str) -> None:
    told = {"id": settlement_id, "actor": uow.actor, "own": list(OWN)}
    uow.conn.execute(_LOCK, told)
    uow.conn.execute(query, told)
