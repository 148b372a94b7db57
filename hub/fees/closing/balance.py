"""What a day of an account ends with: by the bank's statements, by their lines, and by the book. đồng."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from hub.db import Connection, one
from hub.fees.ledger import book as balances
from hub.fees.ledger import post, postings
from hub.fees.payments import bookings
from hub.unit_of_work import UnitOfWork

ACCOUNT: Final = "account"
"""the source of what was on an account before its first statement here"""

_SAID: Final = """
WITH chained AS (
    SELECT chain, from_date, to_date, opening, closing FROM statement
    WHERE account = %(account)s AND chain IS NOT NULL
), first AS (SELECT * FROM chained ORDER BY chain LIMIT 1
), base AS (SELECT * FROM chained WHERE to_date <= %(day)s ORDER BY chain DESC LIMIT 1
), line AS (
    SELECT l.amount, coalesce(s.chain, n.chain) AS chain FROM statement_line l JOIN statement s ON s.id = l.statement_id
    LEFT JOIN statement n ON n.id = s.superseded_by
    WHERE l.account = %(account)s AND l.booking_date <= %(day)s AND l.status = 'BOOK' AND l.state <> 'vanished'
)
SELECT first.opening, first.from_date,
    first.opening + coalesce((SELECT sum(amount) FROM line), 0)::bigint AS by_lines,
    coalesce(base.closing, first.opening)
        + coalesce((SELECT sum(amount) FROM line WHERE base.chain IS NULL OR line.chain > base.chain), 0)::bigint
        AS said,
    (SELECT count(*) FROM statement s WHERE s.account = %(account)s AND s.broken AND s.chain IS NOT NULL
        AND s.from_date <= %(day)s) AS broken
FROM first LEFT JOIN base ON true
"""

_OPENING: Final = """
SELECT coalesce(sum(l.dr - l.cr), 0)::bigint AS net FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq
WHERE e.kind = 'opening' AND e.bank_account = %s AND l.account = '111'
"""

_OPENINGS: Final = """
SELECT coalesce(e.original_date, e.business_date) AS day, sum(l.dr - l.cr)::bigint AS net
FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq
WHERE e.kind = 'opening' AND e.bank_account = %s AND l.account = '111' GROUP BY 1
"""

_COUNT: Final = "SELECT count(*) AS count FROM ledger_entry WHERE kind = 'opening' AND bank_account = %s"

_LATER: Final = """
SELECT coalesce(sum(l.dr - l.cr), 0)::bigint AS net FROM ledger_entry e
JOIN ledger_line l ON l.entry_seq = e.seq AND l.account = '111'
LEFT JOIN statement_line s ON e.source_type = 'line' AND s.id::text = e.source_id
    AND s.account = %(account)s AND s.booking_date <= %(day)s
WHERE e.bank_account = %(account)s AND e.business_date > %(day)s
    AND coalesce(e.original_date, s.booking_date) <= %(day)s
"""


@dataclass(frozen=True, slots=True)
class DayBalance:
    """The end of a day. They agree where ``book + later + unposted + breaks`` is what the bank ``said``."""

    said: int | None
    """by the statements; None: none goes back so far"""
    book: int
    """on 111"""
    later: int = 0
    """of this day or before, and in the book on a later one, because the day was closed when it was found"""
    unposted: int = 0
    """was on the account before its first statement, and is not in the book"""
    breaks: int = 0
    """what two persons have accepted as not explained by any line"""
    accepted: bool = True
    """whether there is such an acceptance"""

    @property
    def explained(self) -> int:
        return self.book + self.later + self.unposted + self.breaks

    @property
    def agrees(self) -> bool:
        if self.said is None:
            return self.book == 0
        return self.said == self.explained and (not self.breaks or self.accepted)


def at(conn: Connection, account: str, day: date) -> DayBalance:
    """How ``account`` ends ``day``."""
    book = balances.bank_balance(conn, account, day)
    asked = {"account": account, "day": day}
    row = conn.execute(_SAID, asked).fetchone()
    if row is None or day < row["from_date"]:
        return DayBalance(None, book)
    later = int(one(conn, _LATER, asked)["net"])
    unposted = row["opening"] - int(one(conn, _OPENING, (account,))["net"])
    breaks = row["said"] - row["by_lines"]
    return DayBalance(row["said"], book, later, unposted, breaks, accepted=row["broken"] > 0)


def open_account(uow: UnitOfWork, account: str) -> None:
    """What was on the account before its first statement is in the book (411), on that statement's first day.

    Where an older statement was brought in since, it moves there. Nothing is posted where it stands right.
    """
    row = uow.conn.execute(
        "SELECT opening, from_date FROM statement WHERE account = %s AND chain IS NOT NULL ORDER BY chain LIMIT 1",
        (account,),
    ).fetchone()
    if row is None:
        return
    stands = {one["day"]: int(one["net"]) for one in uow.conn.execute(_OPENINGS, (account,))}
    wanted = {row["from_date"]: row["opening"]}
    for day in sorted(stands.keys() | wanted.keys()):
        amount = wanted.get(day, 0) - stands.get(day, 0)
        if amount:
            opened(uow, account, day, amount)
            details = {"day": day.isoformat(), "amount": amount}
            uow.note(f"close {account}", "opening booked", reason=f"{day} {amount}", details=details)


def opened(uow: UnitOfWork, account: str, day: date, amount: int) -> None:
    """``amount`` more was on the account before ``day`` than the book had."""
    before = int(one(uow.conn, _COUNT, (account,))["count"])
    origin = bookings.origin_on(uow, ACCOUNT, f"{account} {before + 1}", account, day)
    post(uow.conn, postings.opening(origin, amount))
