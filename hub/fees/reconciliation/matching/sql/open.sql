-- Money of which it is known that it came, and not yet what for. Part of other texts.
SELECT g.id AS group_id, l.id AS line_id, l.account, l.booking_date, l.line_key, l.amount, l.state AS line_state,
    p.id AS payment_id, g.evidence ->> 'conflict' AS conflict
FROM match_leg leg JOIN match_group g ON g.id = leg.group_id
JOIN statement_line l ON l.id = leg.line_id JOIN payment p ON p.id = leg.payment_id
WHERE l.account = %(account)s AND l.booking_date = %(day)s AND leg.confirmed AND leg.number = 1
    AND leg.demand_id IS NULL AND g.pass IN ('P0', 'P1') AND p.allocated = 0
    AND p.status IN ('notified', 'unconfirmed_overdue', 'confirmed', 'found_on_statement') AND l.state IN ('new', 'in_exception', 'matched')
