-- P9: a gateway pays many notified payments at once. Which ones, its report says, whose name stands on the line; sums
-- are never searched for. "fits": every payment was notified, is on no statement yet, and all of them less the charges
-- are the line.
WITH named AS (
    SELECT r.provider, r.report, r.net, l.id AS line_id, l.amount, l.booking_date, l.line_key,
        count(*) OVER (PARTITION BY l.id) AS of_line, count(*) OVER (PARTITION BY r.provider, r.report) AS of_report
    FROM payout_report r JOIN statement_line l ON l.account = r.account AND (l.bank_ref = r.report OR l.e2e = r.report
        OR position(regexp_replace(upper(r.report), '[^A-Z0-9]', '', 'g') IN replace(l.text_norm, ' ', '')) > 0)
    WHERE l.account = %(account)s AND l.booking_date = %(day)s AND l.state = 'new' AND l.amount > 0 AND NOT l.reversal
        AND NOT EXISTS (SELECT 1 FROM match_leg t WHERE t.line_id = l.id AND t.confirmed)
        AND NOT EXISTS (SELECT 1 FROM match_group g WHERE g.state = 'confirmed' AND g.pass = 'P9'
                        AND g.evidence ->> 'provider' = r.provider AND g.evidence ->> 'report' = r.report)
)
SELECT n.provider, n.report, n.line_id, n.amount, n.booking_date, n.of_line = 1 AND n.of_report = 1 AS alone,
    sum(i.amount)::bigint AS gross, sum(i.charge)::bigint AS charge, n.net,
    count(*) FILTER (WHERE p.id IS NULL) AS unknown,
    coalesce(jsonb_agg(jsonb_build_array(p.id, p.amount, d.id, p.allocated) ORDER BY i.provider_txn)
        FILTER (WHERE p.id IS NOT NULL), '[]') AS payments
FROM named n JOIN payout_item i USING (provider, report)
LEFT JOIN payment p ON p.provider = i.provider AND p.provider_txn = i.provider_txn AND p.amount = i.amount
    AND p.account = %(account)s AND p.status IN ('notified', 'unconfirmed_overdue')
    AND NOT EXISTS (SELECT 1 FROM match_leg t WHERE t.payment_id = p.id AND t.confirmed)
    AND EXISTS (SELECT 1 FROM journal_entry e
                WHERE (e.source_type, e.source_id, e.kind) = ('payment', p.id, 'notified'))
LEFT JOIN fee_demand d ON d.reference = p.reference AND p.allocated > 0
GROUP BY n.provider, n.report, n.line_id, n.amount, n.booking_date, n.line_key, n.of_line, n.of_report, n.net
ORDER BY n.booking_date, n.line_key, n.provider, n.report
