"""The close of days and months: its steps and gates as values, and the tables of what is proposed and closed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final, Literal

from psycopg.types.json import Jsonb

from hub.db import Connection
from hub.fees.ledger import balances
from hub.fees.reconciliation import account_days
from hub.locale import vi
from schemas.figures import grouped

BOOK: Final = "book"
"""in place of an account: the whole ledger, of which a month is closed"""


class CloseStep(StrEnum):
    """The outcome of a command to close or reopen."""

    REFUSED = "refused"
    """a gate is red"""
    PROPOSED = "proposed"
    """the first person; another has to agree"""
    WAITING = "waiting"
    """the maker again, or one who may not agree: nothing was changed"""
    DONE = "done"
    """the second person has agreed to the same control totals"""


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a close. ``found`` and ``todo`` are Vietnamese; ``items`` is what it lists, in numbers."""

    name: str
    """stable, for scripts"""
    label: str
    green: bool
    finding: str
    todo: str = ""
    items: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Closing:
    """The outcome of a command to close or reopen. ``changed``: figures that differ from the proposal that it ended."""

    account: str
    day: date
    """of a month, its first"""
    step: CloseStep
    gates: Sequence[Gate] = ()
    digest: bytes = b""
    changed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A close or reopening that one person has proposed and no other has agreed to yet."""

    id: int
    digest: bytes
    totals: Mapping[str, Any]
    maker: str
    reason: str | None


def dong(amount: int) -> str:
    """1.234.567 đ."""
    return vi("{amount} VND", amount=grouped(amount))


CloseAction = Literal["close", "reopen"]

_PROPOSE: Final = """
INSERT INTO close_proposal (action, account, day, digest, totals, maker, reason, proposed_at)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s)
"""

_DAYS_REOPENED: Final = """
UPDATE day_close SET reopened_at = now(), reopen_maker = %(maker)s, reopen_checker = %(checker)s,
    reopen_reason = %(reason)s
WHERE account = %(account)s AND day >= %(day)s AND reopened_at IS NULL
"""

_MONTH_REOPENED: Final = """
UPDATE month_close SET reopened_at = now(), reopen_maker = %(maker)s, reopen_checker = %(checker)s,
    reopen_reason = %(reason)s
WHERE month = %(day)s AND reopened_at IS NULL
"""


def proposal(conn: Connection, action: CloseAction, account: str, day: date) -> Proposal | None:
    """The open proposal, locked."""
    row = conn.execute(
        "SELECT id, digest, totals, maker, reason FROM close_proposal"
        " WHERE action = %s AND account = %s AND day = %s AND ended_at IS NULL FOR UPDATE",
        (action, account, day),
    ).fetchone()
    return Proposal(**{**row, "digest": bytes(row["digest"])}) if row else None


def proposed_days(conn: Connection, account: str, before: date) -> set[date]:
    """Days of the account, before ``before``, that a person has proposed to close."""
    rows = conn.execute(
        "SELECT day FROM close_proposal WHERE action = 'close' AND account = %s AND day < %s AND ended_at IS NULL",
        (account, before),
    )
    return {row["day"] for row in rows}


def propose(
    conn: Connection,
    action: CloseAction,
    account: str,
    day: date,
    *,
    digest: bytes,
    totals: Mapping[str, Any],
    maker: str,
    reason: str | None,
    at: datetime,
) -> None:
    conn.execute(_PROPOSE, (action, account, day, digest, Jsonb(dict(totals)), maker, reason, at))


def end(conn: Connection, proposal_id: int, *, checker: str | None, at: datetime) -> None:
    """End a proposal: ``checker`` has agreed, or (None) the figures have changed since."""
    conn.execute(
        "UPDATE close_proposal SET outcome = %s, checker = %s, ended_at = %s WHERE id = %s",
        ("agreed" if checker else "overtaken", checker, at, proposal_id),
    )


def close_day(conn: Connection, account: str, day: date, agreed: Proposal, checker: str) -> None:
    conn.execute(
        "INSERT INTO day_close (account, day, digest, totals, maker, checker) VALUES (%s, %s, %s, %s, %s, %s)",
        (account, day, agreed.digest, Jsonb(dict(agreed.totals)), agreed.maker, checker),
    )


def close_month(conn: Connection, month: date, agreed: Proposal, checker: str) -> None:
    conn.execute(
        "INSERT INTO month_close (month, digest, totals, maker, checker) VALUES (%s, %s, %s, %s, %s)",
        (month, agreed.digest, Jsonb(dict(agreed.totals)), agreed.maker, checker),
    )


def reopen(conn: Connection, account: str, day: date, agreed: Proposal, checker: str) -> None:
    """Reopen the month, or the day and every closed one after it."""
    parameters = {"account": account, "day": day, "maker": agreed.maker, "checker": checker, "reason": agreed.reason}
    conn.execute(_MONTH_REOPENED if account == BOOK else _DAYS_REOPENED, parameters)


def closed_from(conn: Connection, account: str, day: date) -> Sequence[tuple[date, bytes]]:
    """The closed days of an account from ``day`` on, each with the digest under which it was closed."""
    rows = conn.execute(
        "SELECT day, digest FROM day_close WHERE account = %s AND day >= %s AND reopened_at IS NULL ORDER BY day",
        (account, day),
    )
    return [(row["day"], bytes(row["digest"])) for row in rows]


def day_digest(conn: Connection, account: str, day: date) -> bytes | None:
    """The digest under which the day was closed; None: it is open."""
    row = conn.execute(
        "SELECT digest FROM day_close WHERE account = %s AND day = %s AND reopened_at IS NULL", (account, day)
    ).fetchone()
    return bytes(row["digest"]) if row else None


def month_digest(conn: Connection, month: date) -> bytes | None:
    """The digest under which the month was closed; None: it is open."""
    row = conn.execute("SELECT digest FROM month_close WHERE month = %s AND reopened_at IS NULL", (month,)).fetchone()
    return bytes(row["digest"]) if row else None


def last_closed_month(conn: Connection) -> date | None:
    row = conn.execute("SELECT max(month) AS month FROM month_close WHERE reopened_at IS NULL").fetchone()
    return row["month"] if row else None


def first_day(conn: Connection, account: str) -> date | None:
    """The first day of the account's statements or entries; None: it has neither."""
    statements = account_days.coverage_start(conn, account)
    days = [day for day in (statements, balances.first_day(conn, account)) if day is not None]
    return min(days, default=None)


def open_days(conn: Connection, account: str, until: date) -> list[date]:
    """The days of an account, from its first to ``until``, that are not closed."""
    first = first_day(conn, account)
    if first is None:
        return []
    rows = conn.execute(
        "SELECT d::date AS day FROM generate_series(%(first)s::date, %(until)s::date, interval '1 day') AS d"
        " WHERE NOT EXISTS (SELECT 1 FROM day_close c WHERE c.account = %(account)s AND c.day = d::date"
        " AND c.reopened_at IS NULL) ORDER BY d",
        {"account": account, "first": first, "until": until},
    )
    return [row["day"] for row in rows]


# Reads for people: days and months with their state.

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
    parameters = {
        "accounts": [account for account, _ in accounts],
        "firsts": [begins for _, begins in accounts],
        "first": first,
        "last": last,
    }
    return conn.execute(_DAYS, parameters).fetchall()


def months(conn: Connection, first: date, last: date) -> list[dict[str, Any]]:
    """The months that are closed, or proposed to be."""
    return conn.execute(_MONTHS, {"first": first, "last": last}).fetchall()
