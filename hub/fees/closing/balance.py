"""The closing balance of an account's day by its statements, by their lines and by the ledger, in đồng."""

from dataclasses import dataclass
from datetime import date
from typing import Final

from hub.audit import AuditAction
from hub.db import Connection, one
from hub.fees.ledger import book as balances
from hub.fees.ledger import post, postings
from hub.fees.payments import bookings
from hub.unit_of_work import UnitOfWork

ACCOUNT: Final = "account"
"""source type of an account's opening balance"""

_BY_STATEMENTS: Final = """
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
        AS by_statements,
    (SELECT count(*) FROM statement s WHERE s.account = %(account)s AND s.broken AND s.chain IS NOT NULL
        AND s.from_date <= %(day)s) AS broken
FROM first LEFT JOIN base ON true
"""

_OPENING: Final = """
SELECT coalesce(sum(l.dr - l.cr), 0)::bigint AS net FROM ledger_entry e JOIN ledger_line l ON l.entry_seq = e.seq
WHERE e.kind = 'opening' AND e.bank_account = %s AND l.account = '111'
"""

_OPENING_DAYS: Final = """
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
    """The closing balance of a day in đồng. It agrees where ``book + later + unposted + breaks == by_statements``."""

    by_statements: int | None
    """None: no statement goes back so far"""
    book: int
    """on 111"""
    later: int = 0
    """of this day or before, and booked on a later one, because the day was closed by then"""
    unposted: int = 0
    """opening balance of the first statement that is not in the ledger"""
    breaks: int = 0
    """what no line explains"""
    accepted: bool = True
    """whether two persons have accepted a break of the statements' chain"""

    @property
    def explained(self) -> int:
        return self.book + self.later + self.unposted + self.breaks

    @property
    def agrees(self) -> bool:
        if self.by_statements is None:
            return self.book == 0
        return self.by_statements == self.explained and (not self.breaks or self.accepted)


def at(conn: Connection, account: str, day: date) -> DayBalance:
    """The closing balance of ``account`` on ``day``."""
    book = balances.bank_balance(conn, account, day)
    parameters = {"account": account, "day": day}
    row = conn.execute(_BY_STATEMENTS, parameters).fetchone()
    if row is None or day < row["from_date"]:
        return DayBalance(None, book)
    later = int(one(conn, _LATER, parameters)["net"])
    unposted = row["opening"] - int(one(conn, _OPENING, (account,))["net"])
    breaks = row["by_statements"] - row["by_lines"]
    return DayBalance(row["by_statements"], book, later, unposted, breaks, accepted=row["broken"] > 0)


def open_account(uow: UnitOfWork, account: str) -> None:
    """Book the opening balance of the account's first statement (411) on that statement's first day.

    Where an older statement was imported since, the balance is moved to its day. Nothing is posted where it is right.
    """
    row = uow.conn.execute(
        "SELECT opening, from_date FROM statement WHERE account = %s AND chain IS NOT NULL ORDER BY chain LIMIT 1",
        (account,),
    ).fetchone()
    if row is None:
        return
    booked = {one["day"]: int(one["net"]) for one in uow.conn.execute(_OPENING_DAYS, (account,))}
    expected = {row["from_date"]: row["opening"]}
    for day in sorted(booked.keys() | expected.keys()):
        amount = expected.get(day, 0) - booked.get(day, 0)
        if amount:
            post_opening(uow, account, day, amount)
            details = {"day": day.isoformat(), "amount": amount}
            uow.write_audit(
                f"close {account}", AuditAction.OPENING_BALANCE_BOOKED, reason=f"{day} {amount}", details=details
            )


def post_opening(uow: UnitOfWork, account: str, day: date, amount: int) -> None:
    """Post that the account had ``amount`` more before ``day`` than the ledger says."""
    before = int(one(uow.conn, _COUNT, (account,))["count"])
    origin = bookings.origin_on(uow, ACCOUNT, f"{account} {before + 1}", account, day)
    post(uow.conn, postings.opening(origin, amount))
