-- P2's clue: a word of the line is an account number that stands for one demand.
INSERT INTO match_clue (line_id, value, how, shown, version)
SELECT l.id, d.reference, 'va', v.number, %(texts)s
FROM statement_line l CROSS JOIN LATERAL unnest(string_to_array(l.text_norm, ' ') || ARRAY[l.e2e]) AS word (said)
JOIN virtual_account v ON v.number = word.said AND v.account = l.account JOIN fee_demand d ON d.id = v.demand_id
WHERE l.account = %(account)s AND l.booking_date = %(day)s AND l.state IN ('new', 'in_exception') AND l.amount > 0
ON CONFLICT (line_id, value) DO UPDATE SET how = 'va', shown = excluded.shown, errors = 0, stands = true, version = excluded.version
