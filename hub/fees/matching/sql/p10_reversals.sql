-- P10: what the bank takes back, with the lines that it may be about: of the same amount, named by the bank's numbers.
SELECT r.id AS line_id, r.booking_date, r.amount, r.line_key, coalesce(jsonb_agg(o.id ORDER BY o.id)
    FILTER (WHERE o.id IS NOT NULL), '[]') AS originals
FROM statement_line r LEFT JOIN statement_line o ON o.account = r.account AND o.amount = -r.amount AND NOT o.reversal
    AND o.state IN ('matched', 'in_case') AND o.booking_date <= r.booking_date AND (
        o.bank_ref IN (r.bank_ref, r.e2e) OR o.e2e = r.e2e
        OR (length(o.bank_ref) >= 6 AND position(regexp_replace(upper(o.bank_ref), '[^A-Z0-9]', '', 'g')
                                                 IN replace(r.text_norm, ' ', '')) > 0))
WHERE r.account = %(account)s AND r.booking_date = %(day)s AND r.state = 'new' AND r.status = 'BOOK' AND r.reversal
    AND r.amount < 0
GROUP BY r.id ORDER BY r.booking_date, r.line_key
