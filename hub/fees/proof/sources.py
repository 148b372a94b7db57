"""I9, set by set: the book made anew from its sources. Every source has its entry, and every entry its source."""

from typing import Final

from hub.fees.proof.findings import Check, Invariant, ProofCode
from hub.fees.proof.items import PROVEN

CHECKS: Final = (
    Check(
        Invariant.I9,
        "every payment that was notified is in the book once, with its amount and its account",
        f"""
        SELECT coalesce(p.id, e.source_id) AS what,
               format('đã báo %s; sổ ghi %s', coalesce(p.amount || ' đ vào ' || p.account, 'không có gì'),
                      CASE WHEN e.source_id IS NULL THEN 'không có gì'
                           ELSE e.amount || ' đ vào ' || coalesce(e.bank_account, '–') END) AS how
        FROM (SELECT * FROM ({PROVEN}) AS believed WHERE source <> 'statement') AS p
        FULL JOIN (SELECT source_id, amount, bank_account FROM ledger_entry
            WHERE source_type = 'payment' AND kind IN ('notified', 'overpaid')) AS e ON e.source_id = p.id
        WHERE (p.amount, p.account) IS DISTINCT FROM (e.amount, e.bank_account) ORDER BY 1
        """,
        ProofCode.REPLAY,
    ),
    Check(
        Invariant.I9,
        "what was taken back is taken back in the book",
        """
        SELECT p.id AS what, format('%s; sổ ghi %s', p.status, coalesce(e.kind, 'không có gì')) AS how
        FROM payment p JOIN ledger_entry n ON (n.source_type, n.source_id, n.kind) = ('payment', p.id, 'notified')
        LEFT JOIN ledger_entry e ON (e.source_type, e.source_id, e.kind) = ('payment', p.id, 'taken_back')
        WHERE (p.status = 'notified' AND e.seq IS NOT NULL)
           OR (p.status IN ('reversed', 'refunded') AND e.seq IS NULL AND NOT EXISTS (
               SELECT 1 FROM ledger_line l JOIN ledger_entry o ON o.seq = l.entry_seq
               WHERE l.item = p.id AND o.kind IN ('reversal', 'on_statement', 'refund_ordered')))
        ORDER BY p.id
        """,
        ProofCode.REPLAY,
    ),
)
