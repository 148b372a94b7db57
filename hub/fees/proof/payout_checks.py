"""I3 and I6 of what is paid out: 113 is the refunds under way, and every order that was paid is a debit of ours."""

from typing import Final, LiteralString

from hub.fees.proof.findings import Check, Invariant

ORDER_CHECKS: Final = (
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


# I8: the tables of a month are what 331 moved in it, each line once; what has gone out is what they came to.

OWN: Final[LiteralString] = "('retained', 'retained_withdrawn', 'transferred', 'transfer_returned')"
"""entries of settlements themselves (hub.fees.settlements.table.OWN)"""
TOLD: Final[LiteralString] = f"""
SELECT l.entry_seq, l.number, l.department, l.fee_code, l.cr - l.dr AS amount, e.business_date
FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq WHERE l.account = '331' AND e.kind NOT IN {OWN}
"""
"""lines of 331 that a department is told"""
LIVE: Final[LiteralString] = """
SELECT s.id, s.department, s.month, i.number, i.kind, i.fee_code, i.amount, i.entry_seq, i.line_number
FROM settlement_item i JOIN settlement s ON s.id = i.settlement_id WHERE i.live
"""

SETTLEMENT_CHECKS: Final = (
    Check(
        Invariant.I8,
        "every movement of 331 in a month that has tables is one line of its department's table",
        f"""
        SELECT 'entry ' || coalesce(b.entry_seq, i.entry_seq) AS what,
               CASE WHEN b.entry_seq IS NULL THEN 'không có trong sổ'
                    ELSE format('sổ ghi %s đ của %s, khoản phí %s, tháng %s', b.amount,
                                coalesce(b.department, '–'), coalesce(b.fee_code, '–'),
                                to_char(b.business_date, 'MM/YYYY')) END || '; ' ||
               CASE WHEN i.entry_seq IS NULL THEN 'không có trong bảng'
                    ELSE format('bảng ghi %s đ của %s, khoản phí %s, tháng %s', i.amount, i.department, i.fee_code,
                                to_char(i.month, 'MM/YYYY')) END AS how
        FROM (SELECT b.* FROM ({TOLD}) AS b WHERE EXISTS (
                  SELECT 1 FROM settlement s WHERE s.state <> 'withdrawn'
                    AND s.month = date_trunc('month', b.business_date))) AS b
        FULL JOIN (SELECT * FROM ({LIVE}) AS live WHERE kind <> 'carried') AS i
            ON i.entry_seq = b.entry_seq AND i.line_number = b.number
        WHERE (b.department, b.fee_code, b.amount, date_trunc('month', b.business_date)::date)
              IS DISTINCT FROM (i.department, i.fee_code, i.amount, i.month)
        ORDER BY 1
        """,
    ),
    Check(
        Invariant.I8,
        "the sums of a table are those of its lines, and what was signed says the same",
        f"""
        SELECT s.id AS what, format('các dòng %s %s %s %s, theo khoản phí %s, đã ký %s', coalesce(i.carried, 0),
                                    coalesce(i.receipts, 0), coalesce(i.refunds, 0), coalesce(i.adjustments, 0),
                                    coalesce(f.net, 0), coalesce(signed.net::text, 'không có')) AS how
        FROM settlement s
        CROSS JOIN LATERAL (SELECT convert_from(s.body, 'UTF8')::jsonb AS told) AS body
        CROSS JOIN LATERAL (SELECT (told ->> 'net')::bigint AS net, (told ->> 'retained')::bigint AS retained,
                                   jsonb_array_length(told -> 'lines') AS lines) AS signed
        LEFT JOIN (SELECT id, count(*) AS n, coalesce(sum(amount) FILTER (WHERE kind = 'carried'), 0) AS carried,
                          coalesce(sum(amount) FILTER (WHERE kind = 'receipt'), 0) AS receipts,
                          coalesce(sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunds,
                          coalesce(sum(amount) FILTER (WHERE kind = 'adjustment'), 0) AS adjustments
                   FROM ({LIVE}) AS live GROUP BY id) AS i ON i.id = s.id
        LEFT JOIN (SELECT settlement_id, sum(retained) AS retained, sum(net) AS net FROM settlement_fee
                   GROUP BY settlement_id) AS f ON f.settlement_id = s.id
        WHERE s.state <> 'withdrawn' AND (i.carried, i.receipts, i.refunds, i.adjustments, f.retained, f.net,
                                          signed.retained, signed.net, signed.lines)
              IS DISTINCT FROM (s.opening, s.receipts, s.refunds, s.adjustments, s.retained, s.net,
                                s.retained, s.net, i.n)
        ORDER BY s.id
        """,
    ),
    Check(
        Invariant.I8,
        "what the Centre keeps of a month is what its tables say",
        """
        SELECT coalesce(s.id, k.id) AS what, format('%s: bảng để lại %s đ, sổ ghi %s đ', coalesce(s.fee_code,
                      k.fee_code), coalesce(s.retained, 0), coalesce(k.kept, 0)) AS how
        FROM (SELECT s.id, f.fee_code, f.retained FROM settlement s JOIN settlement_fee f ON f.settlement_id = s.id
              WHERE s.state <> 'withdrawn' AND f.retained <> 0) AS s
        FULL JOIN (SELECT e.source_id AS id, l.fee_code, sum(l.cr - l.dr) AS kept
                   FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
                   WHERE l.account = '511' GROUP BY 1, 2 HAVING sum(l.cr - l.dr) <> 0) AS k
            ON (k.id, k.fee_code) = (s.id, s.fee_code)
        WHERE s.retained IS DISTINCT FROM k.kept ORDER BY 1
        """,
    ),
    Check(
        Invariant.I8,
        "a settlement whose money has gone was paid what it came to, but for what is disputed",
        """
        SELECT s.id AS what, format('phải chuyển %s đ, tranh chấp %s đ; đã chi %s đ, chuyển kỳ sau %s đ', s.net,
                                    s.disputed, coalesce(o.amount, 0), coalesce(c.amount, 0)) AS how
        FROM settlement s LEFT JOIN payment_order o ON o.id = s.order_id AND o.state = 'confirmed'
        LEFT JOIN (SELECT settlement_id, sum(amount) AS amount FROM settlement_carry GROUP BY settlement_id) AS c
            ON c.settlement_id = s.id
        WHERE s.state IN ('transferred', 'receipted', 'closed')
          AND s.net <> coalesce(o.amount, 0) + coalesce(c.amount, 0)
        ORDER BY s.id
        """,
    ),
    Check(
        Invariant.I8,
        "331 of a department is what is in no table yet, in tables not paid yet, and disputed",
        f"""
        SELECT coalesce(b.department, t.department) AS what,
               format('331: %s đ; giải thích được: %s đ', coalesce(b.owed, 0), coalesce(t.owed, 0)) AS how
        FROM (SELECT department, sum(cr - dr) AS owed FROM ledger_line WHERE account = '331'
              GROUP BY department) AS b
        FULL JOIN (
            SELECT department, sum(amount) AS owed FROM (
                SELECT b.department, b.amount FROM ({TOLD}) AS b WHERE NOT EXISTS (
                    SELECT 1 FROM settlement_item i
                    WHERE i.live AND i.entry_seq = b.entry_seq AND i.line_number = b.number)
                UNION ALL
                SELECT department, net - disputed FROM settlement
                WHERE state IN ('computed', 'notified', 'confirmed', 'disputed', 'ordered')
                UNION ALL
                SELECT department, amount FROM settlement_carry WHERE taken_by IS NULL
            ) AS parts GROUP BY department
        ) AS t ON t.department = b.department
        WHERE coalesce(b.owed, 0) <> coalesce(t.owed, 0) ORDER BY 1
        """,
    ),
)


# I10: receipts. Those that stand are what was paid, demand by demand; no number is missing, none was given twice.
#
# A receipt follows its money within a day, so what was moved since then is looked at tomorrow.

RECEIPT_CHECKS: Final = (
    Check(
        Invariant.I10,
        "the numbers of a series begin with 1 every year and none is missing",
        """
        SELECT format('%s, %s', coalesce(s.series, r.series), coalesce(s.year, r.year)) AS what,
               format('%s biên lai, từ số %s đến số %s; số cấp cuối cùng là %s', coalesce(r.count, 0),
                      coalesce(r.first, 0), coalesce(r.last, 0), coalesce(s.last, 0)) AS how
        FROM receipt_series s FULL JOIN (
            SELECT series, year, count(DISTINCT number) AS count, min(number) AS first, max(number) AS last
            FROM receipt GROUP BY series, year
        ) AS r ON (r.series, r.year) = (s.series, s.year)
        WHERE (r.first, r.last, r.count) IS DISTINCT FROM (1, s.last, s.last::bigint) ORDER BY 1
        """,
    ),
    Check(
        Invariant.I10,
        "the receipts of a demand that stand are what is allocated to it",
        """
        SELECT d.id AS what, format('%s, đã tính %s; biên lai còn hiệu lực %s', d.status, d.allocated,
                                    coalesce(r.amount, 0)) AS how
        FROM fee_demand d
        LEFT JOIN (SELECT demand_id, sum(amount) AS amount FROM receipt WHERE voided_at IS NULL GROUP BY demand_id)
            AS r ON r.demand_id = d.id
        WHERE d.updated_at < now() - interval '1 day'
          AND ((r.amount IS NOT NULL
                AND (d.status NOT IN ('paid_unconfirmed', 'paid', 'settled') OR r.amount <> d.allocated))
               OR (r.amount IS NULL AND EXISTS (SELECT 1 FROM receipt_due AS due WHERE due.demand_id = d.id
                                                AND due.since < now() - interval '1 day')))
        ORDER BY d.id
        """,
    ),
    Check(
        Invariant.I10,
        "what a receipt says is what was sealed and what its row says",
        """
        SELECT r.id AS what, format('dữ liệu lưu ghi %s %s %s đ; biên lai ghi %s %s %s đ', r.series, r.number, r.amount,
                                    coalesce(said ->> 'symbol', '–'), coalesce(said ->> 'number', '–'),
                                    coalesce(said ->> 'amount', '–')) AS how
        FROM receipt r JOIN custody_leaf l ON l.id = r.leaf_id
        CROSS JOIN LATERAL (SELECT convert_from(r.body, 'UTF8')::jsonb AS said) AS read
        WHERE l.record_hash <> sha256(r.body)
           OR (r.series, r.number::text, r.amount::text, r.kind) IS DISTINCT FROM
              (said ->> 'template' || ' ' || (said ->> 'symbol'), said ->> 'number', said ->> 'amount', said ->> 'kind')
        ORDER BY r.id
        """,
    ),
)
