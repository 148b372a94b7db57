"""I3 of what is joined: a line and a payment stand in one match, and a demand has what the match counts for it."""

from typing import Final

from hub.fees.proof.findings import Check, Invariant

CHECKS: Final = (
    Check(
        Invariant.I3,
        "a line, and a payment, stand in one confirmed match",
        """
        SELECT coalesce('line ' || line_id, payment_id) AS what,
               format('nằm trong %s nhóm khớp đã xác nhận', count(*)) AS how
        FROM (SELECT line_id, NULL AS payment_id FROM match_leg WHERE confirmed AND line_id IS NOT NULL
              UNION ALL SELECT NULL, payment_id FROM match_leg WHERE confirmed AND payment_id IS NOT NULL) AS joined
        GROUP BY line_id, payment_id HAVING count(*) > 1 ORDER BY 1
        """,
    ),
    Check(
        Invariant.I3,
        "what a match counts for a demand was credited to it by its payment",
        """
        SELECT 'match ' || t.group_id AS what, format('tính %s cho %s; đã ghi có %s từ %s', t.amount, t.demand_id,
                                                      coalesce(c.amount::text, 'không có gì'), first.payment_id) AS how
        FROM match_leg t JOIN match_group g ON g.id = t.group_id
        JOIN match_leg first ON first.group_id = t.group_id
            AND first.number = CASE g.pass WHEN 'P9' THEN t.number ELSE 1 END
        LEFT JOIN fee_credit c ON c.demand_id = t.demand_id AND c.evidence = first.payment_id
        WHERE t.confirmed AND t.amount > 0 AND (c.amount IS DISTINCT FROM t.amount OR NOT t.credited)
        ORDER BY t.group_id, t.number
        """,
    ),
    Check(
        Invariant.I3,
        "a match counts no more than came, and its line and payment are of one amount and account",
        """
        SELECT 'match ' || t.group_id AS what, format('dòng sao kê %s đ vào %s, khoản nộp %s đ vào %s, đã tính %s đ',
                                                      l.amount, l.account, p.amount, p.account, s.counted) AS how
        FROM match_leg t JOIN match_group g ON g.id = t.group_id
        JOIN statement_line l ON l.id = t.line_id JOIN payment p ON p.id = t.payment_id
        CROSS JOIN LATERAL (SELECT sum(amount) AS counted FROM match_leg WHERE group_id = t.group_id) AS s
        WHERE t.confirmed AND t.number = 1 AND g.pass <> 'P9'
          AND ((l.account, l.amount) <> (p.account, p.amount) OR s.counted > l.amount)
        ORDER BY t.group_id
        """,
    ),
    Check(
        Invariant.I3,
        "no movement is two payments because two issuers number it",
        """
        SELECT p.id AS what, format('%s đ do %s báo với số %s: %s trùng mã, tài khoản, số tiền và ngày', p.amount,
                                    p.provider, p.bank_ref, q.id) AS how
        FROM payment p JOIN payment q ON (q.reference, q.account, q.amount) = (p.reference, p.account, p.amount)
        LEFT JOIN match_leg t ON t.payment_id = q.id AND t.confirmed AND t.number = 1
        LEFT JOIN statement_line l ON l.id = t.line_id LEFT JOIN statement s ON s.id = l.statement_id
        WHERE p.source = 'notification' AND p.status IN ('notified', 'unconfirmed_overdue') AND p.bank_ref IS NOT NULL
          AND CASE q.status WHEN 'found_on_statement' THEN s.bank <> p.provider AND l.booking_date = p.business_date
              ELSE q.status IN ('notified', 'unconfirmed_overdue') AND q.bank_ref IS NOT NULL
                   AND q.provider > p.provider AND q.business_date = p.business_date END
          AND NOT EXISTS (SELECT 1 FROM late_notification n JOIN notify_event e ON e.id = n.event_id
                          WHERE (n.payment_id, e.provider) IN ((q.id, p.provider), (p.id, q.provider)))
          AND NOT EXISTS (SELECT 1 FROM statement_line o WHERE (o.account, o.bank_ref) = (p.account, p.bank_ref))
          AND NOT EXISTS (SELECT 1 FROM payment o WHERE (o.account, o.bank_ref) = (l.account, l.bank_ref)
                          AND o.id <> q.id)
        ORDER BY p.id, q.id
        """,
    ),
)
