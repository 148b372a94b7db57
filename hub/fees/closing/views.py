"""Days and months as people look at them."""

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from hub.db import Connection

_DAYS: Final = """
SELECT a.account, d::date AS day,
    CASE WHEN c.day IS NOT NULL THEN 'closed' WHEN p.id IS NOT NULL THEN 'preclosed' ELSE 'open' END AS state,
    coalesce(c.maker, p.maker) AS maker, c.checker, c.closed_at, encode(coalesce(c.digest, p.digest), 'hex') AS digest,
    (coalesce(c.totals, p.totals) ->> 'book')::bigint AS book, r.maker AS reopen_maker,
    (SELECT count(*) FROM day_close b WHERE b.account = a.account AND b.day = d::date AND b.reopened_at IS NOT NULL)
        AS reopened
FROM unnest(%(accounts)s::text[], %(firsts)s::date[]) AS a (account, first)
CROSS JOIN LATERAL generate_series(greatest(a.first, %(first)s::date), %(last)s::date, interval '1 day') AS d
LEFT JOIN day_close c ON c.account = a.account AND c.day = d::date AND c.reopened_at IS NULL
LEFT JOIN close_proposal p ON p.action = 'close' AND p.account = a.account AND p.day = d::date AND p.ended_at IS NULL
LEFT JOIN close_proposal r ON r.action = 'reopen' AND r.account = a.account AND r.day = d::date AND r.ended_at IS NULL
ORDER BY a.account, d
"""

_MONTHS: Final = """
SELECT 'book' AS account, m.day, CASE WHEN c.month IS NOT NULL THEN 'closed' ELSE 'preclosed' END AS state,
    coalesce(c.maker, p.maker) AS maker, c.checker, c.closed_at, encode(coalesce(c.digest, p.digest), 'hex') AS digest,
    NULL::bigint AS book, r.maker AS reopen_maker,
    (SELECT count(*) FROM month_close b WHERE b.month = m.day AND b.reopened_at IS NOT NULL) AS reopened
FROM (SELECT month AS day FROM month_close WHERE reopened_at IS NULL
      UNION SELECT day FROM close_proposal WHERE account = 'book' AND action = 'close' AND ended_at IS NULL) AS m
LEFT JOIN month_close c ON c.month = m.day AND c.reopened_at IS NULL
LEFT JOIN close_proposal p ON p.action = 'close' AND p.account = 'book' AND p.day = m.day AND p.ended_at IS NULL
LEFT JOIN close_proposal r ON r.action = 'reopen' AND r.account = 'book' AND r.day = m.day AND r.ended_at IS NULL
WHERE m.day BETWEEN %(first)s AND %(last)s ORDER BY m.day
"""


def days(conn: Connection, accounts: Sequence[tuple[str, date]], first: date, last: date) -> list[dict[str, Any]]:
    """The days of accounts, each from its own first one on, with who closed it and how often it was opened again."""
    asked = {
        "accounts": [account for account, _ in accounts],
        "firsts": [begins for _, begins in accounts],
        "first": first,
        "last": last,
    }
    return conn.execute(_DAYS, asked).fetchall()


def months(conn: Connection, first: date, last: date) -> list[dict[str, Any]]:
    """The months that are closed, or proposed to be."""
    return conn.execute(_MONTHS, {"first": first, "last": last}).fetchall()
