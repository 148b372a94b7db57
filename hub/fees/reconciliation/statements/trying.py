"""How a file is read by a profile: what each row is taken for, and whether all of it is proved.

Nothing is known here of accounts and of what came before: only what a statement has to keep in itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from config.statements import Statements
from hub.clock import local, now
from hub.fees.reconciliation.statements import gates
from schemas.statement import Format, Statement, StatementCode, UnreadableFile

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


def trial(said: Statements, raw: bytes, read: Reader) -> ProfileTrial:
    """Read ``raw`` by ``said``, row by row."""
    try:
        format_, rows, statements, error = read(said, raw)
    except UnreadableFile as refused:
        return ProfileTrial(None, {}, [], str(refused))
    if error:
        return ProfileTrial(format_, rows, [], error)
    today = local(now()).date()
    findings = [
        f"{finding.code}: {f'line {finding.line}: ' if finding.line else ''}{finding.sentence}"
        for one in statements
        for finding in gates.judge(one, None, value_days=said.value_days, today=today, is_working=_weekday)
        if finding.code is not StatementCode.WRONG_ACCOUNT
    ]
    return ProfileTrial(format_, rows, statements, findings[0] if findings else "")


def _weekday(day: date) -> bool:
    """Whose holidays they are is not known yet."""
    return day.weekday() < _SATURDAY
