"""A file of statements: what is wrong with it, and the movements that its entries are."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from hub.lifecycle import Lifecycle
from hub.locale import vi
from schemas.statement import EntryKind, EntryStatus, Statement, StatementCode, StatementEntry

MEANING: Final[Mapping[StatementCode, str]] = {
    StatementCode.UNBALANCED: vi("Opening balance and movements do not come to the closing balance"),
    StatementCode.CHAIN_BREAK: vi("Does not follow the statement before"),
    StatementCode.MISSING_DAY: vi("The statement before is missing; waiting"),
    StatementCode.OTHER_CONTENT: vi("The period was received with other content"),
    StatementCode.UNPARSABLE: vi("Cannot be read completely"),
    StatementCode.WRONG_ACCOUNT: vi("Not an account of the Centre"),
    StatementCode.WRONG_CURRENCY: vi("Not Vietnamese dong"),
    StatementCode.VANISHED_LINE: vi("Lines of an earlier statement are missing"),
}
APPROVABLE: Final = frozenset(
    {StatementCode.CHAIN_BREAK, StatementCode.MISSING_DAY, StatementCode.OTHER_CONTENT, StatementCode.VANISHED_LINE}
)
"""What two persons may accept. What does not add up, or is not ours, nobody may."""


@dataclass(frozen=True, slots=True)
class FileFinding:
    """A defect of a file, with opening balance, total and closing balance where it is about a sum; no payer's words."""

    code: StatementCode
    sentence: str
    account: str = ""
    bank_id: str = ""
    line: int | None = None
    opening: int | None = None
    total: int | None = None
    closing: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {**asdict(self), "code": self.code.value}


@dataclass(frozen=True, slots=True)
class StatementMovementDraft:
    """A line to be: an entry, or one of the details that it is made of."""

    entry: int
    booking_date: date
    value_date: date
    amount: int
    standing: EntryStatus
    bank_ref: str | None
    e2e: str | None
    text: str
    reversal: bool


def movements(statement: Statement) -> list[StatementMovementDraft]:
    """The movements of a statement. Of what is no statement, none is booked: it only tells what one will say."""
    return [one for number, entry in enumerate(statement.entries, 1) for one in _of(number, entry, statement.kind)]


def _of(number: int, entry: StatementEntry, kind: EntryKind) -> Iterator[StatementMovementDraft]:
    standing = entry.standing if kind is EntryKind.STATEMENT else EntryStatus.PDNG
    for part in entry.details or (entry,):
        yield StatementMovementDraft(
            entry=number,
            booking_date=entry.booking_date,
            value_date=entry.value_date,
            amount=part.amount,
            standing=standing,
            bank_ref=part.bank_ref,
            e2e=part.e2e,
            text=part.text,
            reversal=part.reversal,
        )


def booked(statement: Statement) -> int:
    """The sum of its booked entries."""
    return sum(entry.amount for entry in statement.entries if entry.standing is EntryStatus.BOOK)


# Where a file of statements stands, and where it may go from there. Loads nothing: the command line shows it.


class FileStatus(StrEnum):
    """Status of a statement file. A file is stored once it has been read: balanced, accepted or quarantined."""

    BALANCED = "balanced"
    """it is right in itself, and waits for a statement before it that has not come"""
    ACCEPTED = "accepted"
    QUARANTINED = "quarantined"
    ACCEPTED_WITH_APPROVAL = "accepted_with_approval"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    """the bank has corrected it"""


LIFECYCLE: Final = Lifecycle(
    {
        FileStatus.BALANCED: frozenset(
            {FileStatus.ACCEPTED, FileStatus.QUARANTINED, FileStatus.ACCEPTED_WITH_APPROVAL, FileStatus.REJECTED}
        ),
        FileStatus.ACCEPTED: frozenset({FileStatus.SUPERSEDED}),
        FileStatus.QUARANTINED: frozenset(
            {FileStatus.BALANCED, FileStatus.ACCEPTED_WITH_APPROVAL, FileStatus.REJECTED}
        ),
        FileStatus.ACCEPTED_WITH_APPROVAL: frozenset({FileStatus.SUPERSEDED}),
        FileStatus.REJECTED: frozenset({FileStatus.QUARANTINED}),
        FileStatus.SUPERSEDED: frozenset(),
    }
)
"""Nothing leaves quarantine but by two persons, or by being right when it is read anew by another profile.

What one person discarded because nobody could read it comes back to be read anew; what two rejected does not."""
