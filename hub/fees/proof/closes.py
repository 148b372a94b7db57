"""I1 of what was closed: the entries of a closed day or month are those that two persons agreed to."""

from typing import Final

from hub.fees.proof.findings import Check, Invariant, ProofCode

CHECKS: Final = (
    Check(
        Invariant.I1,
        "a closed day has the entries with which it was closed",
        """
        SELECT c.account || ' ' || c.day AS what, format('khóa với %s bút toán; nay có %s, %s',
                   c.totals #>> '{entries,count}', coalesce(e.count, 0),
                   CASE WHEN e.count = (c.totals #>> '{entries,count}')::bigint THEN 'nội dung khác'
                        ELSE 'khác số lượng' END) AS how
        FROM day_close c LEFT JOIN (
            SELECT bank_account, business_date, count(*) AS count, sha256(string_agg(digest, ''::bytea ORDER BY seq))
                       AS hash FROM ledger_entry GROUP BY bank_account, business_date
        ) AS e ON (e.bank_account, e.business_date) = (c.account, c.day)
        WHERE c.reopened_at IS NULL AND c.totals ? 'entries'
          AND c.totals #>> '{entries,sha256}' <> encode(coalesce(e.hash, sha256('')), 'hex')
        ORDER BY c.account, c.day
        """,
        ProofCode.CHAIN,
    ),
    Check(
        Invariant.I1,
        "a closed month has the entries with which it was closed",
        """
        SELECT to_char(c.month, 'YYYY-MM') AS what, format('khóa với %s bút toán; nay có %s, %s',
                   c.totals #>> '{entries,count}', coalesce(e.count, 0),
                   CASE WHEN e.count = (c.totals #>> '{entries,count}')::bigint THEN 'nội dung khác'
                        ELSE 'khác số lượng' END) AS how
        FROM month_close c LEFT JOIN (
            SELECT date_trunc('month', business_date)::date AS month, count(*) AS count,
                   sha256(string_agg(digest, ''::bytea ORDER BY seq)) AS hash
            FROM ledger_entry WHERE bank_account IS NOT NULL OR kind NOT LIKE 'retained%' GROUP BY 1
        ) AS e ON e.month = c.month
        WHERE c.reopened_at IS NULL AND c.totals #>> '{entries,sha256}' <> encode(coalesce(e.hash, sha256('')), 'hex')
        ORDER BY c.month
        """,
        ProofCode.CHAIN,
    ),
)
