"""The conditions of closing a day of an account, and a month. Every gate is checked, whatever the others find."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Final

from config.banks import Bank
from hub.clock import last_of, local
from hub.fees import exceptions, payments
from hub.fees.closing import figures, store
from hub.fees.closing.store import Gate, dong
from hub.fees.ledger import balances
from hub.fees.proof import proving
from hub.fees.receipts import issuing
from hub.fees.reconciliation import account_days
from hub.locale import vi
from hub.unit_of_work import UnitOfWork


def of_day(uow: UnitOfWork, bank: Bank, account: str, day: date, *, closing: bool) -> list[Gate]:
    """Check all gates of a day. ``closing``: another person has proposed it, so that agreeing closes it."""
    return [
        _over(uow, day),
        _earlier(uow, account, day, closing=closing),
        _statement(uow, bank, account, day),
        _files(uow, bank, account, day),
        _lines(uow, account, day),
        _matched(uow, account, day),
        _exceptions(uow, account, day),
        proof(uow),
        _balance(uow, account, day),
    ]


def _over(uow: UnitOfWork, day: date) -> Gate:
    today = local(uow.now).date()
    finding = vi("today") if day == today else f"{day:%d/%m/%Y}"
    return Gate("over", vi("The day has come"), day <= today, finding, vi("wait for the day"))


def _earlier(uow: UnitOfWork, account: str, day: date, *, closing: bool) -> Gate:
    """A day's balance starts from the days before it: they are closed first, or while proposing, proposed."""
    waiting = [one for one in store.open_days(uow.conn, account, day) if one < day]
    if not closing:
        proposed = store.proposed_days(uow.conn, account, day)
        waiting = [one for one in waiting if one not in proposed]
    finding = (
        vi("{waiting} earlier days are open, from {first:%d/%m/%Y}", waiting=len(waiting), first=waiting[0])
        if waiting
        else vi("the earlier days are closed")
    )
    todo = f"hub fee close --day {waiting[-1]} --account {account}" if waiting else ""
    return Gate("earlier", vi("Earlier days closed"), not waiting, finding, todo)


def _statement(uow: UnitOfWork, bank: Bank, account: str, day: date) -> Gate:
    """The day's statement was imported; or the bank makes none for it, and a later one was."""
    label, coverage = vi("Statements complete"), account_days.coverage(uow.conn, account, day)
    if coverage.is_covered:
        return Gate("statement", label, True, vi("there is a statement"))
    todo = vi(
        "fetch the statement of {name}, or hub fee import; a day without movements needs a statement too",
        name=bank.name,
    )
    if coverage.first is None or coverage.last is None or day > coverage.last:
        return Gate("statement", label, False, vi("no statement reaches the end of the day yet"), todo)
    if day < coverage.first:
        return Gate("statement", label, True, vi("before the account's first statement"))
    rule = bank.statements.days
    expected = rule == "every" or (rule == "working" and uow.calendar.is_working_day(day))
    if expected and not coverage.is_gap_accepted:
        return Gate("statement", label, False, vi("the day's statement is missing"), todo)
    finding = (
        vi("missing, accepted by two persons") if expected else vi("the bank made none; the next statement follows on")
    )
    return Gate("statement", label, True, finding)


def _files(uow: UnitOfWork, bank: Bank, account: str, day: date) -> Gate:
    """No file that is held back is about the day. One whose days cannot be read may be about any."""
    held = [
        {"id": row["id"], "state": row["state"]}
        for row in account_days.held_files(uow.conn, bank.code)
        if not row["summary"] or any(_touches(bank, one, account, day) for one in row["summary"])
    ]
    finding = ", ".join(one["id"] for one in held) or vi("no file is held back")
    todo = vi("hub fee statements show FILE, then approve or reject (two persons)")
    return Gate("files", vi("No statement file is held back"), not held, finding, todo, held)


def _touches(bank: Bank, period: Mapping[str, Any], account: str, day: date) -> bool:
    own = bank.account(period["account"])
    return (own is None or own.number == account) and period["from"] <= day.isoformat() <= period["to"]


def _lines(uow: UnitOfWork, account: str, day: date) -> Gate:
    lines = account_days.unmatched_lines(uow.conn, account, day)
    new = [{"id": str(line["id"]), "amount": line["amount"]} for line in lines]
    finding = vi("{new} lines have no result yet", new=len(new)) if new else vi("every line has a result")
    todo = f"hub fee match --account {account} --day {day}"
    return Gate("lines", vi("Every statement line has a result"), not new, finding, todo, new)


def _matched(uow: UnitOfWork, account: str, day: date) -> Gate:
    imported = account_days.imported_at(uow.conn, account, day)
    matched = account_days.matched_at(uow.conn, account, day)
    todo = f"hub fee match --account {account} --day {day}"
    label = vi("Matched after the last file")
    if imported is None:
        return Gate("matched", label, True, vi("nothing to match"))
    if matched is None:
        return Gate("matched", label, False, vi("not matched yet"), todo)
    finding = vi(
        "matched at {matched:%H:%M %d/%m}, last file {imported:%H:%M %d/%m}",
        matched=local(matched),
        imported=local(imported),
    )
    return Gate("matched", label, matched >= imported, finding, todo)


def _exceptions(uow: UnitOfWork, account: str, day: date) -> Gate:
    """Exceptions about the day's lines and payments; N02 (never notified) is no obstacle."""
    about = [*account_days.line_ids(uow.conn, account, day), *payments.of_day(uow.conn, account, day)]
    items = [
        {
            "id": one.id,
            "code": one.code,
            "at_risk": one.at_risk,
            "due_on": one.due_on.isoformat(),
            "carried_by": one.carried_by,
            "carried": one.carried_by is not None,
        }
        for one in exceptions.open_about(uow.conn, about)
        if one.code != "N02"
    ]
    open_ = [one for one in items if not one["carried"]]
    carried = len(items) - len(open_)
    finding = (
        vi("{open} exceptions unresolved, {carried} carried over", open=len(open_), carried=carried)
        if items
        else vi("no exceptions")
    )
    todo = vi("hub fee resolve EXCEPTION, or hub fee exceptions carry EXCEPTION --reason …")
    return Gate("exceptions", vi("Exceptions resolved or carried over"), not open_, finding, todo, items)


def proof(uow: UnitOfWork) -> Gate:
    """The ledger was proven today, and no exception of the proof is open: only a green proof ends one."""
    proven, stopped = proving.was_proven_on(uow.conn, local(uow.now).date()), proving.is_stopped(uow.conn)
    finding = vi("checked today, the ledger is right") if proven else vi("not checked today")
    if stopped:
        finding = vi("exceptions L01–L04 are open")
    todo = "docs/runbooks/when-the-proof-is-red.md" if stopped else "hub fee prove --keep"
    return Gate("proof", vi("The ledger was checked today and is right"), proven and not stopped, finding, todo)


def _balance(uow: UnitOfWork, account: str, day: date) -> Gate:
    """I2 of this day: what makes the two sides differ is listed, never netted."""
    balance = figures.day_balance(uow.conn, account, day)
    if balance.by_statements is None:
        finding = vi("ledger {balance}, no statement yet", balance=dong(balance.book))
    else:
        parts = (
            (vi("booked on a later day"), balance.later),
            (vi("opening balance difference"), balance.unposted),
            (vi("break of the chain approved"), balance.breaks),
        )
        listed = "".join(f" + {name} {dong(amount)}" for name, amount in parts if amount)
        finding = vi(
            "ledger {balance}{listed}; statement {statement}",
            balance=dong(balance.book),
            listed=listed,
            statement=dong(balance.by_statements),
        )
    todo = vi(
        "find the line that is off by {difference}: hub fee prove, hub fee statements list",
        difference=dong((balance.by_statements or 0) - balance.explained),
    )
    return Gate("balance", vi("The ledger's balance is the statement's"), balance.agrees, finding, todo)


# The gates of a month, and what they list so that two persons have seen it.

_DAY: Final = timedelta(days=1)
SUSPENSE: Final = ("113", "338", "339", "341")


def of_month(uow: UnitOfWork, month: date, accounts: Sequence[str]) -> list[Gate]:
    """Check all gates of a month. ``month``: its first day; ``accounts``: all that have a statement or an entry."""
    return [
        _month_over(uow, month),
        _before(uow, month),
        _days(uow, month, accounts),
        _transit(uow, month),
        _suspense(uow, month),
        proof(uow),
        _receipts(uow, month),
    ]


def _month_over(uow: UnitOfWork, month: date) -> Gate:
    last = last_of(month)
    over = local(uow.now).date() > last
    return Gate(
        "over",
        vi("The month is over"),
        over,
        vi("ends on {last:%d/%m/%Y}", last=last),
        vi("wait for the end of the month"),
    )


def _before(uow: UnitOfWork, month: date) -> Gate:
    """The month before it is closed, unless this is the first in which anything was booked."""
    before = (month - _DAY).replace(day=1)
    first = balances.first_day(uow.conn)
    is_first = first is None or first >= month
    green = is_first or store.month_digest(uow.conn, before) is not None
    finding = (
        vi("the ledger's first month")
        if is_first
        else vi("month {before:%m/%Y} {state}", before=before, state=vi("closed") if green else vi("still open"))
    )
    return Gate("before", vi("Earlier month closed"), green, finding, f"hub fee close --month {before:%Y-%m}")


def _days(uow: UnitOfWork, month: date, accounts: Sequence[str]) -> Gate:
    last = last_of(month)
    items = [
        {"account": account, "day": day.isoformat()}
        for account in accounts
        for day in store.open_days(uow.conn, account, last)
        if day >= month
    ]
    finding = (
        vi("{days} days still open", days=len(items))
        if items
        else vi("{accounts} accounts, every day closed", accounts=len(accounts))
    )
    return Gate(
        "days", vi("Every day of every account closed"), not items, finding, f"hub fee close --day {last}", items
    )


def _transit(uow: UnitOfWork, month: date) -> Gate:
    """Notified and on no statement yet (112): allowed; listed by age."""
    items = _items(uow, ["112"], month)
    return Gate("transit", vi("Money in transit (112), by age"), True, _sum(items), items=items)


def _suspense(uow: UnitOfWork, month: date) -> Gate:
    """Items on 113, 338, 339, 341 may stay open if each has an exception; one on 113 has its refund."""
    items = _items(uow, SUSPENSE, month)
    unattended = [one for one in items if not one["exceptions"] and one["account"] != "113"]
    finding = _sum(items) + (
        vi("; {unattended} items have no exception", unattended=len(unattended)) if unattended else ""
    )
    todo = "hub fee prove; docs/runbooks/when-the-proof-is-red.md"
    return Gate(
        "suspense", vi("Every item on 113, 338, 339, 341 has an exception"), not unattended, finding, todo, items
    )


def _receipts(uow: UnitOfWork, month: date) -> Gate:
    """What was paid in the month has its receipts, in the hub and at their issuer."""
    label = vi("The month's receipts are complete")
    if uow.catalogue.receipts is None:
        return Gate("receipts", label, True, vi("The hub issues no receipts (no receipts.toml)"))
    items = [
        {"demand": gap.demand_id, "kind": gap.kind, "amount": gap.amount, "why": gap.why}
        for gap in issuing.missing(uow.conn, month)
    ]
    finding = vi("{missing} receipts are missing", missing=len(items)) if items else vi("complete")
    return Gate("receipts", label, not items, finding, vi("hub fee receipts list, then hub fee receipts issue"), items)


def _items(uow: UnitOfWork, accounts: Sequence[str], month: date) -> list[dict[str, Any]]:
    last = last_of(month)
    items = balances.open_items(uow.conn, accounts, last)
    codes = exceptions.codes_about(uow.conn, [one.item for one in items])
    return [
        {
            "account": one.account,
            "item": one.item,
            "net": one.net,
            "since": one.since.isoformat(),
            "exceptions": " ".join(codes.get(one.item, ())) or None,
            "days": (last - one.since).days,
        }
        for one in items
    ]


def _sum(items: Sequence[dict[str, Any]]) -> str:
    return (
        vi("{count} items, {amount}", count=len(items), amount=dong(sum(abs(one["net"]) for one in items)))
        if items
        else vi("none")
    )
