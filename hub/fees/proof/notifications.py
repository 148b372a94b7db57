"""I4: what was notified. Every delivery has its verdict, every event its delivery, and every event one outcome."""

from typing import Final, LiteralString

from hub.fees.proof.findings import Check, Invariant

MESSAGE: Final[LiteralString] = """(
            SELECT id, state, body, CASE WHEN kind = 'bank.notification' AND sha256(body) = fingerprint
                                    THEN convert_from(body, 'UTF8')::jsonb END AS said FROM inbox)"""
"""Inbox messages; ``said``: what a notification says, unless its bytes were changed (which other checks name)"""

CHECKS: Final = (
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
               format('báo %s đ; không thành khoản nộp hay ca nào', e.amount) AS how
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
