-- A payment that was notified since P1 looked: the line that shows it has just been made a payment of its own.
SELECT p.id FROM unnest(%(lines)s::bigint[]) AS asked (line_id)
JOIN statement_line l ON l.id = asked.line_id
JOIN payment p ON p.account = l.account AND p.bank_ref = l.bank_ref AND p.amount = l.amount
WHERE p.status IN ('notified', 'unconfirmed_overdue')
    AND NOT EXISTS (SELECT 1 FROM match_leg t WHERE t.payment_id = p.id AND t.confirmed)
    AND 1 = (SELECT count(*) FROM statement_line o WHERE (o.account, o.booking_date, o.bank_ref, o.amount)
             = (l.account, l.booking_date, l.bank_ref, l.amount) AND o.state = 'new' AND NOT o.reversal)
LIMIT 1
