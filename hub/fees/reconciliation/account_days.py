"""What the statements say of a bank account's day, and what of it the ledger has: read by the close of a day. đồng."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from psycopg.rows import class_row

from hub.db import Connection, one

_FIRST: Final = """
SELECT from_date AS day, opening FROM statement WHERE account = %s AND chain IS NOT NULL ORDER BY chain LIMIT 1
"""

_BALANCE: Final = """
WITH chained AS (
    SELECT chain, closing FROM statement
    WHERE account = %(account)s AND chain IS NOT NULL AND to_date <= %(day)s
), base AS (SELECT * FROM chained ORDER BY chain DESC LIMIT 1
), line AS (
    SELECT l.amount, coalesce(s.chain, n.chain) AS chain FROM statement_line l JOIN statement s ON s.id = l.statement_id
    LEFT JOIN statement n ON n.id = s.superseded_by
    WHERE l.account = %(account)s AND l.booking_date <= %(day)s AND l.status = 'BOOK' AND l.state <> 'vanished'
)
SELECT %(opening)s::bigint + coalesce((SELECT sum(amount) FROM line), 0)::bigint AS by_lines,
    coalesce(base.closing, %(opening)s::bigint)
        + coalesce((SELECT sum(amount) FROM line WHERE base.chain IS NULL OR line.chain > base.chain), 0)::bigint
        AS by_statements,
    EXISTS (SELECT 1 FROM statement s WHERE s.account = %(account)s AND s.broken AND s.chain IS NOT NULL
        AND s.from_date <= %(day)s) AS is_break_accepted
FROM (SELECT 1) AS always LEFT JOIN base ON true
"""

_BOOKED_LATER: Final = """
SELECT coalesce(sum(l.dr - l.cr), 0)::bigint AS net FROM ledger_entry e
JOIN ledger_line l ON l.entry_seq = e.seq AND l.account = '111'
LEFT JOIN statement_line s ON e.source_type = 'line' AND s.id::text = e.source_id
    AND s.account = %(account)s AND s.booking_date <= %(day)s
WHERE e.bank_account = %(account)s AND e.business_date > %(day)s
    AND coalesce(e.original_date, s.booking_date) <= %(day)s
"""

_COVERAGE: Final = """
SELECT coalesce(bool_or(%(day)s BETWEEN from_date AND to_date), false) AS is_covered, min(from_date) AS first,
    max(to_date) AS last, coalesce((array_agg(broken ORDER BY chain) FILTER (WHERE from_date > %(day)s))[1], false)
    AS is_gap_accepted
FROM statement WHERE account = %(account)s AND chain IS NOT NULL
"""

_IMPORTED: Final = """
SELECT max(s.accepted_at) AS at FROM statement s WHERE s.account = %(account)s AND (
    (s.kind = 'statement' AND s.to_date = %(day)s) OR s.id IN (
        SELECT l.statement_id FROM statement_line l
        WHERE l.account = %(account)s AND l.booking_date = %(day)s AND l.status = 'BOOK'))
"""


@dataclass(frozen=True, slots=True)
class FirstStatement:
    """The start of an account's statements."""

    day: date
    opening: int


@dataclass(frozen=True, slots=True)
class StatementBalance:
    """An account's balance at the end of a day; the two differ where the chain of statements has a break."""

    by_lines: int
    """the first opening balance and all booked lines since"""
    by_statements: int
    """the last closing balance, and the lines of statements behind it"""
    is_break_accepted: bool
    """whether two persons have accepted a break of the chain up to the day"""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Which days an account's statements cover."""

    is_covered: bool
    """whether a statement covers the day"""
    first: date | None
    last: date | None
    is_gap_accepted: bool
    """whether two persons have accepted that the next statement does not follow on"""


def coverage_start(conn: Connection, account: str) -> date | None:
    """The first day that a statement of the account covers; None: it has none."""
    query = "SELECT min(from_date) AS day FROM statement WHERE account = %s AND chain IS NOT NULL"
    day: date | None = one(conn, query, (account,))["day"]
    return day


def first_statement(conn: Connection, account: str) -> FirstStatement | None:
    """The account's first statement; None: it has none."""
    with conn.cursor(row_factory=class_row(FirstStatement)) as cursor:
        return cursor.execute(_FIRST, (account,)).fetchone()


def balance(conn: Connection, account: str, day: date) -> StatementBalance | None:
    """The account's balance at the end of ``day``; None: its statements begin later."""
    first = first_statement(conn, account)
    if first is None or day < first.day:
        return None
    with conn.cursor(row_factory=class_row(StatementBalance)) as cursor:
        return cursor.execute(_BALANCE, {"account": account, "day": day, "opening": first.opening}).fetchone()


def booked_later(conn: Connection, account: str, day: date) -> int:
    """What belongs to ``day`` or before and was posted on a later day, because the day was closed."""
    return int(one(conn, _BOOKED_LATER, {"account": account, "day": day})["net"])


def coverage(conn: Connection, account: str, day: date) -> Coverage:
    """Whether the account's statements cover ``day``, and from when until when they reach."""
    return Coverage(**one(conn, _COVERAGE, {"account": account, "day": day}))


def held_files(conn: Connection, bank: str) -> list[dict[str, Any]]:
    """The bank's files that are held back, with their state and the accounts and days that they are about."""
    return conn.execute(
        "SELECT id, state, summary FROM statement_file"
        " WHERE bank = %s AND state IN ('quarantined', 'balanced') ORDER BY id",
        (bank,),
    ).fetchall()


def unmatched_lines(conn: Connection, account: str, day: date) -> list[dict[str, Any]]:
    """The day's booked lines without a result, with their amounts."""
    return conn.execute(
        "SELECT id, amount FROM statement_line"
        " WHERE account = %s AND booking_date = %s AND status = 'BOOK' AND state = 'new' ORDER BY id",
        (account, day),
    ).fetchall()


def line_ids(conn: Connection, account: str, day: date) -> Sequence[str]:
    """All lines of the day, as exceptions name them."""
    rows = conn.execute(
        "SELECT id::text AS id FROM statement_line WHERE account = %s AND booking_date = %s", (account, day)
    )
    return [row["id"] for row in rows]


def line_totals(conn: Connection, account: str, day: date) -> dict[str, int]:
    """``count`` and ``sum`` of the day's booked lines."""
    return one(
        conn,
        "SELECT count(*) AS count, coalesce(sum(amount), 0)::bigint AS sum FROM statement_line"
        " WHERE account = %s AND booking_date = %s AND status = 'BOOK' AND state <> 'vanished'",
        (account, day),
    )


def imported_at(conn: Connection, account: str, day: date) -> datetime | None:
    """When the last statement of the day, or with a line of it, was accepted; None: there is none."""
    at: datetime | None = one(conn, _IMPORTED, {"account": account, "day": day})["at"]
    return at


def matched_at(conn: Connection, account: str, day: date) -> datetime | None:
    """When the last matching run of the day was completed; None: there was none."""
    at: datetime | None = one(
        conn,
        "SELECT max(finished_at) AS at FROM recon_run WHERE account = %s AND day = %s AND state = 'completed'",
        (account, day),
    )["at"]
    return at


def booking(conn: Connection, line: int) -> dict[str, str | None]:
    """``booked_on`` (ISO date) and ``bank_ref`` of a statement line."""
    query = "SELECT booking_date::text AS booked_on, bank_ref FROM statement_line WHERE id = %s"
    return one(conn, query, (line,))
