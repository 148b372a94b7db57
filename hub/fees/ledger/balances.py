"""Reads of the ledger: balances, turnovers, open items, and what was posted from a source. đồng."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from psycopg.rows import class_row

from hub.db import Connection, one

_IN_SCOPE: Final = """
e.business_date BETWEEN %(first)s AND %(last)s
    AND (%(bank_account)s::text IS NULL OR e.bank_account = %(bank_account)s)
    AND NOT (e.bank_account IS NULL AND e.kind LIKE 'retained%%')
"""
"""without the retained shares of a month, which are posted while it is closed"""

_OPENINGS: Final = """
SELECT coalesce(e.original_date, e.business_date) AS day, sum(l.dr - l.cr)::bigint AS net
FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq
WHERE e.kind = 'opening' AND e.bank_account = %s AND l.account = '111' GROUP BY 1
"""

_TURNOVER: Final = f"""
SELECT l.account, sum(l.dr)::bigint AS debit, sum(l.cr)::bigint AS credit
FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq WHERE {_IN_SCOPE} GROUP BY l.account ORDER BY l.account
"""

_OPEN_ITEMS: Final = """
SELECT l.account, l.item, sum(l.dr - l.cr)::bigint AS net, min(e.business_date) AS since
FROM ledger_line l JOIN ledger_entry e ON e.seq = l.entry_seq
WHERE l.account = ANY(%s) AND e.business_date <= %s
GROUP BY l.account, l.item HAVING sum(l.dr - l.cr) <> 0 ORDER BY since, l.account, l.item
"""


@dataclass(frozen=True, slots=True)
class OpenItem:
    """An item of an account for open items whose postings do not add up to zero. ``net``: debit less credit."""

    account: str
    item: str
    net: int
    since: date


def bank_balance(conn: Connection, bank_account: str, until: date) -> int:
    """The balance of a bank account (111) at the end of ``until``."""
    row = one(
        conn,
        "SELECT coalesce(sum(l.dr - l.cr), 0)::bigint AS net FROM ledger_line l"
        " JOIN ledger_entry e ON e.seq = l.entry_seq"
        " WHERE l.account = '111' AND e.bank_account = %s AND e.business_date <= %s",
        (bank_account, until),
    )
    return int(row["net"])


def item_balance(conn: Connection, account: str, item: str | None) -> int:
    """Debit less credit of an item on ``account``."""
    query = "SELECT coalesce(sum(dr - cr), 0)::bigint AS net FROM ledger_line WHERE account = %s AND item = %s"
    return int(one(conn, query, (account, item))["net"])


def posted_from(conn: Connection, account: str, source_type: str, source_id: str) -> int:
    """Debit less credit that a source has posted to ``account``."""
    row = one(
        conn,
        "SELECT coalesce(sum(l.dr - l.cr), 0)::bigint AS net FROM ledger_line l JOIN ledger_entry e"
        " ON e.seq = l.entry_seq WHERE l.account = %s AND (e.source_type, e.source_id) = (%s, %s)",
        (account, source_type, source_id),
    )
    return int(row["net"])


def numbered_sources(conn: Connection, source_type: str, name: str) -> int:
    """How many entries have a source id of ``name`` and a number behind it."""
    query = "SELECT count(*) AS count FROM ledger_entry WHERE source_type = %s AND source_id LIKE %s || ' %%'"
    return int(one(conn, query, (source_type, name))["count"])


def first_day(conn: Connection, bank_account: str | None = None) -> date | None:
    """The day of the first entry, of a bank account or of the whole ledger; None: there is none."""
    query = "SELECT min(business_date) AS day FROM ledger_entry"
    row = one(
        conn, f"{query} WHERE bank_account = %s" if bank_account else query, (bank_account,) if bank_account else ()
    )
    day: date | None = row["day"]
    return day


def last_number(conn: Connection) -> int:
    """The number of the last entry; 0: there is none."""
    return int(one(conn, "SELECT coalesce(max(seq), 0) AS seq FROM ledger_entry", ())["seq"])


def openings(conn: Connection, bank_account: str) -> dict[date, int]:
    """Day → opening balance that was posted for it."""
    return {row["day"]: int(row["net"]) for row in conn.execute(_OPENINGS, (bank_account,))}


def entry_digests(conn: Connection, first: date, last: date, bank_account: str | None = None) -> Sequence[bytes]:
    """The digests of the entries from ``first`` to ``last`` in their order, without retained shares."""
    scope = {"first": first, "last": last, "bank_account": bank_account}
    rows = conn.execute(f"SELECT e.digest FROM ledger_entry e WHERE {_IN_SCOPE} ORDER BY e.seq", scope)
    return [bytes(row["digest"]) for row in rows]


def turnover(
    conn: Connection, first: date, last: date, bank_account: str | None = None
) -> Mapping[str, Mapping[str, Any]]:
    """Account → its debit and credit from ``first`` to ``last``, without retained shares."""
    rows = conn.execute(_TURNOVER, {"first": first, "last": last, "bank_account": bank_account})
    return {row["account"]: {"debit": row["debit"], "credit": row["credit"]} for row in rows}


def open_items(conn: Connection, accounts: Sequence[str], until: date) -> list[OpenItem]:
    """The open items of these accounts at the end of ``until``, the oldest first."""
    with conn.cursor(row_factory=class_row(OpenItem)) as cursor:
        return cursor.execute(_OPEN_ITEMS, (list(accounts), until)).fetchall()
