-- P1: the bank's own number of the movement stands on the notification and on the line, with the same amount.
-- What the notification was credited to comes with it; one that was not booked yet (its success was not signed) is open.
WITH pairs AS MATERIALIZED (
    SELECT l.id AS line_id, p.id AS payment_id, d.id AS demand_id, p.allocated,
        nextval('match_group_id') AS group_id
    FROM (
        SELECT id, bank_ref, amount, count(*) OVER (PARTITION BY bank_ref, amount) AS alike
        FROM statement_line
        WHERE account = %(account)s AND booking_date = %(day)s AND state = 'new' AND amount > 0 AND NOT reversal
            AND bank_ref IS NOT NULL
    ) AS l
    JOIN payment p ON p.account = %(account)s AND p.bank_ref = l.bank_ref AND p.amount = l.amount
    LEFT JOIN fee_demand d ON d.reference = p.reference AND (p.allocated > 0 OR EXISTS (
        SELECT 1 FROM ledger_entry e WHERE (e.source_type, e.source_id, e.kind) = ('payment', p.id, 'notified')))
    WHERE l.alike = 1 AND p.status IN ('notified', 'unconfirmed_overdue')
), grouped AS (
    INSERT INTO match_group (id, run_id, pass, class, rule_version, state, evidence)
    SELECT group_id, %(run)s, 'P1', 'A', %(rules)s, 'confirmed', '{"how": "bank_ref"}' FROM pairs
)
INSERT INTO match_leg (group_id, number, line_id, payment_id, demand_id, amount, credited, confirmed)
SELECT group_id, 1, line_id, payment_id, demand_id, CASE WHEN demand_id IS NULL THEN 0 ELSE allocated END,
    demand_id IS NOT NULL, true
FROM pairs
