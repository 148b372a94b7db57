"""Closing, and opening again: the first person proposes, another agrees to exactly the same."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from config.banks import Bank
from hub.clock import last_of
from hub.errors import NotFound, NotNow
from hub.fees import persons, settlements
from hub.fees.closes import balance, day_gates, month_gates, store, totals
from hub.fees.closes.model import BOOK, Closing, Gate, Proposal, Step
from hub.fees.ledger import book
from hub.fees.matching import overdue
from hub.work import Work


def close_day(work: Work, account: str, day: date) -> Closing:
    """Propose to close a day of ``account``, or agree. Raises NotFound, MayNot, and NotNow where it is closed."""
    persons.check_clerk(work)
    bank = bank_of(work, account)
    book.hold(work.conn)
    if store.day_digest(work.conn, account, day) is not None:
        raise NotNow(f"ngày {day} của tài khoản {account} đã khóa; muốn sửa thì mở lại bằng hub fee reopen")
    first = store.first_day(work.conn, account)
    if first is not None and day < first:
        raise NotNow(f"sổ của tài khoản {account} bắt đầu từ ngày {first}: trước đó không có gì để khóa")
    balance.open_account(work, account)
    standing = store.proposal(work.conn, "close", account, day)
    closing = standing is not None and persons.may_agree(work, standing.maker)
    gates = day_gates.of_day(work, bank, account, day, closing=closing)
    found = totals.of_day(work.conn, account, day)

    def close(agreed: Proposal) -> None:
        store.close_day(work.conn, account, day, agreed, work.actor)
        overdue.closed(work, account, day)

    return _closed(work, account, day, gates, found, close)


def close_month(work: Work, month: date) -> Closing:
    """Propose to close a month, or agree: then the departments' tables are made.

    Raises MayNot, and NotNow where it is closed.
    """
    persons.check_clerk(work)
    book.hold(work.conn)
    if store.month_digest(work.conn, month) is not None:
        raise NotNow(f"tháng {month:%Y-%m} đã khóa; muốn sửa thì mở lại bằng hub fee reopen")
    accounts = accounts_of(work)
    firsts = [day for account in accounts if (day := store.first_day(work.conn, account)) is not None]
    if firsts and last_of(month) < min(firsts):
        raise NotNow(f"sổ bắt đầu từ ngày {min(firsts)}: trước đó không có gì để khóa")
    gates = month_gates.of_month(work, month, accounts)
    found = totals.of_month(work.conn, month, accounts)

    def close(agreed: Proposal) -> None:
        made = settlements.compute(work, month)
        work.note(name(BOOK, month), "settlements computed", reason=made.hex())
        store.close_month(work.conn, month, agreed, work.actor)

    return _closed(work, BOOK, month, gates, found, close)


def reopen_day(work: Work, account: str, day: date, reason: str) -> Closing:
    """Propose to open a day again, or agree; every closed day after it stands on it and is opened with it.

    Raises NotFound, NotNow, MayNot.
    """
    persons.check_clerk(work)
    bank_of(work, account)
    book.hold(work.conn)
    closed = store.closed_from(work.conn, account, day)
    if not closed or closed[0][0] != day:
        raise NotNow(f"ngày {day} của tài khoản {account} chưa khóa")
    months = sorted({one.replace(day=1) for one, _ in closed})
    shut = [f"{month:%Y-%m}" for month in months if store.month_digest(work.conn, month) is not None]
    if shut:
        raise NotNow(f"tháng {', '.join(shut)} đã khóa: mở lại tháng trước")
    found = {"v": 1, "account": account, "closed": {one.isoformat(): digest.hex() for one, digest in closed}}
    return _reopened(work, account, day, found, reason)


def reopen_month(work: Work, month: date, reason: str) -> Closing:
    """Propose to open a month again, or agree: its tables are withdrawn. Its days stay closed.

    Raises MayNot, and NotNow where it is not the last closed one, or a department was handed its table.
    """
    persons.check_clerk(work)
    book.hold(work.conn)
    digest = store.month_digest(work.conn, month)
    if digest is None:
        raise NotNow(f"tháng {month:%Y-%m} chưa khóa")
    if store.last_closed_month(work.conn) != month:
        raise NotNow(f"có tháng sau {month:%Y-%m} đã khóa: mở lại tháng đó trước")
    if handed := store.handed_over(work.conn, month):
        raise NotNow(f"tháng {month:%Y-%m} đã giao cho {', '.join(handed)}: điều chỉnh trong tháng đang mở")
    return _reopened(work, BOOK, month, {"v": 1, "month": f"{month:%Y-%m}", "closed": digest.hex()}, reason)


def bank_of(work: Work, account: str) -> Bank:
    """The bank of one of our accounts. Raises NotFound."""
    for bank in work.catalogue.banks.values():
        if any(one.number == account for one in bank.accounts):
            return bank
    raise NotFound(f"Trung tâm không có tài khoản {account}")


def accounts_of(work: Work) -> list[str]:
    """Our accounts of which a statement or the book ever spoke."""
    own = sorted(one.number for bank in work.catalogue.banks.values() for one in bank.accounts)
    return [account for account in own if store.first_day(work.conn, account) is not None]


def name(account: str, day: date) -> str:
    """The subject of the journal."""
    return f"close {account} {day:%Y-%m}" if account == BOOK else f"close {account} {day}"


def _closed(
    work: Work,
    account: str,
    day: date,
    gates: Sequence[Gate],
    found: Mapping[str, Any],
    close: Callable[[Proposal], None],
) -> Closing:
    """Nothing is written while a gate is red."""
    if not all(gate.green for gate in gates):
        return Closing(account, day, Step.REFUSED, gates)
    digest = totals.digest(found)
    standing = store.proposal(work.conn, "close", account, day)
    changed: list[str] = []
    if standing is not None and standing.digest != digest:
        changed = totals.differences(standing.totals, found)
        store.end(work.conn, standing.id, checker=None, at=work.now)
        work.note(name(account, day), "close overtaken", before="preclosed", after="open", reason=standing.digest.hex())
        standing = None
    if standing is not None and not persons.may_agree(work, standing.maker):
        return Closing(account, day, Step.WAITING, gates, digest)
    if standing is None:
        _propose(work, "close", account, day, found, None)
        work.note(name(account, day), "close proposed", before="open", after="preclosed", reason=digest.hex())
        return Closing(account, day, Step.PROPOSED, gates, digest, changed)
    store.end(work.conn, standing.id, checker=work.actor, at=work.now)
    close(standing)
    work.note(name(account, day), "closed", before="preclosed", after="closed", reason=digest.hex())
    return Closing(account, day, Step.DONE, gates, digest)


def _reopened(work: Work, account: str, day: date, found: Mapping[str, Any], reason: str) -> Closing:
    digest = totals.digest(found)
    standing = store.proposal(work.conn, "reopen", account, day)
    changed: list[str] = []
    if standing is not None and standing.digest != digest:
        changed = totals.differences(standing.totals, found)
        store.end(work.conn, standing.id, checker=None, at=work.now)
        standing = None
    if standing is not None and not persons.may_agree(work, standing.maker):
        return Closing(account, day, Step.WAITING, digest=digest)
    if standing is None:
        _propose(work, "reopen", account, day, found, reason)
        work.note(name(account, day), "reopen proposed", before="closed", after="closed", reason=reason)
        return Closing(account, day, Step.PROPOSED, digest=digest, changed=changed)
    store.end(work.conn, standing.id, checker=work.actor, at=work.now)
    store.reopen(work.conn, account, day, standing, work.actor)
    if account == BOOK:
        settlements.withdraw(work, day, reason)
    work.note(name(account, day), "reopened", before="closed", after="open", reason=f"{standing.reason}; {reason}")
    return Closing(account, day, Step.DONE, digest=digest)


def _propose(
    work: Work, verb: store.Verb, account: str, day: date, found: Mapping[str, Any], reason: str | None
) -> None:
    persons.check_proposes(work)
    store.propose(
        work.conn,
        verb,
        account,
        day,
        digest=totals.digest(found),
        totals=found,
        maker=work.actor,
        reason=reason,
        at=work.now,
    )
