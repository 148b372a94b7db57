-- P0: a line without a notification is a payment of its own, of nobody yet; the next passes identify it.
-- The payments' own package says how one is added (payment_store.ADD_FOUND).
WITH lines AS MATERIALIZED (
    SELECT l.id, l.account, l.line_key, l.amount, l.booking_date, l.bank_ref, s.bank, asked.payment_id,
        nextval('match_group_id') AS group_id,
        EXISTS (SELECT 1 FROM payment p WHERE p.account = l.account AND p.bank_ref = l.bank_ref) AS number_is_taken,
        (SELECT p.id FROM payment p WHERE p.account = l.account AND p.bank_ref = l.bank_ref
            AND p.amount <> l.amount AND p.status IN ('notified', 'unconfirmed_overdue')) AS conflict
    FROM unnest(%(lines)s::bigint[], %(payments)s::text[]) WITH ORDINALITY AS asked (line_id, payment_id, place)
    JOIN statement_line l ON l.id = asked.line_id JOIN statement s ON s.id = l.statement_id
    ORDER BY asked.place
), found AS (
    SELECT payment_id AS id, bank AS provider, account || ' ' || line_key AS provider_txn, account,
        CASE WHEN NOT number_is_taken AND line_key = 'ref:' || bank_ref THEN bank_ref END AS bank_ref, amount,
        booking_date::timestamp AT TIME ZONE 'Asia/Ho_Chi_Minh' AS paid_at, booking_date AS business_date,
        (SELECT min(c.value) FROM match_clue c WHERE c.line_id = lines.id AND c.stands AND c.how IN ('va', 'strict')
            HAVING count(*) = 1) AS reference
    FROM lines
), paid AS (@add_found@
), grouped AS (
    INSERT INTO match_group (id, run_id, pass, class, rule_version, state, evidence)
    SELECT group_id, %(run)s, 'P0', 'D', %(rules)s, 'confirmed',
        jsonb_strip_nulls(jsonb_build_object('how', 'statement', 'conflict', conflict))
    FROM lines
)
INSERT INTO match_leg (group_id, number, line_id, payment_id, amount, credited, confirmed)
SELECT group_id, 1, id, payment_id, 0, false, true FROM lines
