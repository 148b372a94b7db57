"""A bank statement, whatever its file's format: head, entries, and the line of the file of each.

Amounts are integers of the currency's smallest unit; the đồng has none, so of đồng. Credits are positive.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints, ValidationError

from schemas.strict import Strict, faults_of
from schemas.values import FIRST_YEAR, LAST_YEAR, MOST, Cleaned, Day

Format = Literal["camt", "mt940", "csv", "xlsx"]


class StatementCode(StrEnum):
    """Why a statement is not taken (docs/integrators/banks.md)."""

    UNBALANCED = "S01"
    CHAIN_BREAK = "S02"
    MISSING_DAY = "S03"
    OTHER_CONTENT = "S04"
    UNPARSABLE = "S05"
    WRONG_ACCOUNT = "S06"
    WRONG_CURRENCY = "S07"
    VANISHED_LINE = "S08"


class UnreadableFile(Exception):
    """The file, or a place in it, is not what its format has. The sentence never repeats a person's words."""

    def __init__(self, code: StatementCode, sentence: str, line: int | None = None) -> None:
        self.code = code
        self.sentence = sentence
        self.line = line
        """of the file, counted from 1; of an XLSX its row"""
        super().__init__(f"{code}: {f'line {line}: ' if line else ''}{sentence}")


def misfit(error: ValidationError, line: int) -> UnreadableFile:
    """What was read is not what a statement holds: which field it is, and why."""
    first = faults_of(error)[0]
    field = first.pointer.strip("/")
    if field.endswith("_date"):
        return UnreadableFile(
            StatementCode.UNPARSABLE, f"{field}: a day lies between {FIRST_YEAR} and {LAST_YEAR}", line
        )
    return UnreadableFile(StatementCode.UNPARSABLE, f"{field}: {first.detail}", line)


class EntryKind(StrEnum):
    """What the bank means by it. Only a statement moves the account; the others tell what it will say."""

    STATEMENT = "statement"
    """camt.053, MT940, a table"""
    INTERIM = "interim"
    """camt.052, MT942: the day so far"""
    NOTICE = "notice"
    """camt.054: single movements"""


class EntryStatus(StrEnum):
    """Whether a line is in the account's balance."""

    BOOK = "BOOK"
    PDNG = "PDNG"


Signed = Annotated[int, Field(ge=-MOST, le=MOST)]
Count = Annotated[int, Field(ge=0)]
Reference = Annotated[str, StringConstraints(min_length=1, max_length=140), Cleaned]
Text = Annotated[str, StringConstraints(max_length=10_000), Cleaned]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class Detail(Strict):
    """One movement out of several that the bank booked as one entry."""

    amount: Signed
    bank_ref: Reference | None = None
    e2e: Reference | None = None
    text: Text = ""
    reversal: bool = False


class StatementEntry(Strict):
    """One entry of a statement, as the bank booked it."""

    line: int
    """where it stands in the file"""
    booking_date: Day
    value_date: Day
    amount: Signed
    standing: EntryStatus = EntryStatus.BOOK
    bank_ref: Reference | None = None
    e2e: Reference | None = None
    text: Text = ""
    reversal: bool = False
    """it takes back an earlier one; its own sign says which way the money went"""
    details: tuple[Detail, ...] = ()
    """what it is made of, if the bank says so with amounts: each becomes a line, in place of the entry"""
    balance: Signed | None = None
    """the account's, after it, where the file says so line by line"""


class Totals(Strict):
    """What the file itself says about its entries, to be held against them. None: it does not say."""

    entries: Count | None = None
    credits: Count | None = None
    credit_sum: Signed | None = None
    debits: Count | None = None
    debit_sum: Signed | None = None
    """not negative"""
    net: Signed | None = None


class Head(Strict):
    """A statement without its entries."""

    kind: EntryKind
    line: int
    account: Annotated[str, StringConstraints(max_length=64), Cleaned]
    """as the bank writes it; empty: the file does not say"""
    bank_id: Annotated[str, StringConstraints(min_length=1, max_length=70), Cleaned]
    """the bank's own name for it; may come again next year"""
    is_numbered: bool = True
    """False: the file has no name or number of its own; ``bank_id`` is its days"""
    sequence: Count | None = None
    currency: Currency
    from_date: Day
    to_date: Day
    opening: Signed | None = None
    closing: Signed | None = None
    """None: the file does not say, and cannot be proved"""
    totals: Totals = Totals()
    whole: bool = True
    """False: pages of it lie elsewhere"""


class Statement(Head):
    """A statement with all its entries, in the bank's order."""

    entries: tuple[StatementEntry, ...]


@dataclass(frozen=True, slots=True)
class Portion:
    """A statement that is being read: ``entries`` must be used up before the next one is asked for."""

    head: Head
    entries: Iterator[StatementEntry]


def gathered(portions: Iterable[Portion], *, most: int) -> list[Statement]:
    """The statements as a whole. Raises UnreadableFile, also for more than ``most`` entries, or none to read."""
    statements: list[Statement] = []
    seen = 0
    for portion in portions:
        entries: list[StatementEntry] = []
        for entry in portion.entries:
            seen += 1
            if seen > most:
                raise UnreadableFile(StatementCode.UNPARSABLE, f"the file has more than {most} entries", entry.line)
            entries.append(entry)
        statements.append(Statement(**dict(portion.head), entries=tuple(entries)))
    if not statements:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the file holds no statement")
    return statements


@dataclass(frozen=True, slots=True)
class DeliveredFile:
    """A file as the bank laid it out."""

    name: str
    body: bytes


@dataclass(frozen=True, slots=True)
class StatementPage:
    """What a bank has laid out since a cursor, in its order, and the cursor to ask with next time."""

    files: list[DeliveredFile]
    cursor: str


NO_REFERENCE: Final = frozenset({"", "-", "NOTPROVIDED", "NONREF", "NOREF", "/"})
"""What banks write where there is no reference."""


def reference(text_of_field: str | None) -> str | None:
    """The reference in ``text_of_field``, None where it only says that there is none."""
    text = (text_of_field or "").strip()
    return None if text.upper() in NO_REFERENCE else text[:140]
