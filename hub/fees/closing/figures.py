"""The figures of a close, in đồng: a day's closing balance on both sides, and control totals with their digest."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from hub.audit import AuditAction
from hub.clock import last_of
from hub.db import Connection
from hub.fees import payments
from hub.fees.ledger import balances, post, postings
from hub.fees.reconciliation import account_days
from hub.signing import canonical
from hub.unit_of_work import UnitOfWork

ACCOUNT: Final = "account"
"""source type of an account's opening balance"""


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


def day_balance(conn: Connection, account: str, day: date) -> DayBalance:
    """The closing balance of ``account`` on ``day``."""
    book = balances.bank_balance(conn, account, day)
    first, statements = account_days.first_statement(conn, account), account_days.balance(conn, account, day)
    if first is None or statements is None:
        return DayBalance(None, book)
    return DayBalance(
        by_statements=statements.by_statements,
        book=book,
        later=account_days.booked_later(conn, account, day),
        unposted=first.opening - sum(balances.openings(conn, account).values()),
        breaks=statements.by_statements - statements.by_lines,
        accepted=statements.is_break_accepted,
    )


def open_account(uow: UnitOfWork, account: str) -> None:
    """Book the opening balance of the account's first statement (411) on that statement's first day.

    Where an older statement was imported since, the balance is moved to its day. Nothing is posted where it is right.
    """
    first = account_days.first_statement(uow.conn, account)
    if first is None:
        return
    booked, expected = balances.openings(uow.conn, account), {first.day: first.opening}
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
    number = balances.numbered_sources(uow.conn, ACCOUNT, account) + 1
    origin = payments.origin_on(uow, ACCOUNT, f"{account} {number}", account, day)
    post(uow.conn, postings.opening(origin, amount))


# Control totals: what a day or a month comes to. Two persons agree to their digest.


def day_totals(conn: Connection, account: str, day: date) -> dict[str, Any]:
    """Control totals of a day of a bank account."""
    balance = day_balance(conn, account, day)
    return {
        "v": 1,
        "account": account,
        "day": day.isoformat(),
        "statement": balance.by_statements,
        "book": balance.book,
        "lines": dict(account_days.line_totals(conn, account, day)),
        **_moved(conn, day, day, account),
    }


def month_totals(conn: Connection, month: date, accounts: Sequence[str]) -> dict[str, Any]:
    """Control totals of a month; ``accounts``: those whose closing balances are part of them."""
    last = last_of(month)
    return {
        "v": 1,
        "month": f"{month:%Y-%m}",
        "banks": {account: balances.bank_balance(conn, account, last) for account in accounts},
        **_moved(conn, month, last),
    }


def _moved(conn: Connection, first: date, last: date, account: str | None = None) -> dict[str, Any]:
    """Number, common digest and turnover of the entries, of a bank account or of the whole ledger."""
    digests = balances.entry_digests(conn, first, last, account)
    return {
        "entries": {"count": len(digests), "sha256": hashlib.sha256(b"".join(digests)).hexdigest()},
        "moved": dict(balances.turnover(conn, first, last, account)),
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
