-- P10: what the bank takes back, with the lines that it may be about: of the same amount, named by the bank's numbers.
SELECT r.id AS line_id, r.booking_date, r.amount, r.line_key, coalesce(jsonb_agg(o.id ORDER BY o.id)
    FILTER (WHERE o.id IS NOT NULL), '[]') AS originals
FROM statement_line r LEFT JOIN statement_line o ON o.state IN ('matched', 'in_exception') AND
    @original@
WHERE r.account = %(account)s AND r.booking_date = %(day)s AND r.state = 'new' AND r.status = 'BOOK' AND r.reversal
    AND r.amount < 0
GROUP BY r.id ORDER BY r.booking_date, r.line_key
