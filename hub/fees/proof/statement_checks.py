"""I2, I3 and I7: what the bank's statements say, what became of each of their lines, and what the book has of it."""

from typing import Final

from hub.fees.proof.findings import Check, Invariant, ProofCode

STATEMENT_CHECKS: Final = (
    Check(
        Invariant.I2,
        "111 of every account is what its statements have booked",
        """
        SELECT coalesce(s.account, b.account) AS what,
               format('các dòng đã có kết quả cộng lại %s; 111 là %s', coalesce(s.total, 0), coalesce(b.net, 0)) AS how
        FROM (SELECT account, sum(amount) AS total FROM statement_line
              WHERE state IN ('matched', 'in_exception', 'not_fee', 'reversed') GROUP BY account) AS s
        FULL JOIN (SELECT e.bank_account AS account, sum(l.dr - l.cr) AS net FROM ledger_line l
                   JOIN ledger_entry e ON e.seq = l.entry_seq
                   WHERE l.account = '111' AND e.kind <> 'opening' GROUP BY e.bank_account) AS b
            ON b.account = s.account
        WHERE coalesce(s.total, 0) <> coalesce(b.net, 0) ORDER BY 1
        """,
    ),
    Check(
        Invariant.I2,
        "every booked line that has an outcome is in the book once, with its amount and its account",
        """
        SELECT coalesce(s.source, b.source) AS what,
               format('%s; 111 ghi %s', coalesce(s.state || ', ' || s.amount || ' đ vào ' || s.account,
                                                 'không có dòng sao kê này'),
                      CASE WHEN b.source IS NULL THEN 'không có gì'
                           ELSE b.net || ' đ vào ' || coalesce(b.account, '–') END) AS how
        FROM (SELECT 'line ' || id AS source, account, amount, state FROM statement_line
              WHERE state IN ('matched', 'in_exception', 'not_fee', 'reversed') AND amount <> 0) AS s
        FULL JOIN (SELECT e.source_type || ' ' || e.source_id AS source, e.bank_account AS account,
                          sum(l.dr - l.cr) AS net
                   FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
                   WHERE l.account = '111' AND e.kind <> 'opening' GROUP BY 1, 2
                   HAVING sum(l.dr - l.cr) <> 0) AS b
            ON b.source = s.source
        WHERE (s.account, s.amount) IS DISTINCT FROM (b.account, b.net) ORDER BY 1
        """,
    ),
    Check(
        Invariant.I3,
        "no booked line has waited for an hour without an outcome",
        """
        SELECT 'line ' || l.id AS what, format('%s đ ngày %s vào %s', l.amount, l.booking_date, l.account) AS how
        FROM statement_line l JOIN statement s ON s.id = l.statement_id
        WHERE l.state = 'new' AND s.accepted_at < now() - interval '1 hour' ORDER BY l.id
        """,
    ),
    Check(
        Invariant.I3,
        "a line is matched, in an open case, or no fee: one of the three",
        """
        SELECT 'line ' || l.id AS what, format('%s: đã tính %s trong %s đ, %s', l.state, l.allocated, l.amount,
                                               CASE WHEN c.open THEN 'có ngoại lệ đang mở'
                                                    ELSE 'không có ngoại lệ đang mở' END) AS how
        FROM statement_line l CROSS JOIN LATERAL (SELECT EXISTS (
            SELECT 1 FROM fee_exception c WHERE c.state <> 'resolved' AND (
                (c.object_type IN ('statement_line', 'line') AND c.object_id = l.id::text)
                OR c.facts ->> 'line' = l.id::text)) AS open) AS c
        WHERE (l.state = 'matched' AND l.allocated = 0) OR (l.state = 'in_exception' AND NOT c.open)
           OR (l.state IN ('pending', 'new', 'vanished') AND l.allocated <> 0)
        ORDER BY l.id
        """,
    ),
    Check(
        Invariant.I7,
        "files are the bytes that came, and what was not accepted has posted nothing",
        """
        SELECT f.id AS what, format('%s, %s', f.state, CASE WHEN sha256(f.body) <> f.sha256
            THEN 'nội dung không còn như khi nhận' ELSE 'nhưng đã có sao kê từ tệp này' END) AS how
        FROM statement_file f WHERE sha256(f.body) <> f.sha256
           OR (f.state IN ('balanced', 'quarantined', 'rejected')
               AND EXISTS (SELECT 1 FROM statement s WHERE s.file_id = f.id))
        ORDER BY f.id
        """,
    ),
    Check(
        Invariant.I7,
        "the statements of an account follow one another without a gap",
        """
        SELECT account || ' ' || id AS what, format('thứ tự %s; sao kê liền trước là %s', chain, before) AS how
        FROM (SELECT id, account, chain, lag(chain) OVER (PARTITION BY account ORDER BY chain) AS before
              FROM statement WHERE chain IS NOT NULL) AS chained
        WHERE chain <> before + 1 ORDER BY account, chain
        """,
        ProofCode.CHAIN,
    ),
    Check(
        Invariant.I7,
        "an account's last closing balance is its first opening balance and all that was booked",
        """
        WITH base AS (  -- a break that two persons have accepted begins anew
            SELECT DISTINCT ON (account) account, chain, opening, from_date FROM statement
            WHERE chain IS NOT NULL ORDER BY account, broken DESC, CASE WHEN broken THEN -chain ELSE chain END
        ), last AS (
            SELECT DISTINCT ON (account) account, closing, to_date FROM statement
            WHERE chain IS NOT NULL ORDER BY account, chain DESC
        ), booked AS (
            SELECT l.account, sum(l.amount) AS total
            FROM statement_line l JOIN statement s ON s.id = l.statement_id
            LEFT JOIN statement n ON n.id = s.superseded_by
            JOIN base b ON b.account = l.account JOIN last e ON e.account = l.account
            WHERE l.status = 'BOOK' AND l.state <> 'vanished'
              AND CASE WHEN coalesce(s.chain, n.chain) IS NULL THEN l.booking_date BETWEEN b.from_date AND e.to_date
                       ELSE coalesce(s.chain, n.chain) >= b.chain END
            GROUP BY l.account
        )
        SELECT b.account AS what, format('đầu kỳ %s, phát sinh %s, cuối kỳ %s', b.opening, coalesce(k.total, 0),
                                         e.closing) AS how
        FROM base b JOIN last e ON e.account = b.account LEFT JOIN booked k ON k.account = b.account
        WHERE b.opening + coalesce(k.total, 0) <> e.closing ORDER BY b.account
        """,
        ProofCode.CHAIN,
    ),
)


# I3 of what is joined: a line and a payment stand in one match, and a demand has what the match counts for it.

MATCH_CHECKS: Final = (
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
