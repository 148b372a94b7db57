-- Lines that may be of our own orders: whatever left the account, and what came and names one, or takes back a debit.
SELECT r.id AS line_id, r.booking_date, r.amount, r.reversal, concat_ws(' / ', nullif(r.text, ''), r.e2e) AS said,
    CASE WHEN r.reversal THEN ARRAY(SELECT o.id FROM statement_line o WHERE
        @original@
        ORDER BY o.id) END AS originals
FROM statement_line r
WHERE r.account = %(account)s AND r.booking_date = %(day)s AND r.state = 'new' AND r.status = 'BOOK'
    AND CASE WHEN r.amount < 0 THEN NOT r.reversal
             ELSE r.reversal OR position(%(letters)s IN upper(replace(r.text_norm, ' ', ''))) > 0
                  OR position(%(letters)s IN upper(coalesce(r.e2e, ''))) > 0 END
ORDER BY r.booking_date, r.line_key
