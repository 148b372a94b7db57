"""Control totals of a day or a month in đồng, and the digest under which two persons agree to them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

from hub.clock import last_of
from hub.db import Connection, one
from hub.fees.closing import balance
from hub.fees.closing.model import BOOK
from hub.fees.ledger import book
from hub.signing import canonical

_ENTRIES: Final = """
SELECT e.digest FROM ledger_entry e
WHERE e.business_date BETWEEN %(first)s AND %(last)s AND (%(account)s = 'book' OR e.bank_account = %(account)s)
    AND NOT (e.bank_account IS NULL AND e.kind LIKE 'retained%%') ORDER BY e.seq
"""
"""Without the retained shares of a month: they are posted while it is closed."""

_MOVED: Final = """
SELECT l.account, sum(l.dr)::bigint AS debit, sum(l.cr)::bigint AS credit
FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq
WHERE e.business_date BETWEEN %(first)s AND %(last)s AND (%(account)s = 'book' OR e.bank_account = %(account)s)
    AND NOT (e.bank_account IS NULL AND e.kind LIKE 'retained%%') GROUP BY l.account ORDER BY l.account
"""

_LINES: Final = """
SELECT count(*) AS count, coalesce(sum(amount), 0)::bigint AS sum FROM statement_line
WHERE account = %s AND booking_date = %s AND status = 'BOOK' AND state <> 'vanished'
"""


def of_day(conn: Connection, account: str, day: date) -> dict[str, Any]:
    """Control totals of a day of a bank account."""
    balance_of_day = balance.at(conn, account, day)
    return {
        "v": 1,
        "account": account,
        "day": day.isoformat(),
        "statement": balance_of_day.by_statements,
        "book": balance_of_day.book,
        "lines": dict(one(conn, _LINES, (account, day))),
        **_moved(conn, account, day, day),
    }


def of_month(conn: Connection, month: date, accounts: Sequence[str]) -> dict[str, Any]:
    """Control totals of a month; ``accounts``: those whose closing balances are part of them."""
    last = last_of(month)
    return {
        "v": 1,
        "month": f"{month:%Y-%m}",
        "banks": {account: book.bank_balance(conn, account, last) for account in accounts},
        **_moved(conn, BOOK, month, last),
    }


def _moved(conn: Connection, account: str, first: date, last: date) -> dict[str, Any]:
    parameters = {"account": account, "first": first, "last": last}
    hasher, count = hashlib.sha256(), 0
    for row in conn.execute(_ENTRIES, parameters):
        hasher.update(row["digest"])
        count += 1
    moved = conn.execute(_MOVED, parameters).fetchall()
    return {
        "entries": {"count": count, "sha256": hasher.hexdigest()},
        "moved": {row["account"]: {"debit": row["debit"], "credit": row["credit"]} for row in moved},
    }


def digest(totals: Mapping[str, Any]) -> bytes:
    """SHA-256 over the canonical JSON."""
    return hashlib.sha256(canonical.encode(totals)).digest()


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[str]:
    """The figures that differ, as ``name: before → after``."""
    old, new = dict(_flat("", before)), dict(_flat("", after))
    return [
        f"{name}: {old.get(name, '–')} → {new.get(name, '–')}"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            yield from _flat(f"{prefix}.{name}" if prefix else name, inner)
    else:
        yield prefix, value
