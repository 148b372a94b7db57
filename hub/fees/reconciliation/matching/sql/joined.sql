-- What this run has joined to demands, in the order of booking, with all that its effects need to know.
SELECT g.id AS group_id, g.pass, l.id AS line_id, l.amount AS came, l.booking_date, l.state AS line_state,
    p.id AS payment_id, p.source, p.paid_at, p.allocated,
    EXISTS (SELECT 1 FROM ledger_entry e
            WHERE (e.source_type, e.source_id, e.kind) = ('payment', p.id, 'notified')) AS booked,
    jsonb_agg(jsonb_build_array(leg.demand_id, leg.amount, leg.credited) ORDER BY leg.number) AS legs
FROM match_group g JOIN match_leg first ON first.group_id = g.id AND first.number = 1
JOIN match_leg leg ON leg.group_id = g.id
JOIN statement_line l ON l.id = first.line_id JOIN payment p ON p.id = first.payment_id
WHERE g.run_id = %(run)s AND g.state = 'confirmed' AND g.pass <> 'P9' AND first.demand_id IS NOT NULL
    OR g.run_id = %(run)s AND g.state = 'confirmed' AND g.pass = 'P1'
GROUP BY g.id, l.id, p.id
ORDER BY l.booking_date, l.line_key
