"""I5: what was demanded. Due = allocated + outstanding + waived, by the credits and by the book alike."""

from typing import Final

from hub.fees.proof.findings import Check, Invariant

CHECKS: Final = (
    Check(
        Invariant.I5,
        "a demand is the sum of its lines",
        """
        SELECT d.id AS what, format('phải nộp %s, được miễn %s; các dòng ghi %s và %s', d.amount_due, d.waived,
                                    coalesce(l.due, 0), coalesce(l.waived, 0)) AS how
        FROM fee_demand d LEFT JOIN (SELECT demand_id, sum(amount) AS due, sum(waived) AS waived
                                     FROM fee_demand_line GROUP BY demand_id) AS l ON l.demand_id = d.id
        WHERE (d.amount_due, d.waived) IS DISTINCT FROM (l.due, l.waived) ORDER BY d.id
        """,
    ),
    Check(
        Invariant.I5,
        "what is allocated to a demand is what was credited to it",
        """
        SELECT d.id AS what, format('đã tính %s, trong đó đã xác nhận %s; đã ghi có %s và %s', d.allocated, d.confirmed,
                                    coalesce(c.live, 0), coalesce(c.shown, 0)) AS how
        FROM fee_demand d LEFT JOIN (
            SELECT demand_id, sum(amount) AS live, sum(amount) FILTER (WHERE confirmed_at IS NOT NULL) AS shown
            FROM fee_credit WHERE reversed_at IS NULL GROUP BY demand_id
        ) AS c ON c.demand_id = d.id
        WHERE (d.allocated, d.confirmed) IS DISTINCT FROM (coalesce(c.live, 0), coalesce(c.shown, 0)) ORDER BY d.id
        """,
    ),
    Check(
        Invariant.I5,
        "what is allocated to a demand is owed to its departments by the book",
        """
        SELECT coalesce(d.id, l.demand_id) AS what,
               format('%s, đã tính %s; 331 còn phải trả %s', coalesce(d.status, 'không có yêu cầu nộp này'),
                      coalesce(d.allocated, 0), coalesce(l.owed, 0)) AS how
        FROM fee_demand d FULL JOIN (
            SELECT demand_id, sum(cr - dr) AS owed FROM ledger_line
            WHERE account = '331' AND demand_id IS NOT NULL GROUP BY demand_id
        ) AS l ON l.demand_id = d.id
        LEFT JOIN (  -- taken back by the bank after its department had it, and to be recovered
            SELECT demand_id, sum(amount) AS lost FROM fee_credit c WHERE reversed_at IS NOT NULL AND EXISTS (
                SELECT 1 FROM ledger_line WHERE account = '341' AND item = c.evidence HAVING sum(dr - cr) > 0)
            GROUP BY demand_id
        ) AS v ON v.demand_id = d.id
        WHERE coalesce(l.owed, 0) <> coalesce(v.lost, 0)
            + CASE d.status WHEN 'refund_pending' THEN 0 ELSE coalesce(d.allocated, 0) END
        ORDER BY 1
        """,
    ),
    Check(
        Invariant.I5,
        "no more is allocated of a payment than it counts for",
        """
        SELECT p.id AS what, format('%s, đã dùng %s trong %s; các yêu cầu nộp nhận %s', p.status, p.allocated, p.amount,
                                    coalesce(c.live, 0)) AS how
        FROM payment p LEFT JOIN (SELECT evidence, sum(amount) AS live FROM fee_credit
                                  WHERE reversed_at IS NULL GROUP BY evidence) AS c ON c.evidence = p.id
        WHERE p.allocated <> coalesce(c.live, 0) ORDER BY p.id
        """,
    ),
)
