"""A statement that is right in itself finds its place in its account's history, or it is said why not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from config.banks import Bank
from hub.fees import cases
from hub.fees.cases.opening import LINE
from hub.fees.statements import chain, keys, lines, store, superseding
from hub.fees.statements.lines import Line
from hub.fees.statements.model import Finding, booked, movements
from hub.work import Work
from schemas.identifiers import Prefix, new_id
from schemas.statement import Code, Kind, Standing, Statement


@dataclass(frozen=True, slots=True)
class Placing:
    """What came of it."""

    told: Mapping[str, Any]
    """the statement in numbers, for people"""
    findings: Sequence[Finding]


def told(statement: Statement, **lines_: int | bool) -> dict[str, Any]:
    """The statement in numbers. ``new`` and ``known``: of its lines; ``repeated``: all of it was there."""
    return {
        "account": statement.account,
        "bank_id": statement.bank_id,
        "kind": statement.kind.value,
        "currency": statement.currency,
        "from": statement.from_date.isoformat(),
        "to": statement.to_date.isoformat(),
        "opening": statement.opening,
        "total": booked(statement),
        "closing": statement.closing,
        "entries": len(statement.entries),
        **lines_,
    }


def place(work: Work, bank: Bank, file_id: str, statement: Statement, *, approved: bool = False) -> Placing:
    """Write the statement and its lines, if it fits or two persons say so. The account is one of ours."""
    account = bank.account(statement.account)
    if account is None:
        raise LookupError(statement.account)
    digest, moved = keys.digest(statement), movements(statement)
    if store.repeated(work.conn, account.number, digest):
        return Placing(told(statement, new=0, known=len(moved), repeated=True), [])
    keyed = _keyed(work, account.number, statement)
    is_statement = statement.kind is Kind.STATEMENT
    same = store.same_period(work.conn, account.number, statement) if is_statement else []
    findings, vanished = _fits(work, bank, account.number, statement, keyed, [row["opening"] for row in same])
    if findings and not approved:
        return Placing(told(statement), findings)
    if same and not any(finding.code is Code.OTHER_CONTENT for finding in findings):
        statement, same = _named(statement, len(same) + 1), []
    position = store.place_at(work.conn, account.number, statement) if is_statement else None
    placed = store.Placed(
        id=new_id(Prefix.STATEMENT),
        file_id=file_id,
        bank=bank.code,
        account=account.number,
        digest=digest,
        chain=same[0]["chain"] if same else position,
        broken=any(finding.code is not Code.OTHER_CONTENT for finding in findings),
        at=work.now,
    )
    if same:
        superseding.supersede(work.conn, same, placed.id)
    store.add_statement(work.conn, placed, statement)
    count = lines.put(work.conn, placed.id, account.number, keyed)
    _vanish(work, placed, vanished)
    return Placing(told(statement, new=count.new, known=count.known), findings)


def _named(statement: Statement, number: int) -> Statement:
    """A further part of days that have no number: under a name of its own."""
    return statement.model_copy(update={"bank_id": f"{statement.bank_id} ({number})"})


def _vanish(work: Work, placed: store.Placed, vanished: Sequence[chain.Missed]) -> None:
    lines.vanish(work.conn, [one.id for one in vanished])
    for one in vanished:
        facts = {
            "account": placed.account,
            "booked_on": one.booking_date.isoformat(),
            "amount": one.amount,
            "file": placed.file_id,
        }
        cases.open_case(work, Code.VANISHED_LINE, LINE, str(one.id), abs(one.amount), facts)


def _keyed(work: Work, account: str, statement: Statement) -> list[Line]:
    """The movements with their keys."""
    moved = movements(statement)
    contents = [keys.content(account, one) for one in moved]
    refs = [one.bank_ref if one.standing is Standing.BOOK else None for one in moved]
    known = [one for one in lines.known(work.conn, account, contents, refs) if one.is_booked]
    found = keys.assigned(contents, refs, known, {})
    again = sum(one.amount for one in known if one.line_key in set(found))
    ends = store.ends(work.conn, account)
    if ends and again and statement.from_date >= ends[1].to_date and statement.opening == ends[1].closing:
        # It opens where the last one closed: what looks told again is another of the same, on the same day.
        found = keys.assigned(contents, refs, known, Counter(one.content for one in known))
    return [Line(one, key, content) for one, key, content in zip(moved, found, contents, strict=True)]


def _fits(
    work: Work, bank: Bank, account: str, statement: Statement, keyed: Sequence[Line], same: Sequence[int]
) -> tuple[list[Finding], list[chain.Missed]]:
    ends = store.ends(work.conn, account)
    if statement.kind is not Kind.STATEMENT or ends is None:
        return [], []
    days = {line.key: line.movement.booking_date for line in keyed if line.movement.standing is Standing.BOOK}
    expected = _expected(work, bank, ends[1].to_date, statement.from_date)
    found = store.history(work.conn, account, statement, days, chain=ends, same=same, expected=expected)
    return chain.judge(statement, found)


def _expected(work: Work, bank: Bank, after: date, before: date) -> list[date]:
    """The first day between two statements on which this bank makes one."""
    rule, day = bank.statements.days, after + timedelta(days=1)
    while rule != "any" and day < before:
        if rule == "every" or work.calendar.is_working_day(day):
            return [day]
        day += timedelta(days=1)
    return []
