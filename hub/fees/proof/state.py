"""What all of it comes to, said without our own ids, so that what is made anew from the same inputs can be compared."""

from typing import Final, LiteralString

from hub.db import Connection

_LINES: Final[tuple[LiteralString, ...]] = (
    # The book: what stands where. Open items are named by what others call them.
    """
    SELECT concat_ws('|', 'book', account, bank_account, department, fee_code, reference, item, net) AS line FROM (
        SELECT l.account, CASE l.account WHEN '111' THEN e.bank_account ELSE '' END AS bank_account,
               coalesce(l.department, '') AS department, coalesce(l.fee_code, '') AS fee_code,
               coalesce(d.reference, l.demand_id, '') AS reference,
               coalesce(p.provider || ' ' || p.provider_txn, s.line_key, l.item, '') AS item, sum(l.dr - l.cr) AS net
        FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
        LEFT JOIN fee_demand d ON d.id = l.demand_id LEFT JOIN payment p ON p.id = l.item
        LEFT JOIN statement_line s ON s.id::text = l.item
        GROUP BY 1, 2, 3, 4, 5, 6
    ) AS stands WHERE net <> 0
    """,
    """
    SELECT concat_ws('|', 'demand', reference, amount_due, waived, allocated, confirmed, status) AS line
    FROM fee_demand
    """,
    """
    SELECT concat_ws('|', 'payment', provider, coalesce(provider_txn, bank_ref), account, amount, allocated, status)
           AS line
    FROM payment
    """,
    """
    SELECT concat_ws('|', 'credit', d.reference, coalesce(p.provider || ' ' || p.provider_txn, c.evidence), c.amount,
                     c.confirmed_at IS NOT NULL, c.reversed_at IS NOT NULL) AS line
    FROM fee_credit c JOIN fee_demand d ON d.id = c.demand_id LEFT JOIN payment p ON p.id = c.evidence
    """,
    """
    SELECT concat_ws('|', 'line', account, line_key, booking_date, amount, status, state, allocated) AS line
    FROM statement_line
    """,
    """
    SELECT concat_ws('|', 'match', g.pass, g.class, g.state, s.line_key, p.provider || ' ' || p.provider_txn,
                     d.reference, t.amount) AS line
    FROM match_leg t JOIN match_group g ON g.id = t.group_id LEFT JOIN statement_line s ON s.id = t.line_id
    LEFT JOIN payment p ON p.id = t.payment_id LEFT JOIN fee_demand d ON d.id = t.demand_id WHERE t.confirmed
    """,
)


def lines(conn: Connection) -> list[str]:
    """All of it, in no order."""
    return [row["line"] for query in _LINES for row in conn.execute(query)]
