-- P9: a gateway or a postal operator pays many notified payments at once. Which ones, its report says: by its name on
-- the line ("report"); or, where the line has only the payer's words, by the day of settlement and the net sum, if one
-- report and one line are all there is of them ("day"). Sums of payments are never searched for. "unknown": payments
-- that were not notified or are on a statement already. A line that came before its report is nobody's ("found") so far.
WITH lines AS (
    SELECT l.id AS line_id, l.amount, l.booking_date, l.line_key, l.bank_ref, l.e2e, l.state AS line_state,
        replace(l.text_norm, ' ', '') AS said, f.group_id AS found_group, p.id AS found
    FROM statement_line l LEFT JOIN match_leg f ON f.line_id = l.id AND f.confirmed
    LEFT JOIN match_group g ON g.id = f.group_id LEFT JOIN payment p ON p.id = f.payment_id
    WHERE l.account = %(account)s AND l.booking_date = %(day)s AND l.amount > 0 AND NOT l.reversal
        AND CASE l.state WHEN 'new' THEN f.group_id IS NULL
            WHEN 'in_exception' THEN g.pass = 'P0' AND f.demand_id IS NULL AND p.allocated = 0
                AND p.status = 'found_on_statement' AND l.amount = (
                    SELECT sum(cr - dr) FROM ledger_line WHERE account = '338' AND item = p.id)
            ELSE false END
), reports AS (
    SELECT r.provider, r.report, r.net, r.day, w.words FROM payout_report r
    LEFT JOIN json_to_recordset(%(payers)s) AS w (provider text, words text) USING (provider)
    WHERE r.account = %(account)s AND NOT EXISTS (
        SELECT 1 FROM match_group g WHERE g.state = 'confirmed' AND g.pass = 'P9'
            AND g.evidence ->> 'provider' = r.provider AND g.evidence ->> 'report' = r.report)
), named AS (
    SELECT r.provider, r.report, r.net, l.*, 'report' AS how,
        count(*) OVER (PARTITION BY l.line_id) AS of_line, count(*) OVER (PARTITION BY r.provider, r.report) AS of_report
    FROM reports r JOIN lines l ON l.bank_ref = r.report OR l.e2e = r.report
        OR position(regexp_replace(upper(r.report), '[^A-Z0-9]', '', 'g') IN l.said) > 0
), dated AS (
    SELECT r.provider, r.report, r.net, l.*, 'day' AS how,
        count(*) OVER (PARTITION BY l.line_id) AS of_line, count(*) OVER (PARTITION BY r.provider, r.report) AS of_report
    FROM reports r JOIN lines l ON (l.booking_date, l.amount) = (r.day, r.net) AND position(r.words IN l.said) > 0
    WHERE NOT EXISTS (SELECT 1 FROM named n WHERE n.line_id = l.line_id OR (n.provider, n.report) = (r.provider, r.report))
), meant AS (
    SELECT * FROM named UNION ALL SELECT * FROM dated WHERE of_line = 1 AND of_report = 1
)
SELECT n.provider, n.report, n.how, n.line_id, n.amount, n.booking_date, n.line_state, n.found_group, n.found,
    n.of_line = 1 AND n.of_report = 1 AS alone,
    sum(i.amount)::bigint AS gross, sum(i.charge)::bigint AS charge, n.net,
    count(*) FILTER (WHERE p.id IS NULL) AS unknown,
    coalesce(jsonb_agg(jsonb_build_array(p.id, p.amount, d.id, p.allocated) ORDER BY i.provider_txn)
        FILTER (WHERE p.id IS NOT NULL), '[]') AS payments
FROM meant n JOIN payout_item i USING (provider, report)
LEFT JOIN payment p ON p.provider = i.provider AND p.provider_txn = i.provider_txn AND p.amount = i.amount
    AND p.account = %(account)s AND p.status IN ('notified', 'unconfirmed_overdue')
    AND NOT EXISTS (SELECT 1 FROM match_leg t WHERE t.payment_id = p.id AND t.confirmed)
    AND EXISTS (SELECT 1 FROM ledger_entry e
                WHERE (e.source_type, e.source_id, e.kind) = ('payment', p.id, 'notified'))
LEFT JOIN fee_demand d ON d.reference = p.reference AND p.allocated > 0
GROUP BY n.provider, n.report, n.how, n.line_id, n.amount, n.booking_date, n.line_key, n.line_state, n.found_group,
    n.found, n.of_line, n.of_report, n.net
ORDER BY n.booking_date, n.line_key, n.provider, n.report
