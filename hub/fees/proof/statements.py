"""I2, I3 and I7: what the bank's statements say, what became of each of their lines, and what the book has of it."""

from typing import Final

from hub.fees.proof.findings import Check, Invariant, ProofCode

CHECKS: Final = (
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
                                               CASE WHEN c.open THEN 'có ca đang mở'
                                                    ELSE 'không có ca đang mở' END) AS how
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
