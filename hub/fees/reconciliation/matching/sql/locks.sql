-- The dossiers whose demands a line of the day may touch: locked first, and in one order, as everywhere.
SELECT id FROM dossier WHERE id IN (
    SELECT d.dossier_id FROM statement_line l JOIN match_clue c ON c.line_id = l.id AND c.stands
    JOIN fee_demand d ON d.reference = c.value
    WHERE l.account = %(account)s AND l.booking_date = %(day)s
    UNION
    SELECT d.dossier_id FROM statement_line l JOIN payment p ON p.account = l.account AND p.bank_ref = l.bank_ref
    JOIN fee_demand d ON d.reference = p.reference
    WHERE l.account = %(account)s AND l.booking_date = %(day)s
    UNION
    SELECT d.dossier_id FROM statement_line r JOIN statement_line o ON
        @original@
    JOIN match_leg t ON t.line_id = o.id AND t.confirmed JOIN fee_credit f ON f.evidence = t.payment_id
    JOIN fee_demand d ON d.id = f.demand_id
    WHERE r.account = %(account)s AND r.booking_date = %(day)s AND r.state = 'new' AND r.reversal AND r.amount < 0
    UNION
    SELECT d.dossier_id FROM payout_report r JOIN payout_item i USING (provider, report)
    JOIN payment p USING (provider, provider_txn) JOIN fee_credit f ON f.evidence = p.id
    JOIN fee_demand d ON d.id = f.demand_id
    WHERE r.account = %(account)s AND p.status IN ('notified', 'unconfirmed_overdue')
    UNION
    SELECT d.dossier_id FROM payment_order o JOIN refund r ON r.id = o.subject_id AND r.source = '331'
    JOIN fee_demand d ON d.id = r.item
    WHERE o.account = %(account)s AND o.state IN ('approved', 'sent')
    UNION
    SELECT d.dossier_id FROM chargeback c JOIN fee_credit f ON f.evidence = c.payment_id AND f.reversed_at IS NULL
    JOIN fee_demand d ON d.id = f.demand_id
    WHERE c.account = %(account)s AND c.line_id IS NULL
)
ORDER BY id FOR UPDATE
