"""I3 of what is joined: a line and a payment stand in one match, and a demand has what the match counts for it."""

from typing import Final

from hub.fees.proof.findings import Check, Invariant

CHECKS: Final = (
    Check(
        Invariant.I3,
        "a line, and a payment, stand in one confirmed match",
        """
        SELECT coalesce('line ' || line_id, payment_id) AS what, format('%s confirmed legs', count(*)) AS how
        FROM (SELECT line_id, NULL AS payment_id FROM match_leg WHERE confirmed AND line_id IS NOT NULL
              UNION ALL SELECT NULL, payment_id FROM match_leg WHERE confirmed AND payment_id IS NOT NULL) AS joined
        GROUP BY line_id, payment_id HAVING count(*) > 1 ORDER BY 1
        """,
    ),
    Check(
        Invariant.I3,
        "what a match counts for a demand was credited to it by its payment",
        """
        SELECT 'match ' || t.group_id AS what, format('counts %s for %s; %s credited by %s', t.amount, t.demand_id,
                                                      coalesce(c.amount::text, 'nothing was'), first.payment_id) AS how
        FROM match_leg t JOIN match_group g ON g.id = t.group_id
        JOIN match_leg first ON first.group_id = t.group_id
            AND first.number = CASE g.pass WHEN 'P9' THEN t.number ELSE 1 END
        LEFT JOIN fee_credit c ON c.demand_id = t.demand_id AND c.evidence = first.payment_id
        WHERE t.confirmed AND t.amount > 0 AND (c.amount IS DISTINCT FROM t.amount OR NOT t.credited)
        ORDER BY t.group_id, t.number
        """,
    ),
    Check(
        Invariant.I3,
        "a match counts no more than came, and its line and payment are of one amount and account",
        """
        SELECT 'match ' || t.group_id AS what, format('line of %s đ on %s, payment of %s đ on %s, %s đ counted',
                                                      l.amount, l.account, p.amount, p.account, s.counted) AS how
        FROM match_leg t JOIN match_group g ON g.id = t.group_id
        JOIN statement_line l ON l.id = t.line_id JOIN payment p ON p.id = t.payment_id
        CROSS JOIN LATERAL (SELECT sum(amount) AS counted FROM match_leg WHERE group_id = t.group_id) AS s
        WHERE t.confirmed AND t.number = 1 AND g.pass <> 'P9'
          AND ((l.account, l.amount) <> (p.account, p.amount) OR s.counted > l.amount)
        ORDER BY t.group_id
        """,
    ),
)
