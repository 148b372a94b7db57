"""Bank statements in the catalogue: which formats a bank delivers, where they are fetched, and how its tables read.

Names and tables only; every ``if`` is in connectors.banks.statements.
"""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from config.data import Address, Data, Name, SecretName
from schemas.statement import Format

Encoding = Literal["utf-8", "utf-16", "latin-1", "cp852", "windows-1258", "windows-1252"]
_PARTS: Final = re.compile("%[A-Za-z]")


def _whole(pattern: str) -> str:
    """A day without its year would be read as one of the year 1900."""
    parts = set(_PARTS.findall(pattern))
    if "%d" not in parts or not parts & {"%m", "%b", "%B"}:
        raise ValueError("a date has its day and its month: %d and %m")
    if not parts & {"%Y", "%y"}:
        raise ValueError("a date has its year: %Y or %y")
    return pattern


Pattern = Annotated[str, StringConstraints(max_length=20), AfterValidator(_whole)]
Header = Annotated[str, StringConstraints(min_length=1, max_length=200)]
NO_MOVEMENT: Final = (
    "Không có giao dịch",
    "Không phát sinh",
    "Không có phát sinh",
    "No transaction",
    "There is no transaction",
)


def _is_an_expression(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
    return pattern


Expression = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_is_an_expression)]


class Camt(Data):
    """camt.052, 053 and 054, any version: the format says it all."""


class Mt940(Data):
    """MT940 and MT942."""

    dialect: Literal["swift", "long-reference"] = "swift"
    """long-reference: a ``:61:`` whose customer reference is longer than SWIFT's 16 characters"""
    encoding: Encoding = "utf-8"
    terminator: bool = True
    """whether every message ends with a line ``-``: without it a file that was cut between two looks whole"""
    thirty_day_months: bool = False
    """whether 30 February is a day (30/360); it is then read as the last day of the month"""


class Columns(Data):
    """The headings of the columns, as the bank writes them. Case, spaces and line breaks do not matter."""

    booking_date: Header
    value_date: Header | None = None
    amount: Header | None = None
    """signed, or without a sign beside ``direction``"""
    direction: Header | None = None
    debit: Header | None = None
    credit: Header | None = None
    charges: list[Header] = Field([])
    """what the bank took of its own beside the line's amount (fee, VAT): part of the movement"""
    balance: Header | None = None
    """the account's, after the line; checked wherever it is printed"""
    bank_ref: Header | None = None
    e2e: Header | None = None
    currency: Header | None = None
    text: list[Header] = Field(min_length=1)

    @model_validator(mode="after")
    def _one_convention(self) -> Self:
        if (self.amount is None) == (self.debit is None or self.credit is None):
            raise ValueError("an amount, or debit and credit: one of the two conventions")
        if self.direction is not None and self.amount is None:
            raise ValueError("direction goes with amount")
        return self


class Table(Data):
    """A table of lines, with what stands around it found by its label: the value is the next cell that is not empty.

    ``closing`` (and ``opening``, or a balance column) is needed: without it nobody can tell a table from its beginning.
    Where the bank prints no closing balance, the last line's of the balance column is it.
    """

    columns: Columns
    opening: Header | None = None
    closing: Header | None = None
    account: Header | None = None
    period: Header | None = None
    """stands before the first and the last day, in one cell or two"""
    total: Header | None = None
    """what the row of totals begins with; it stands below the amounts that it adds up"""
    dates: list[Pattern] = Field(["%d/%m/%Y"], min_length=1)
    thousands: Literal["", ",", ".", " "] = ","
    decimal: Literal["", ",", "."] = ""
    debit_words: list[Header] = Field(["D", "DR", "Nợ", "-"], min_length=1)
    credit_words: list[Header] = Field(["C", "CR", "Có", "+"], min_length=1)
    negative_debits: bool = False
    """whether debits and charges carry a minus; without it a sign there takes an earlier one back"""
    day_once: bool = False
    """whether a day is printed only on the first of its lines"""
    newest_first: bool = False
    skip: list[Expression] = Field([])
    """rows that are passed over (page numbers, a second row of headings): the whole row, cells joined by a blank"""
    no_movement: list[Header] = Field([*NO_MOVEMENT], min_length=1)
    """what a sentence begins with that says that nothing moved"""
    header_within: int = Field(60, ge=1, le=1000)
    """rows among which the headings are looked for"""
    rows: int = Field(100_000, ge=1, le=1_000_000)
    encoding: Encoding = "utf-8"
    delimiter: Literal[",", ";", "\t", "|"] = ","
    sheet: Name | None = None
    """of an XLSX; unset: it has one sheet only"""

    @model_validator(mode="after")
    def _can_be_proved(self) -> Self:
        if self.closing is None and self.columns.balance is None:
            raise ValueError("closing, or a balance column: without either nobody sees where the table ends")
        if self.opening is None and self.columns.balance is None:
            raise ValueError("opening, or a balance column: without either the sum cannot be proved")
        if self.thousands and self.thousands == self.decimal:
            raise ValueError("thousands and decimal are the same sign")
        return self


class Fetch(Data):
    """Where the bank lays its files out: ``GET {url}?after=<cursor>`` lists them, ``GET {url}/<name>`` gives one."""

    url: Address
    token: SecretName
    every_seconds: float = Field(900, ge=1, le=86_400)


class Statements(Data):
    """What a bank delivers. A format without a profile here is not read."""

    camt: Camt | None = None
    mt940: Mt940 | None = None
    csv: Table | None = None
    xlsx: Table | None = None
    fetch: Fetch | None = None
    days: Literal["any", "working", "every"] = "any"
    """on which days there is a statement, so that a missing one is missed"""
    value_days: int = Field(31, ge=0, le=366)
    """how far a value date may lie from its booking"""
    max_bytes: int = Field(32 * 1024 * 1024, ge=1024, le=256 * 1024 * 1024)
    max_entries: int = Field(200_000, ge=1, le=2_000_000)

    @model_validator(mode="after")
    def _a_cut_text_is_seen(self) -> Self:
        """A workbook that was cut opens no more; a text does."""
        if self.csv and self.csv.closing is None and self.csv.total is None:
            raise ValueError("csv: closing or total, else a file that was cut between two lines looks whole")
        return self

    def profile(self, format_: Format) -> Camt | Mt940 | Table | None:
        """How this bank writes ``format_``; None if it does not."""
        return {"camt": self.camt, "mt940": self.mt940, "csv": self.csv, "xlsx": self.xlsx}[format_]
