-- P3 between notification and line: both hold the same reference and amount, and their numbers do not contradict. Those
-- of one issuer do where they differ; a gateway's and the bank's are two names, so their days have to fit (hub.fees.reconciliation.matching.late_notifications
-- is the same for a notification that comes after its line). Of several that are all alike, the first goes to the first.
-- What a postman has collected comes with its operator's remittance, never as a line of its payer's.
WITH lines AS (
    SELECT l.id AS line_id, l.bank_ref, l.amount, c.value, c.shown, l.booking_date, l.line_key, s.bank,
        row_number() OVER (PARTITION BY c.value, l.amount ORDER BY l.booking_date, l.line_key) AS place
    FROM statement_line l JOIN statement s ON s.id = l.statement_id
    JOIN match_clue c ON c.line_id = l.id AND c.stands AND c.how IN ('va', 'strict')
    WHERE l.account = %(account)s AND l.booking_date = %(day)s AND l.state = 'new' AND l.amount > 0 AND NOT l.reversal
        AND NOT EXISTS (SELECT 1 FROM match_leg t WHERE t.line_id = l.id AND t.confirmed)
        AND NOT EXISTS (SELECT 1 FROM match_clue o WHERE o.line_id = l.id AND o.value <> c.value
                        AND o.stands AND o.how IN ('va', 'strict'))
        AND NOT EXISTS (SELECT 1 FROM payment o WHERE o.account = l.account AND o.bank_ref = l.bank_ref)
), notified AS (
    SELECT p.id AS payment_id, p.bank_ref, p.amount, p.reference, p.allocated, p.provider,
        row_number() OVER (PARTITION BY p.reference, p.amount ORDER BY p.bank_ref IS NOT NULL AND p.provider IN (
            SELECT bank FROM lines), (p.allocated > 0) DESC, p.business_date, p.provider, p.provider_txn) AS place
    FROM payment p
    WHERE p.account = %(account)s AND p.status IN ('notified', 'unconfirmed_overdue')
        AND p.source = 'notification' AND p.reference IN (SELECT value FROM lines)
        AND NOT EXISTS (SELECT 1 FROM match_leg t WHERE t.payment_id = p.id AND t.confirmed)
        AND (p.bank_ref IS NULL OR p.provider IN (SELECT bank FROM lines)
             OR p.business_date BETWEEN %(since)s AND %(day)s AND NOT EXISTS (
                SELECT 1 FROM statement_line o WHERE (o.account, o.bank_ref) = (p.account, p.bank_ref)))
), pairs AS MATERIALIZED (
    SELECT line_id, payment_id, shown, demand_id, allocated, nextval('match_group_id') AS group_id FROM (
        SELECT l.line_id, p.payment_id, l.shown, d.id AS demand_id, p.allocated
        FROM lines l JOIN notified p ON (p.reference, p.amount, p.place) = (l.value, l.amount, l.place)
        LEFT JOIN fee_demand d ON d.reference = p.reference AND (p.allocated > 0 OR EXISTS (
            SELECT 1 FROM ledger_entry e WHERE (e.source_type, e.source_id, e.kind) = ('payment', p.payment_id, 'notified')))
        WHERE p.bank_ref IS NULL OR l.bank_ref IS NULL OR p.provider <> l.bank
        ORDER BY l.booking_date, l.line_key
    ) AS ordered
), grouped AS (
    INSERT INTO match_group (id, run_id, pass, class, rule_version, state, evidence)
    SELECT group_id, %(run)s, CASE WHEN demand_id IS NULL THEN 'P1' ELSE 'P3' END, 'A', %(rules)s, 'confirmed',
        jsonb_build_object('how', 'strict', 'shown', shown, 'between', 'notification and line')
    FROM pairs
)
INSERT INTO match_leg (group_id, number, line_id, payment_id, demand_id, amount, credited, confirmed)
SELECT group_id, 1, line_id, payment_id, demand_id, CASE WHEN demand_id IS NULL THEN 0 ELSE allocated END,
    demand_id IS NOT NULL, true
FROM pairs
