"""Whether a statement goes on from what the account's history says. Pure.

What is known at the end of its days, less those of its own lines that are known already, must be its opening balance:
of a statement that follows the last one, of one that overlaps it, and of one that is told again, alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from hub.fees.reconciliation.statements.model import FileFinding, booked
from schemas.statement import Statement, StatementCode


@dataclass(frozen=True, slots=True)
class ChainEnd:
    """The first or the last statement of the account's chain."""

    from_date: date
    to_date: date
    opening: int
    closing: int
    sequence: int | None


@dataclass(frozen=True, slots=True)
class Missed:
    """A booked line of the history, on one of the statement's days, that the statement does not have."""

    id: int
    booking_date: date
    amount: int


@dataclass(frozen=True, slots=True)
class History:
    """The account's history as far as one statement is concerned. Sums are of booked lines."""

    first: ChainEnd
    last: ChainEnd
    later: int
    """the sum of lines booked after the statement's last day"""
    known: int
    """the sum of the statement's own lines that are there already"""
    known_lines: int
    missed: Sequence[Missed]
    fresh: Sequence[date]
    """the booking dates of its lines that are not there yet"""
    same: Sequence[int]
    """the opening balances of what is there under the same name and first day, with other content"""
    expected: Sequence[date]
    """days between the last statement and this one on which there should be one"""


def judge(statement: Statement, history: History | None) -> tuple[list[FileFinding], list[Missed]]:
    """What is wrong, and the lines that have vanished. A first statement follows nothing, and is right."""
    if history is None:
        return [], []
    agrees = _agrees(statement, history)
    vanished = _vanished(statement, history, agrees=agrees)
    findings = []
    if _is_another(statement, history, agrees=agrees, vanished=vanished):
        findings.append(
            _finding(statement, StatementCode.OTHER_CONTENT, "its days are there already, with other content")
        )
    if vanished:
        sentence = f"{len(vanished)} lines of an accepted statement are not in it"
        findings.append(_finding(statement, StatementCode.VANISHED_LINE, sentence))
    if not agrees and not _explained(statement, history, vanished):
        findings.append(_break(statement, history))
    elif missing := _missing(statement, history):
        findings.append(_finding(statement, StatementCode.MISSING_DAY, missing))
    return findings, vanished


def _agrees(statement: Statement, history: History) -> bool:
    end = history.last.closing - history.later
    if statement.to_date >= history.last.to_date:
        return statement.opening == end - history.known
    # It lies before the end of the history: what it ends with is known, and no line of it may be new there.
    return statement.closing == end and all(day < history.first.from_date for day in history.fresh)


def _is_another(statement: Statement, history: History, *, agrees: bool, vanished: Sequence[Missed]) -> bool:
    """Whether it says of the same days something else than what is there.

    A table has no number: its days are all its name. A day that is told in parts, or again with more lines, goes on
    from what is there, if the balances agree. What begins where another began has to have all that is there.
    """
    if statement.is_numbered or not history.same or not agrees or vanished:
        return bool(history.same)
    return bool(history.missed) and statement.opening in history.same


def _overlaps(history: History) -> bool:
    return history.known_lines > 0 or bool(history.same)


def _vanished(statement: Statement, history: History, *, agrees: bool) -> list[Missed]:
    """Lines of its first day may lie before it, if the balances agree without them."""
    if not _overlaps(history):
        return []
    return [one for one in history.missed if not agrees or one.booking_date > statement.from_date]


def _explained(statement: Statement, history: History, vanished: Sequence[Missed]) -> bool:
    """Whether the vanished lines are all that keeps the balances from agreeing."""
    if not vanished or statement.opening is None:
        return False
    gone = sum(one.amount for one in vanished)
    return statement.opening == history.last.closing - history.later - history.known - gone


def _break(statement: Statement, history: History) -> FileFinding:
    """A statement may be missing between, whose coming would mend it; else the chain is broken."""
    if not _overlaps(history):
        if statement.to_date < history.first.from_date:
            return _finding(
                statement, StatementCode.MISSING_DAY, "between it and the first one that is there, one is missing"
            )
        gap = _sequence_gap(statement, history)
        if gap:
            return _finding(statement, StatementCode.MISSING_DAY, gap)
        if history.expected and statement.sequence is None:
            return _finding(
                statement, StatementCode.MISSING_DAY, f"the statement of {history.expected[0]} has not come"
            )
    sentence = f"it opens with {statement.opening}, the one before it closed with {history.last.closing}"
    return _finding(statement, StatementCode.CHAIN_BREAK, sentence)


def _missing(statement: Statement, history: History) -> str:
    """Balances agree, and still a statement has not come: one on which nothing moved."""
    if _overlaps(history) or statement.to_date < history.last.to_date:
        return ""
    if gap := _sequence_gap(statement, history):
        return gap
    if history.expected and (statement.sequence is None or history.last.sequence is None):
        return f"the statement of {history.expected[0]} has not come"
    return ""


def _sequence_gap(statement: Statement, history: History) -> str:
    """Numbers go up by one, or stay (parts of one number), or begin anew in a new year."""
    before, number = history.last.sequence, statement.sequence
    if before is None or number is None or number in (before, before + 1):
        return ""
    if number in (0, 1) and statement.to_date.year > history.last.to_date.year:
        return ""
    return f"its number is {number}, that of the last one is {before}"


def _finding(statement: Statement, code: StatementCode, sentence: str) -> FileFinding:
    return FileFinding(
        code,
        sentence,
        account=statement.account,
        bank_id=statement.bank_id,
        line=statement.line,
        opening=statement.opening,
        total=booked(statement),
        closing=statement.closing,
    )
