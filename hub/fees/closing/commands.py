"""Closing, and opening again: the first person proposes, another agrees to exactly the same."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from config.banks import Bank
from hub.clock import last_of
from hub.errors import InvalidState, NotFound
from hub.fees import clerks, settlements
from hub.fees.closing import balance, gates, store, totals
from hub.fees.closing.model import BOOK, CloseStep, Closing, Gate, Proposal
from hub.fees.ledger import book
from hub.fees.reconciliation.matching import overdue
from hub.locale import vi
from hub.unit_of_work import UnitOfWork


def close_day(uow: UnitOfWork, account: str, day: date) -> Closing:
    """Propose to close a day of ``account``, or agree.

    Raises NotFound, Forbidden, and InvalidState where it is closed.
    """
    clerks.check_clerk(uow)
    bank = bank_of(uow, account)
    book.hold(uow.conn)
    if store.day_digest(uow.conn, account, day) is not None:
        raise InvalidState(
            vi(
                "day {day} of account {account} is closed; to correct it, reopen it by hub fee reopen",
                day=day,
                account=account,
            )
        )
    first = store.first_day(uow.conn, account)
    if first is not None and day < first:
        raise InvalidState(
            vi(
                "the ledger of account {account} begins on {first}: there is nothing to close before",
                account=account,
                first=first,
            )
        )
    balance.open_account(uow, account)
    standing = store.proposal(uow.conn, "close", account, day)
    closing = standing is not None and clerks.may_agree(uow, standing.maker)
    checked = gates.of_day(uow, bank, account, day, closing=closing)
    found = totals.of_day(uow.conn, account, day)

    def close(agreed: Proposal) -> None:
        store.close_day(uow.conn, account, day, agreed, uow.actor)
        overdue.closed(uow, account, day)

    return _closed(uow, account, day, checked, found, close)


def close_month(uow: UnitOfWork, month: date) -> Closing:
    """Propose to close a month, or agree: then the departments' tables are made.

    Raises Forbidden, and InvalidState where it is closed.
    """
    clerks.check_clerk(uow)
    book.hold(uow.conn)
    if store.month_digest(uow.conn, month) is not None:
        raise InvalidState(vi("month {month:%Y-%m} is closed; to correct it, reopen it by hub fee reopen", month=month))
    accounts = accounts_of(uow)
    firsts = [day for account in accounts if (day := store.first_day(uow.conn, account)) is not None]
    if firsts and last_of(month) < min(firsts):
        raise InvalidState(vi("the ledger begins on {first}: there is nothing to close before", first=min(firsts)))
    checked = gates.of_month(uow, month, accounts)
    found = totals.of_month(uow.conn, month, accounts)

    def close(agreed: Proposal) -> None:
        made = settlements.compute(uow, month)
        uow.note(name(BOOK, month), "settlements computed", reason=made.hex())
        store.close_month(uow.conn, month, agreed, uow.actor)

    return _closed(uow, BOOK, month, checked, found, close)


def reopen_day(uow: UnitOfWork, account: str, day: date, reason: str) -> Closing:
    """Propose to open a day again, or agree; every closed day after it stands on it and is opened with it.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    bank_of(uow, account)
    book.hold(uow.conn)
    closed = store.closed_from(uow.conn, account, day)
    if not closed or closed[0][0] != day:
        raise InvalidState(vi("day {day} of account {account} is not closed", day=day, account=account))
    months = sorted({one.replace(day=1) for one, _ in closed})
    shut = [f"{month:%Y-%m}" for month in months if store.month_digest(uow.conn, month) is not None]
    if shut:
        raise InvalidState(vi("month {listed} is closed: reopen the month first", listed=", ".join(shut)))
    found = {"v": 1, "account": account, "closed": {one.isoformat(): digest.hex() for one, digest in closed}}
    return _reopened(uow, account, day, found, reason)


def reopen_month(uow: UnitOfWork, month: date, reason: str) -> Closing:
    """Propose to open a month again, or agree: its tables are withdrawn. Its days stay closed.

    Raises Forbidden, and InvalidState where it is not the last closed one, or a department was handed its table.
    """
    clerks.check_clerk(uow)
    book.hold(uow.conn)
    digest = store.month_digest(uow.conn, month)
    if digest is None:
        raise InvalidState(vi("month {month:%Y-%m} is not closed", month=month))
    if store.last_closed_month(uow.conn) != month:
        raise InvalidState(vi("the later month {month:%Y-%m} is closed: reopen that month first", month=month))
    if handed := store.handed_over(uow.conn, month):
        raise InvalidState(
            vi(
                "month {month:%Y-%m} has been handed to {listed}: adjust it in the open month",
                month=month,
                listed=", ".join(handed),
            )
        )
    return _reopened(uow, BOOK, month, {"v": 1, "month": f"{month:%Y-%m}", "closed": digest.hex()}, reason)


def bank_of(uow: UnitOfWork, account: str) -> Bank:
    """The bank of one of our accounts. Raises NotFound."""
    for bank in uow.catalogue.banks.values():
        if any(one.number == account for one in bank.accounts):
            return bank
    raise NotFound(vi("the Centre has no account {account}", account=account))


def accounts_of(uow: UnitOfWork) -> list[str]:
    """Our accounts of which a statement or the book ever spoke."""
    own = sorted(one.number for bank in uow.catalogue.banks.values() for one in bank.accounts)
    return [account for account in own if store.first_day(uow.conn, account) is not None]


def name(account: str, day: date) -> str:
    """The subject of the audit log."""
    return f"close {account} {day:%Y-%m}" if account == BOOK else f"close {account} {day}"


def _closed(
    uow: UnitOfWork,
    account: str,
    day: date,
    gates: Sequence[Gate],
    found: Mapping[str, Any],
    close: Callable[[Proposal], None],
) -> Closing:
    """Nothing is written while a gate is red."""
    if not all(gate.green for gate in gates):
        return Closing(account, day, CloseStep.REFUSED, gates)
    digest = totals.digest(found)
    standing = store.proposal(uow.conn, "close", account, day)
    changed: list[str] = []
    if standing is not None and standing.digest != digest:
        changed = totals.differences(standing.totals, found)
        store.end(uow.conn, standing.id, checker=None, at=uow.now)
        uow.note(name(account, day), "close overtaken", before="preclosed", after="open", reason=standing.digest.hex())
        standing = None
    if standing is not None and not clerks.may_agree(uow, standing.maker):
        return Closing(account, day, CloseStep.WAITING, gates, digest)
    if standing is None:
        _propose(uow, "close", account, day, found, None)
        uow.note(name(account, day), "close proposed", before="open", after="preclosed", reason=digest.hex())
        return Closing(account, day, CloseStep.PROPOSED, gates, digest, changed)
    store.end(uow.conn, standing.id, checker=uow.actor, at=uow.now)
    close(standing)
    uow.note(name(account, day), "closed", before="preclosed", after="closed", reason=digest.hex())
    return Closing(account, day, CloseStep.DONE, gates, digest)


def _reopened(uow: UnitOfWork, account: str, day: date, found: Mapping[str, Any], reason: str) -> Closing:
    digest = totals.digest(found)
    standing = store.proposal(uow.conn, "reopen", account, day)
    changed: list[str] = []
    if standing is not None and standing.digest != digest:
        changed = totals.differences(standing.totals, found)
        store.end(uow.conn, standing.id, checker=None, at=uow.now)
        standing = None
    if standing is not None and not clerks.may_agree(uow, standing.maker):
        return Closing(account, day, CloseStep.WAITING, digest=digest)
    if standing is None:
        _propose(uow, "reopen", account, day, found, reason)
        uow.note(name(account, day), "reopen proposed", before="closed", after="closed", reason=reason)
        return Closing(account, day, CloseStep.PROPOSED, digest=digest, changed=changed)
    store.end(uow.conn, standing.id, checker=uow.actor, at=uow.now)
    store.reopen(uow.conn, account, day, standing, uow.actor)
    if account == BOOK:
        settlements.withdraw(uow, day, reason)
    uow.note(name(account, day), "reopened", before="closed", after="open", reason=f"{standing.reason}; {reason}")
    return Closing(account, day, CloseStep.DONE, digest=digest)


def _propose(
    uow: UnitOfWork, action: store.CloseAction, account: str, day: date, found: Mapping[str, Any], reason: str | None
) -> None:
    clerks.check_proposes(uow)
    store.propose(
        uow.conn,
        action,
        account,
        day,
        digest=totals.digest(found),
        totals=found,
        maker=uow.actor,
        reason=reason,
        at=uow.now,
    )
