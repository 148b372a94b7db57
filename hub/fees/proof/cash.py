"""I4 of the postman: what he has collected is what was delivered for cash, once; and what came late is told of once."""

from typing import Final

from hub.fees.proof.findings import Check, Invariant

CHECKS: Final = (
    Check(
        Invariant.I4,
        "what postmen have collected is what consignments were delivered for",
        """
        SELECT coalesce(p.id, c.id) AS what,
               format('đã thu %s đ; tiền thu hộ khi phát là %s đ', coalesce(p.amount, 0), coalesce(c.cash, 0)) AS how
        FROM (SELECT id, provider, provider_txn, amount FROM payment WHERE source = 'postman') AS p
        FULL JOIN (
            SELECT id, operator, order_number, cash, status FROM consignment c WHERE cash > 0 AND EXISTS (
                SELECT 1 FROM tracking_event t WHERE t.consignment_id = c.id AND t.status = 'delivered')
        ) AS c ON (p.provider, p.provider_txn) = ('postal.' || c.operator, c.order_number)
        WHERE p.amount IS DISTINCT FROM c.cash AND (p.id IS NOT NULL OR c.status = 'delivered') ORDER BY 1
        """,
    ),
    Check(
        Invariant.I4,
        "what was notified of a known payment is that payment, told once by each provider",
        """
        SELECT format('event %s %s', e.provider, e.provider_txn) AS what,
               format('báo %s đ; gắn với %s có số tiền %s đ, nguồn %s', e.amount, p.id, p.amount,
                      p.source) AS how
        FROM (SELECT e.id, e.provider, e.provider_txn, e.kind, e.amount, n.payment_id,
                     count(*) OVER (PARTITION BY n.payment_id, e.provider) AS times
              FROM late_notification n JOIN notify_event e ON e.id = n.event_id) AS e
        JOIN payment p ON p.id = e.payment_id
        WHERE (e.kind, e.amount) <> ('payment', p.amount) OR p.source = 'postman' OR e.times > 1
           OR (p.source, p.provider) = ('notification', e.provider)
           OR EXISTS (SELECT 1 FROM payment o WHERE (o.provider, o.provider_txn) = (e.provider, e.provider_txn))
        ORDER BY e.id
        """,
    ),
)
