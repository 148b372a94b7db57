"""What a statement has to keep in itself, before anybody asks what came before it. Pure.

Every gate that it fails is named, not only the first, with the numbers: who has to ask the bank needs them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from config.banks import BankAccount
from config.statements import Statements
from hub.clock import local, now
from hub.fees.reconciliation.statements.model import FileFinding, booked
from schemas.statement import EntryKind, EntryStatus, Format, Statement, StatementCode, Totals, UnreadableFile

_VND: Final = "VND"
LONGEST_HOLIDAY: Final = timedelta(days=16)
"""Tết with the weekends on both sides of it"""


def judge(
    statement: Statement,
    account: BankAccount | None,
    *,
    value_days: int,
    today: date,
    is_working: Callable[[date], bool],
) -> list[FileFinding]:
    """All that is wrong with ``statement`` in itself. ``today`` in Vietnam; nothing is booked after it.

    ``is_working``: whether banks work on a day; what was booked on days on which they do not, the next statement has.
    """
    findings: list[FileFinding] = []
    if account is None:
        findings.append(_finding(statement, StatementCode.WRONG_ACCOUNT, "the account is none of ours at this bank"))
    if statement.currency != _VND:
        findings.append(_finding(statement, StatementCode.WRONG_CURRENCY, f"it is in {statement.currency}"))
    if not statement.whole:
        findings.append(_finding(statement, StatementCode.UNPARSABLE, "pages of it are missing"))
    findings += _sums(statement)
    findings += _days(statement, account, value_days, today, _first_day(statement.from_date, is_working))
    return findings


def _finding(statement: Statement, code: StatementCode, sentence: str, line: int | None = None) -> FileFinding:
    return FileFinding(
        code,
        sentence,
        account=statement.account,
        bank_id=statement.bank_id,
        line=line or statement.line,
        opening=statement.opening,
        total=booked(statement),
        closing=statement.closing,
    )


def _sums(statement: Statement) -> Iterator[FileFinding]:
    opening, closing, total = statement.opening, statement.closing, booked(statement)
    if statement.kind is EntryKind.STATEMENT and (opening is None or closing is None):
        yield _finding(
            statement, StatementCode.UNBALANCED, "it has no opening or no closing balance, so nothing is proved"
        )
    elif opening is not None and closing is not None and opening + total != closing:
        missing = closing - opening - total
        yield _finding(statement, StatementCode.UNBALANCED, f"opening + entries and closing differ by {missing}")
    for entry in statement.entries:
        if entry.details and sum(detail.amount for detail in entry.details) != entry.amount:
            yield _finding(
                statement, StatementCode.UNBALANCED, "the details of an entry do not add up to it", entry.line
            )
    yield from _running(statement)
    for sentence in _against(statement.totals, statement):
        yield _finding(statement, StatementCode.UNBALANCED, sentence)


def _running(statement: Statement) -> Iterator[FileFinding]:
    """The first line whose own balance is not the last one known plus all that moved since: some lines print none."""
    expected = statement.opening
    for entry in statement.entries:
        if expected is not None and entry.standing is EntryStatus.BOOK:
            expected += entry.amount
        if entry.balance is not None and expected is not None and expected != entry.balance:
            sentence = f"the balance of a line is {entry.balance}, not {expected}"
            yield _finding(statement, StatementCode.UNBALANCED, sentence, entry.line)
            return
        expected = expected if entry.balance is None else entry.balance


def _against(totals: Totals, statement: Statement) -> Iterator[str]:
    """Where the file's own count or sum is that of neither all of its entries nor the booked ones."""
    amounts = [entry.amount for entry in statement.entries]
    in_balance = [entry.amount for entry in statement.entries if entry.standing is EntryStatus.BOOK]
    for name, stated, count in (
        ("count of entries", totals.entries, len),
        ("count of credits", totals.credits, lambda values: sum(amount >= 0 for amount in values)),
        ("sum of credits", totals.credit_sum, lambda values: sum(amount for amount in values if amount > 0)),
        ("count of debits", totals.debits, lambda values: sum(amount < 0 for amount in values)),
        ("sum of debits", totals.debit_sum, lambda values: -sum(amount for amount in values if amount < 0)),
        ("net sum", totals.net, sum),
    ):
        if stated is not None and stated not in (count(amounts), count(in_balance)):
            yield f"the file's own {name} is {stated}, its entries come to {count(amounts)}"


def _first_day(from_date: date, is_working: Callable[[date], bool]) -> date:
    """The first of the days off just before the statement, or its own first day."""
    first = from_date
    while first > from_date - LONGEST_HOLIDAY and not is_working(first - timedelta(days=1)):
        first -= timedelta(days=1)
    return first


def _days(
    statement: Statement, account: BankAccount | None, value_days: int, today: date, first: date
) -> Iterator[FileFinding]:
    if statement.from_date > statement.to_date:
        yield _finding(statement, StatementCode.UNPARSABLE, "it ends before it begins")
    if statement.to_date > today and statement.kind is EntryKind.STATEMENT:
        yield _finding(statement, StatementCode.UNPARSABLE, "it ends in the future")
    far = timedelta(days=value_days)
    opened = account.opened if account else None
    for entry in statement.entries:
        day, is_booked = entry.booking_date, entry.standing is EntryStatus.BOOK
        if is_booked and day > today:
            yield _finding(statement, StatementCode.UNPARSABLE, "an entry is booked in the future", entry.line)
        elif opened is not None and day < opened:
            yield _finding(statement, StatementCode.UNPARSABLE, "an entry is older than the account", entry.line)
        elif is_booked and statement.kind is EntryKind.STATEMENT and not first <= day <= statement.to_date:
            yield _finding(
                statement, StatementCode.UNPARSABLE, "an entry is booked outside of the statement's days", entry.line
            )
        elif abs(entry.value_date - day) > far:
            yield _finding(statement, StatementCode.UNPARSABLE, "a value date is too far from its booking", entry.line)


# How a file is read by a profile: what each row is taken for, and whether all of it is proved.
#
# Nothing is known here of accounts and of what came before: only what a statement has to keep in itself.

Rows = Mapping[int, tuple[str, str]]
"""of a table: row → what it was taken for, and what stands in it"""
Reader = Callable[[Statements, bytes], tuple[Format, Rows, Sequence[Statement], str]]
"""hub.untrusted.files.trial"""
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class ProfileTrial:
    """What came of reading a file by one profile."""

    format: Format | None
    rows: Rows
    statements: Sequence[Statement]
    why: str
    """the first thing that is wrong; empty: nothing"""

    @property
    def fits(self) -> bool:
        return not self.why

    @property
    def rank(self) -> tuple[bool, int]:
        """The nearest first: what was read whole, then what has taken most rows for something."""
        known = sum(taken != "above the headings" for taken, _ in self.rows.values())
        return not self.statements, -known


def trial(profile: Statements, raw: bytes, read: Reader) -> ProfileTrial:
    """Read ``raw`` by ``profile``, row by row."""
    try:
        format_, rows, statements, error = read(profile, raw)
    except UnreadableFile as refused:
        return ProfileTrial(None, {}, [], str(refused))
    if error:
        return ProfileTrial(format_, rows, [], error)
    today = local(now()).date()
    findings = [
        f"{finding.code}: {f'line {finding.line}: ' if finding.line else ''}{finding.sentence}"
        for one in statements
        for finding in judge(one, None, value_days=profile.value_days, today=today, is_working=_weekday)
        if finding.code is not StatementCode.WRONG_ACCOUNT
    ]
    return ProfileTrial(format_, rows, statements, findings[0] if findings else "")


def _weekday(day: date) -> bool:
    """Whose holidays they are is not known yet."""
    return day.weekday() < _SATURDAY
