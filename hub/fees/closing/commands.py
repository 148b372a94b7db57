"""Closing and reopening days and months: one person proposes, another agrees to exactly the same control totals."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

from config.banks import Bank
from hub.audit import AuditAction
from hub.clock import last_of
from hub.errors import InvalidState, NotFound
from hub.fees import clerks, settlements
from hub.fees.closing import figures, gates, store
from hub.fees.closing.store import BOOK, CloseStep, Closing, Gate, Proposal
from hub.fees.ledger import entry
from hub.fees.reconciliation.matching import overdue
from hub.locale import vi
from hub.unit_of_work import UnitOfWork


def close_day(uow: UnitOfWork, account: str, day: date) -> Closing:
    """Propose to close a day of ``account``, or agree to another person's proposal.

    1. Lock the ledger, so that nobody posts until the transaction ends.
    2. Refuse a day that is closed, or before the account's first.
    3. Book the account's opening balance, where a statement older than the first one was imported since.
    4. Check all gates and compute the control totals.
    5. Propose, or close if another person proposed exactly these totals; then open the exceptions that are overdue.

    Raises NotFound, Forbidden, and InvalidState where it is closed.
    """
    clerks.check_clerk(uow)
    bank = bank_of(uow, account)
    # 1.
    entry.hold(uow.conn)
    # 2.
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
    # 3.
    figures.open_account(uow, account)
    # 4.
    proposal = store.proposal(uow.conn, "close", account, day)
    closing = proposal is not None and clerks.may_agree(uow, proposal.maker)
    checked = gates.of_day(uow, bank, account, day, closing=closing)
    control_totals = figures.day_totals(uow.conn, account, day)

    def close(agreed: Proposal) -> None:
        store.close_day(uow.conn, account, day, agreed, uow.actor)
        overdue.closed(uow, account, day)

    # 5.
    return _propose_or_close(uow, account, day, checked, control_totals, close)


def close_month(uow: UnitOfWork, month: date) -> Closing:
    """Propose to close a month of the ledger, or agree to another person's proposal. ``month``: its first day.

    1. Lock the ledger, so that nobody posts until the transaction ends.
    2. Refuse a month that is closed, or that ends before the first day of any account.
    3. Check all gates and compute the control totals.
    4. Propose, or close if another person proposed exactly these totals: compute the departments' settlements, which
       post what the Centre retains, and close the month behind those postings.

    Raises Forbidden, and InvalidState where it is closed.
    """
    clerks.check_clerk(uow)
    # 1.
    entry.hold(uow.conn)
    # 2.
    if store.month_digest(uow.conn, month) is not None:
        raise InvalidState(vi("month {month:%Y-%m} is closed; to correct it, reopen it by hub fee reopen", month=month))
    accounts = accounts_of(uow)
    firsts = [day for account in accounts if (day := store.first_day(uow.conn, account)) is not None]
    if firsts and last_of(month) < min(firsts):
        raise InvalidState(vi("the ledger begins on {first}: there is nothing to close before", first=min(firsts)))
    # 3.
    checked = gates.of_month(uow, month, accounts)
    control_totals = figures.month_totals(uow.conn, month, accounts)

    def close(agreed: Proposal) -> None:
        digest = settlements.compute(uow, month)
        uow.write_audit(name(BOOK, month), AuditAction.PERIOD_SETTLEMENTS_COMPUTED, reason=digest.hex())
        store.close_month(uow.conn, month, agreed, uow.actor)

    # 4.
    return _propose_or_close(uow, BOOK, month, checked, control_totals, close)


def reopen_day(uow: UnitOfWork, account: str, day: date, reason: str) -> Closing:
    """Propose to reopen a day, or agree. Every closed day after it is reopened too: its balance starts from this one.

    Raises NotFound, InvalidState, Forbidden.
    """
    clerks.check_clerk(uow)
    bank_of(uow, account)
    entry.hold(uow.conn)
    closed = store.closed_from(uow.conn, account, day)
    if not closed or closed[0][0] != day:
        raise InvalidState(vi("day {day} of account {account} is not closed", day=day, account=account))
    months = sorted({one.replace(day=1) for one, _ in closed})
    closed_months = [f"{month:%Y-%m}" for month in months if store.month_digest(uow.conn, month) is not None]
    if closed_months:
        raise InvalidState(vi("month {listed} is closed: reopen the month first", listed=", ".join(closed_months)))
    control_totals = {"v": 1, "account": account, "closed": {one.isoformat(): digest.hex() for one, digest in closed}}
    return _propose_or_reopen(uow, account, day, control_totals, reason)


def reopen_month(uow: UnitOfWork, month: date, reason: str) -> Closing:
    """Propose to reopen a month, or agree. Its settlements are withdrawn; its days stay closed.

    Raises Forbidden, and InvalidState where it is not the last closed one, or a department was handed its table.
    """
    clerks.check_clerk(uow)
    entry.hold(uow.conn)
    digest = store.month_digest(uow.conn, month)
    if digest is None:
        raise InvalidState(vi("month {month:%Y-%m} is not closed", month=month))
    if store.last_closed_month(uow.conn) != month:
        raise InvalidState(vi("the later month {month:%Y-%m} is closed: reopen that month first", month=month))
    if departments := settlements.handed_over(uow.conn, month):
        raise InvalidState(
            vi(
                "month {month:%Y-%m} has been handed to {listed}: adjust it in the open month",
                month=month,
                listed=", ".join(departments),
            )
        )
    return _propose_or_reopen(uow, BOOK, month, {"v": 1, "month": f"{month:%Y-%m}", "closed": digest.hex()}, reason)


def bank_of(uow: UnitOfWork, account: str) -> Bank:
    """The bank of one of our accounts. Raises NotFound."""
    for bank in uow.catalogue.banks.values():
        if any(one.number == account for one in bank.accounts):
            return bank
    raise NotFound(vi("the Centre has no account {account}", account=account))


def accounts_of(uow: UnitOfWork) -> list[str]:
    """Our accounts that have a statement or a ledger entry."""
    own = sorted(one.number for bank in uow.catalogue.banks.values() for one in bank.accounts)
    return [account for account in own if store.first_day(uow.conn, account) is not None]


def name(account: str, day: date) -> str:
    """The subject of the audit log."""
    return f"close {account} {day:%Y-%m}" if account == BOOK else f"close {account} {day}"


def _propose_or_close(
    uow: UnitOfWork,
    account: str,
    day: date,
    gates: Sequence[Gate],
    control_totals: Mapping[str, Any],
    close: Callable[[Proposal], None],
) -> Closing:
    """Take the next step of a close by its ``control_totals``. Nothing is written while a gate is red."""
    if not all(gate.green for gate in gates):
        return Closing(account, day, CloseStep.REFUSED, gates)
    digest = figures.digest(control_totals)
    proposal, changed = _current_proposal(uow, "close", account, day, control_totals)
    if proposal is not None and not clerks.may_agree(uow, proposal.maker):
        return Closing(account, day, CloseStep.WAITING, gates, digest)
    if proposal is None:
        _propose(uow, "close", account, day, control_totals, None)
        uow.write_audit(
            name(account, day), AuditAction.PERIOD_CLOSE_PROPOSED, before="open", after="preclosed", reason=digest.hex()
        )
        return Closing(account, day, CloseStep.PROPOSED, gates, digest, changed)
    store.end(uow.conn, proposal.id, checker=uow.actor, at=uow.now)
    close(proposal)
    uow.write_audit(
        name(account, day), AuditAction.PERIOD_CLOSED, before="preclosed", after="closed", reason=digest.hex()
    )
    return Closing(account, day, CloseStep.DONE, gates, digest)


def _propose_or_reopen(
    uow: UnitOfWork, account: str, day: date, control_totals: Mapping[str, Any], reason: str
) -> Closing:
    """Take the next step of a reopening; ``control_totals``: the digests of what is closed."""
    digest = figures.digest(control_totals)
    proposal, changed = _current_proposal(uow, "reopen", account, day, control_totals)
    if proposal is not None and not clerks.may_agree(uow, proposal.maker):
        return Closing(account, day, CloseStep.WAITING, digest=digest)
    if proposal is None:
        _propose(uow, "reopen", account, day, control_totals, reason)
        uow.write_audit(
            name(account, day), AuditAction.PERIOD_REOPEN_PROPOSED, before="closed", after="closed", reason=reason
        )
        return Closing(account, day, CloseStep.PROPOSED, digest=digest, changed=changed)
    store.end(uow.conn, proposal.id, checker=uow.actor, at=uow.now)
    store.reopen(uow.conn, account, day, proposal, uow.actor)
    if account == BOOK:
        settlements.withdraw(uow, day, reason)
    uow.write_audit(
        name(account, day),
        AuditAction.PERIOD_REOPENED,
        before="closed",
        after="open",
        reason=f"{proposal.reason}; {reason}",
    )
    return Closing(account, day, CloseStep.DONE, digest=digest)


def _current_proposal(
    uow: UnitOfWork, action: store.CloseAction, account: str, day: date, control_totals: Mapping[str, Any]
) -> tuple[Proposal | None, list[str]]:
    """The open proposal if it is of exactly these totals; else it ends, and the second is what has changed."""
    proposal = store.proposal(uow.conn, action, account, day)
    if proposal is None or proposal.digest == figures.digest(control_totals):
        return proposal, []
    store.end(uow.conn, proposal.id, checker=None, at=uow.now)
    if action == "close":
        uow.write_audit(
            name(account, day),
            AuditAction.PERIOD_CLOSE_OUTDATED,
            before="preclosed",
            after="open",
            reason=proposal.digest.hex(),
        )
    return None, figures.differences(proposal.totals, control_totals)


def _propose(
    uow: UnitOfWork,
    action: store.CloseAction,
    account: str,
    day: date,
    control_totals: Mapping[str, Any],
    reason: str | None,
) -> None:
    clerks.check_proposes(uow)
    store.propose(
        uow.conn,
        action,
        account,
        day,
        digest=figures.digest(control_totals),
        totals=control_totals,
        maker=uow.actor,
        reason=reason,
        at=uow.now,
    )
