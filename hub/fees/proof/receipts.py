"""I10: receipts. Those that stand are what was paid, demand by demand; no number is missing, none was given twice.

A receipt follows its money within a day, so what was moved since then is looked at tomorrow.
"""

from typing import Final

from hub.fees.proof.findings import Check, Invariant

CHECKS: Final = (
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
