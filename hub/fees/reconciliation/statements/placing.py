"""A statement that is right in itself finds its place in its account's history, or it is said why not."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from config.banks import Bank
from hub.db import Connection
from hub.fees import exceptions
from hub.fees.exceptions.store import LINE
from hub.fees.reconciliation.statements import chain, lines, store
from hub.fees.reconciliation.statements.lines import StatementLine
from hub.fees.reconciliation.statements.model import FileFinding, booked, movements
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.statement import EntryKind, EntryStatus, Statement, StatementCode


def supersede(conn: Connection, old: Sequence[Mapping[str, Any]], new_id: str) -> None:
    """``new_id`` takes the place of ``old``; a file none of whose statements stands any longer is superseded too.

    Where it takes several places, what comes after them moves up.
    """
    olds = [row["id"] for row in old]
    query = (
        "SELECT id, (SELECT min(chain) FROM statement WHERE id = ANY(%(olds)s)) + row_number() OVER (ORDER BY chain)"
        " AS place FROM statement WHERE account = (SELECT account FROM statement WHERE id = %(first)s)"
        " AND chain > (SELECT max(chain) FROM statement WHERE id = ANY(%(olds)s)) ORDER BY chain"
    )
    after = conn.execute(query, {"olds": olds, "first": olds[0]}).fetchall() if len(olds) > 1 else []
    conn.execute("UPDATE statement SET superseded_by = %s, chain = NULL WHERE id = ANY(%s)", (new_id, olds))
    for row in after:  # one after the other: each place is free when its turn comes
        conn.execute("UPDATE statement SET chain = %s WHERE id = %s", (row["place"], row["id"]))
    conn.execute(
        "UPDATE statement_file f SET state = 'superseded' WHERE id = ANY(%s) AND NOT EXISTS"
        " (SELECT 1 FROM statement s WHERE s.file_id = f.id AND s.superseded_by IS NULL)",
        ([row["file_id"] for row in old],),
    )


@dataclass(frozen=True, slots=True)
class Placing:
    """What came of it."""

    summary: Mapping[str, Any]
    """the statement in numbers, for people"""
    findings: Sequence[FileFinding]


def statement_summary(statement: Statement, **lines_: int | bool) -> dict[str, Any]:
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


def place(uow: UnitOfWork, bank: Bank, file_id: str, statement: Statement, *, approved: bool = False) -> Placing:
    """Write the statement and its lines, if it fits or two persons say so. The account is one of ours."""
    account = bank.account(statement.account)
    if account is None:
        raise LookupError(statement.account)
    digest, moved = lines.digest(statement), movements(statement)
    if store.repeated(uow.conn, account.number, digest):
        return Placing(statement_summary(statement, new=0, known=len(moved), repeated=True), [])
    keyed = _keyed(uow, account.number, statement)
    is_statement = statement.kind is EntryKind.STATEMENT
    same = store.same_period(uow.conn, account.number, statement) if is_statement else []
    findings, vanished = _fits(uow, bank, account.number, statement, keyed, [row["opening"] for row in same])
    if findings and not approved:
        return Placing(statement_summary(statement), findings)
    if same and not any(finding.code is StatementCode.OTHER_CONTENT for finding in findings):
        statement, same = _named(statement, len(same) + 1), []
    position = store.place_at(uow.conn, account.number, statement) if is_statement else None
    placed = store.Placed(
        id=new_id(Prefix.STATEMENT),
        file_id=file_id,
        bank=bank.code,
        account=account.number,
        digest=digest,
        chain=same[0]["chain"] if same else position,
        broken=any(finding.code is not StatementCode.OTHER_CONTENT for finding in findings),
        at=uow.now,
    )
    if same:
        supersede(uow.conn, same, placed.id)
    store.add_statement(uow.conn, placed, statement)
    count = lines.put(uow.conn, placed.id, account.number, keyed)
    _vanish(uow, placed, vanished)
    return Placing(statement_summary(statement, new=count.new, known=count.known), findings)


def _named(statement: Statement, number: int) -> Statement:
    """A further part of days that have no number: under a name of its own."""
    return statement.model_copy(update={"bank_id": f"{statement.bank_id} ({number})"})


def _vanish(uow: UnitOfWork, placed: store.Placed, vanished: Sequence[chain.Missed]) -> None:
    lines.vanish(uow.conn, [one.id for one in vanished])
    for one in vanished:
        facts = {
            "account": placed.account,
            "booked_on": one.booking_date.isoformat(),
            "amount": one.amount,
            "file": placed.file_id,
        }
        exceptions.open_exception(uow, StatementCode.VANISHED_LINE, LINE, str(one.id), abs(one.amount), facts)


def _keyed(uow: UnitOfWork, account: str, statement: Statement) -> list[StatementLine]:
    """The movements with their keys."""
    moved = movements(statement)
    contents = [lines.content(account, one) for one in moved]
    refs = [one.bank_ref if one.standing is EntryStatus.BOOK else None for one in moved]
    known = [one for one in lines.known(uow.conn, account, contents, refs) if one.is_booked]
    line_keys = lines.assigned(contents, refs, known, {})
    again = sum(one.amount for one in known if one.line_key in set(line_keys))
    ends = store.ends(uow.conn, account)
    if ends and again and statement.from_date >= ends[1].to_date and statement.opening == ends[1].closing:
        # It opens where the last one closed: what looks told again is another of the same, on the same day.
        line_keys = lines.assigned(contents, refs, known, Counter(one.content for one in known))
    return [StatementLine(one, key, content) for one, key, content in zip(moved, line_keys, contents, strict=True)]


def _fits(
    uow: UnitOfWork,
    bank: Bank,
    account: str,
    statement: Statement,
    keyed: Sequence[StatementLine],
    same: Sequence[int],
) -> tuple[list[FileFinding], list[chain.Missed]]:
    ends = store.ends(uow.conn, account)
    if statement.kind is not EntryKind.STATEMENT or ends is None:
        return [], []
    days = {line.key: line.movement.booking_date for line in keyed if line.movement.standing is EntryStatus.BOOK}
    expected = _expected(uow, bank, ends[1].to_date, statement.from_date)
    history = store.history(uow.conn, account, statement, days, chain=ends, same=same, expected=expected)
    return chain.judge(statement, history)


def _expected(uow: UnitOfWork, bank: Bank, after: date, before: date) -> list[date]:
    """The first day between two statements on which this bank makes one."""
    rule, day = bank.statements.days, after + timedelta(days=1)
    while rule != "any" and day < before:
        if rule == "every" or uow.calendar.is_working_day(day):
            return [day]
        day += timedelta(days=1)
    return []
