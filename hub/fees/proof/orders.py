"""I3 and I6 of what is paid out: 113 is the refunds under way, and every order that was paid is a debit of ours."""

from typing import Final

from hub.fees.proof.findings import Check, Invariant

CHECKS: Final = (
    Check(
        Invariant.I6,
        "113 is the refunds that are approved and on no statement yet",
        """
        SELECT coalesce(r.id, l.item) AS what, format('%s, đang hoàn %s đ; trên 113: %s đ',
            coalesce(r.state, 'không có khoản hoàn này'), CASE WHEN r.booked_at IS NULL THEN 0 ELSE r.amount END,
            coalesce(l.net, 0)) AS how
        FROM refund r FULL JOIN (
            SELECT item, sum(cr - dr) AS net FROM ledger_line WHERE account = '113' GROUP BY item
        ) AS l ON l.item = r.id
        WHERE coalesce(l.net, 0) <> CASE WHEN r.booked_at IS NULL THEN 0 ELSE r.amount END ORDER BY 1
        """,
    ),
    Check(
        Invariant.I6,
        "a refund stands as its last order does",
        """
        SELECT r.id AS what, format('%s; lệnh chi của nó: %s', r.state, coalesce(o.state, 'không có')) AS how
        FROM refund r LEFT JOIN LATERAL (
            SELECT state FROM payment_order WHERE subject_id = r.id ORDER BY id DESC LIMIT 1) AS o ON true
        WHERE r.state IS DISTINCT FROM o.state AND NOT (r.state = 'failed' AND o.state = 'cancelled') ORDER BY r.id
        """,
    ),
    Check(
        Invariant.I3,
        "a payment order that was paid is one debit of its account and its amount; one that came back is a credit too",
        """
        SELECT o.id AS what, format('%s, %s đ; ghi nợ %s, ghi có %s', o.state, o.amount, coalesce(d.amount::text, '–'),
                                    coalesce(c.amount::text, '–')) AS how
        FROM payment_order o LEFT JOIN statement_line d ON d.id = o.line_id AND d.account = o.account
            AND d.state = 'matched'
        LEFT JOIN statement_line c ON c.id = o.returned_line_id AND c.account = o.account AND c.state = 'matched'
        WHERE (o.line_id IS NOT NULL AND d.amount IS DISTINCT FROM -o.amount)
           OR (o.returned_line_id IS NOT NULL AND c.amount IS DISTINCT FROM o.amount)
           OR (o.state = 'confirmed' AND o.line_id IS NULL)
        ORDER BY o.id
        """,
    ),
)
