"""I6: the accounts that have to go to zero. What stands on them is the sum of the items behind them, one by one."""

from typing import Final, LiteralString

from hub.fees.proof.findings import Check, Invariant, ProofCode

MESSAGE: Final[LiteralString] = """(
            SELECT id, state, body, CASE WHEN kind = 'bank.notification' AND sha256(body) = fingerprint
                                    THEN convert_from(body, 'UTF8')::jsonb END AS said FROM inbox)"""
"""Inbox messages; ``said``: what a notification says, unless its bytes were changed (which other checks name)"""

NOTIFICATION_CHECKS: Final = (
    Check(
        Invariant.I4,
        "deliveries are the bytes that came",
        """
        SELECT 'delivery ' || id AS what, 'nội dung không còn như khi nhận' AS how
        FROM notify_delivery WHERE sha256(query || '\\x00'::bytea || body) <> sha256 ORDER BY id
        """,
    ),
    Check(
        Invariant.I4,
        "deliveries are events, repetitions, conflicts, and what was not believed",
        """
        SELECT 'delivery ' || d.id AS what, CASE
            WHEN e.id IS NOT NULL AND v.delivery_id IS NULL
                THEN format('đem đến sự kiện %s; không có kết luận nào ghi vậy', e.id)
            WHEN e.id IS NOT NULL THEN format('đem đến sự kiện %s; kết luận là %s của %s', e.id, v.verdict,
                                               coalesce('sự kiện ' || v.event_id, 'không sự kiện nào'))
            ELSE format('%s của một sự kiện không có', v.verdict) END AS how
        FROM notify_delivery d LEFT JOIN notify_event e ON e.delivery_id = d.id
        LEFT JOIN notify_verdict v ON v.delivery_id = d.id
        WHERE (e.id IS NOT NULL AND (v.event_id, v.verdict) IS DISTINCT FROM (e.id, e.verdict))
           OR (e.id IS NULL AND v.verdict IN ('accepted', 'repeated', 'conflict')
               AND NOT EXISTS (SELECT 1 FROM notify_event told WHERE told.id = v.event_id))
        ORDER BY d.id
        """,
    ),
    Check(
        Invariant.I4,
        "events are what their messages say",
        f"""
        SELECT format('event %s %s %s', e.provider, e.provider_txn, e.kind) AS what, CASE
            WHEN i.id IS NULL THEN 'không có tin báo của nó'
            ELSE format('số tiền %s; tin báo ghi %s', e.amount,
                        coalesce(i.said ->> 'amount', 'không đọc được')) END AS how
        FROM notify_event e LEFT JOIN {MESSAGE} AS i ON i.id = e.inbox_id
        WHERE i.id IS NULL OR sha256(i.body) <> e.content_hash
           OR (e.provider, e.provider_txn, e.kind, e.amount::text, e.currency, e.bank_ref) IS DISTINCT FROM (
               i.said ->> 'provider', i.said ->> 'provider_txn', i.said ->> 'kind', i.said ->> 'amount',
               i.said ->> 'currency', i.said ->> 'bank_ref')
        ORDER BY e.id
        """,
    ),
    Check(
        Invariant.I4,
        "a payment that was notified has one outcome",
        f"""
        SELECT format('event %s %s', e.provider, e.provider_txn) AS what,
               format('báo %s đ; không thành khoản nộp hay ngoại lệ nào', e.amount) AS how
        FROM notify_event e JOIN {MESSAGE} AS i ON i.id = e.inbox_id AND i.state = 'handled'
        WHERE e.kind = 'payment'
          AND NOT EXISTS (SELECT 1 FROM payment p WHERE (p.provider, p.provider_txn) = (e.provider, e.provider_txn))
          AND NOT EXISTS (SELECT 1 FROM payment p WHERE p.bank_ref = e.bank_ref)
          AND NOT EXISTS (SELECT 1 FROM late_notification n WHERE n.event_id = e.id)
          AND NOT EXISTS (SELECT 1 FROM fee_exception c
                          WHERE c.object_type = 'notify_event' AND c.object_id = e.id::text)
        ORDER BY e.id
        """,
    ),
    Check(
        Invariant.I4,
        "what was taken back has ended its payment, or is a case",
        f"""
        SELECT format('event %s %s %s', e.provider, e.provider_txn, e.kind) AS what,
               format('thu hồi %s đ; khoản nộp: %s', e.amount, coalesce(p.status, 'không rõ')) AS how
        FROM notify_event e JOIN {MESSAGE} AS i ON i.id = e.inbox_id AND i.state = 'handled'
        LEFT JOIN payment p ON p.id IN (
            SELECT o.id FROM payment o WHERE (o.provider, o.provider_txn) = (e.provider, i.said ->> 'original')
            UNION ALL
            SELECT n.payment_id FROM late_notification n JOIN notify_event o ON o.id = n.event_id
            WHERE (o.provider, o.provider_txn, o.kind) = (e.provider, i.said ->> 'original', 'payment'))
        WHERE e.kind IN ('refund', 'reversal')
          AND coalesce(p.status, '') NOT IN ('reversed', 'refunded', 'charged_back')
          AND NOT EXISTS (SELECT 1 FROM fee_exception c WHERE c.code = 'V01' AND
                          ((c.object_type = 'notify_event' AND c.object_id = e.id::text)
                           OR (c.object_type = 'payment' AND c.object_id = p.id)))
        ORDER BY e.id
        """,
    ),
    Check(
        Invariant.I4,
        "every payment by notification was notified, with its amount and number",
        """
        SELECT p.id AS what, format('%s đ, số %s; tin báo: %s, số %s', p.amount, coalesce(p.bank_ref, 'không có'),
                                    coalesce(e.amount::text, 'không có'), coalesce(e.bank_ref, 'không có')) AS how
        FROM payment p LEFT JOIN notify_event e
            ON (e.provider, e.provider_txn, e.kind) = (p.provider, p.provider_txn, 'payment')
        WHERE p.source = 'notification' AND (p.amount IS DISTINCT FROM e.amount
            OR p.bank_ref IS DISTINCT FROM e.bank_ref AND NOT EXISTS (
                SELECT 1 FROM late_notification n JOIN notify_event t ON t.id = n.event_id
                WHERE (n.payment_id, t.bank_ref) = (p.id, p.bank_ref)))
        ORDER BY p.id
        """,
    ),
)


PROVEN: Final[LiteralString] = f"""
SELECT p.id, p.source, p.provider, p.provider_txn, p.account, p.bank_ref, p.amount, p.allocated, p.paid_at,
    p.business_date, p.reference, p.status FROM payment p WHERE NOT EXISTS (
    SELECT 1 FROM notify_event e JOIN {MESSAGE} AS i ON i.id = e.inbox_id
    WHERE (e.provider, e.provider_txn, e.kind) = (p.provider, p.provider_txn, 'payment')
      AND i.said ->> 'proven' = 'false')
"""
"""Payments that were booked when they were notified; where success is not signed, the statement books them."""

ITEM_CHECKS: Final = (
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
            ELSE format('%s đ; không có ngoại lệ nào đang mở', l.net) END AS how
        FROM (SELECT account, item, sum(CASE account WHEN '341' THEN dr - cr ELSE cr - dr END) AS net FROM ledger_line
              WHERE account IN ('338', '339', '341') GROUP BY account, item) AS l
        WHERE l.net < 0 OR (l.net > 0 AND NOT EXISTS (
            SELECT 1 FROM fee_exception c WHERE c.state <> 'resolved' AND c.code <> 'N02'
              AND (c.object_id = l.item OR c.facts ->> 'payment' = l.item OR c.facts ->> 'line' = l.item)))
        ORDER BY 1
        """,
    ),
)


# I9, set by set: the book made anew from its sources. Every source has its entry, and every entry its source.

SOURCE_CHECKS: Final = (
    Check(
        Invariant.I9,
        "every payment that was notified is in the book once, with its amount and its account",
        f"""
        SELECT coalesce(p.id, e.source_id) AS what,
               format('đã báo %s; sổ ghi %s', coalesce(p.amount || ' đ vào ' || p.account, 'không có gì'),
                      CASE WHEN e.source_id IS NULL THEN 'không có gì'
                           ELSE e.amount || ' đ vào ' || coalesce(e.bank_account, '–') END) AS how
        FROM (SELECT * FROM ({PROVEN}) AS believed WHERE source <> 'statement') AS p
        FULL JOIN (SELECT source_id, amount, bank_account FROM ledger_entry
            WHERE source_type = 'payment' AND kind IN ('notified', 'overpaid')) AS e ON e.source_id = p.id
        WHERE (p.amount, p.account) IS DISTINCT FROM (e.amount, e.bank_account) ORDER BY 1
        """,
        ProofCode.REPLAY,
    ),
    Check(
        Invariant.I9,
        "what was taken back is taken back in the book",
        """
        SELECT p.id AS what, format('%s; sổ ghi %s', p.status, coalesce(e.kind, 'không có gì')) AS how
        FROM payment p JOIN ledger_entry n ON (n.source_type, n.source_id, n.kind) = ('payment', p.id, 'notified')
        LEFT JOIN ledger_entry e ON (e.source_type, e.source_id, e.kind) = ('payment', p.id, 'taken_back')
        WHERE (p.status = 'notified' AND e.seq IS NOT NULL)
           OR (p.status IN ('reversed', 'refunded') AND e.seq IS NULL AND NOT EXISTS (
               SELECT 1 FROM ledger_line l JOIN ledger_entry o ON o.seq = l.entry_seq
               WHERE l.item = p.id AND o.kind IN ('reversal', 'on_statement', 'refund_ordered')))
        ORDER BY p.id
        """,
        ProofCode.REPLAY,
    ),
)


# I5: what was demanded. Due = allocated + outstanding + waived, by the credits and by the book alike.

DEMAND_CHECKS: Final = (
    Check(
        Invariant.I5,
        "a demand is the sum of its lines",
        """
        SELECT d.id AS what, format('phải nộp %s, được miễn %s; các dòng ghi %s và %s', d.amount_due, d.waived,
                                    coalesce(l.due, 0), coalesce(l.waived, 0)) AS how
        FROM fee_demand d LEFT JOIN (SELECT demand_id, sum(amount) AS due, sum(waived) AS waived
                                     FROM fee_demand_line GROUP BY demand_id) AS l ON l.demand_id = d.id
        WHERE (d.amount_due, d.waived) IS DISTINCT FROM (l.due, l.waived) ORDER BY d.id
        """,
    ),
    Check(
        Invariant.I5,
        "what is allocated to a demand is what was credited to it",
        """
        SELECT d.id AS what, format('đã tính %s, trong đó đã xác nhận %s; đã ghi có %s và %s', d.allocated, d.confirmed,
                                    coalesce(c.live, 0), coalesce(c.shown, 0)) AS how
        FROM fee_demand d LEFT JOIN (
            SELECT demand_id, sum(amount) AS live, sum(amount) FILTER (WHERE confirmed_at IS NOT NULL) AS shown
            FROM fee_credit WHERE reversed_at IS NULL GROUP BY demand_id
        ) AS c ON c.demand_id = d.id
        WHERE (d.allocated, d.confirmed) IS DISTINCT FROM (coalesce(c.live, 0), coalesce(c.shown, 0)) ORDER BY d.id
        """,
    ),
    Check(
        Invariant.I5,
        "what is allocated to a demand is owed to its departments by the book",
        """
        SELECT coalesce(d.id, l.demand_id) AS what,
               format('%s, đã tính %s; 331 còn phải trả %s', coalesce(d.status, 'không có yêu cầu nộp này'),
                      coalesce(d.allocated, 0), coalesce(l.owed, 0)) AS how
        FROM fee_demand d FULL JOIN (
            SELECT demand_id, sum(cr - dr) AS owed FROM ledger_line
            WHERE account = '331' AND demand_id IS NOT NULL GROUP BY demand_id
        ) AS l ON l.demand_id = d.id
        LEFT JOIN (  -- taken back by the bank after its department had it, and to be recovered
            SELECT demand_id, sum(amount) AS lost FROM fee_credit c WHERE reversed_at IS NOT NULL AND EXISTS (
                SELECT 1 FROM ledger_line WHERE account = '341' AND item = c.evidence HAVING sum(dr - cr) > 0)
            GROUP BY demand_id
        ) AS v ON v.demand_id = d.id
        WHERE coalesce(l.owed, 0) <> coalesce(v.lost, 0)
            + CASE d.status WHEN 'refund_pending' THEN 0 ELSE coalesce(d.allocated, 0) END
        ORDER BY 1
        """,
    ),
    Check(
        Invariant.I5,
        "no more is allocated of a payment than it counts for",
        """
        SELECT p.id AS what, format('%s, đã dùng %s trong %s; các yêu cầu nộp nhận %s', p.status, p.allocated, p.amount,
                                    coalesce(c.live, 0)) AS how
        FROM payment p LEFT JOIN (SELECT evidence, sum(amount) AS live FROM fee_credit
                                  WHERE reversed_at IS NULL GROUP BY evidence) AS c ON c.evidence = p.id
        WHERE p.allocated <> coalesce(c.live, 0) ORDER BY p.id
        """,
    ),
)


# I4 of the postman: what he has collected is what was delivered for cash, once; and what came late is told of once.

CASH_CHECKS: Final = (
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
