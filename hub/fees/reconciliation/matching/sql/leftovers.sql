-- What is still nobody's in this run, and what can be said about why.
WITH named AS MATERIALIZED (
    SELECT line_id, count(*) AS times FROM (@named@) AS n WHERE how IN ('va', 'strict') GROUP BY line_id
), proposed AS MATERIALIZED (
    SELECT leg.line_id, count(*) AS times, count(*) FILTER (
        WHERE g.pass <> 'P11' AND (g.evidence ->> 'equal_amount')::boolean) AS likely
    FROM match_group g JOIN match_leg leg ON leg.group_id = g.id
    WHERE g.run_id = %(run)s AND g.state = 'proposed' GROUP BY leg.line_id
)
SELECT o.line_id, o.booking_date, o.payment_id, o.amount, o.conflict, coalesce(n.times, 0) AS named,
    coalesce(p.times, 0) AS proposals, coalesce(p.likely, 0) AS likely,
    (SELECT count(*) FROM match_clue c WHERE c.line_id = o.line_id AND c.stands AND c.how = 'strict'
        AND left(c.value, 2) <> ALL(%(prefixes)s)) AS of_others,
    EXISTS (SELECT 1 FROM ledger_entry e
            WHERE (e.source_type, e.source_id, e.kind) = ('payment', o.payment_id, 'notified')) AS booked
FROM (@open@) AS o JOIN match_group g ON g.id = o.group_id
LEFT JOIN named n ON n.line_id = o.line_id LEFT JOIN proposed p ON p.line_id = o.line_id
WHERE g.run_id = %(run)s
ORDER BY o.booking_date, o.line_key
