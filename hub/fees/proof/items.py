"""I6: the accounts that have to go to zero. What stands on them is the sum of the items behind them, one by one."""

from typing import Final, LiteralString

from hub.fees.proof.findings import Check, Invariant
from hub.fees.proof.notifications import MESSAGE

PROVEN: Final[LiteralString] = f"""
SELECT p.id, p.source, p.provider, p.provider_txn, p.account, p.bank_ref, p.amount, p.allocated, p.paid_at,
    p.business_date, p.reference, p.status FROM payment p WHERE NOT EXISTS (
    SELECT 1 FROM notify_event e JOIN {MESSAGE} AS i ON i.id = e.inbox_id
    WHERE (e.provider, e.provider_txn, e.kind) = (p.provider, p.provider_txn, 'payment')
      AND i.said ->> 'proven' = 'false')
"""
"""Payments that were booked when they were notified; where success is not signed, the statement books them."""

CHECKS: Final = (
    Check(
        Invariant.I6,
        "112 is the payments that no statement has shown yet",
        f"""
        SELECT coalesce(p.id, l.item) AS what,
               format('%s, %s đ; trên 112: %s đ', coalesce(p.status, 'không có khoản nộp này'),
                      coalesce(p.amount, 0), coalesce(l.net, 0)) AS how
        FROM ({PROVEN}) AS p FULL JOIN (
            SELECT item, sum(dr - cr) AS net FROM ledger_line WHERE account = '112' GROUP BY item
        ) AS l ON l.item = p.id
        WHERE coalesce(l.net, 0) <>
            CASE WHEN p.status IN ('notified', 'unconfirmed_overdue') THEN p.amount ELSE 0 END
        ORDER BY 1
        """,
    ),
    Check(
        Invariant.I6,
        "behind every sum on 338, 339 and 341 there is an open case, and on its right side",
        """
        SELECT l.account || ' ' || l.item AS what, CASE
            WHEN l.net < 0 THEN format('%s đ nằm sai bên', -l.net)
            ELSE format('%s đ; không có ca nào đang mở', l.net) END AS how
        FROM (SELECT account, item, sum(CASE account WHEN '341' THEN dr - cr ELSE cr - dr END) AS net FROM ledger_line
              WHERE account IN ('338', '339', '341') GROUP BY account, item) AS l
        WHERE l.net < 0 OR (l.net > 0 AND NOT EXISTS (
            SELECT 1 FROM fee_exception c WHERE c.state <> 'resolved' AND c.code <> 'N02'
              AND (c.object_id = l.item OR c.facts ->> 'payment' = l.item OR c.facts ->> 'line' = l.item)))
        ORDER BY 1
        """,
    ),
)
