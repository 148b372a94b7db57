-- Of these payments that only a statement has shown, those whose notification is another's: two watchers told of two
-- payments that are alike, each of one, and they were taken for one. A payment needs one notification; what another one
-- alike has beyond that is spare. Which of several that are alike goes without is by day and line, as everywhere.
WITH alike AS (
    SELECT p.id, p.reference, p.amount, p.business_date, p.provider_txn,
        count(n.event_id) + (p.source = 'notification')::int AS told
    FROM payment p LEFT JOIN late_notification n ON n.payment_id = p.id
    WHERE (p.reference, p.amount) IN (SELECT reference, amount FROM payment WHERE id = ANY(%(payments)s))
        AND p.account = %(account)s AND p.business_date BETWEEN %(since)s AND %(day)s AND p.source <> 'postman'
        AND p.status IN ('notified', 'unconfirmed_overdue', 'confirmed', 'found_on_statement')
    GROUP BY p.id
), ranked AS (
    SELECT id, told, sum(greatest(told - 1, 0)) OVER (PARTITION BY reference, amount) AS spare,
        row_number() OVER (PARTITION BY reference, amount, told = 0 ORDER BY business_date, provider_txn) AS place
    FROM alike
)
SELECT id FROM ranked WHERE told = 0 AND place <= spare
