"""Cells of a bank's table: amounts and days read exactly or refused, and the refusal names row, column and heading."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final

from config.statements import Table
from connectors.banks.statements.amounts import day, units
from schemas.cells import EXACT, Cell, written
from schemas.statement import StatementCode, UnreadableFile
from schemas.values import FIRST_YEAR, LAST_YEAR

_SIGNS: Final = str.maketrans(
    dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\ufe63\uff0d", "-") | dict.fromkeys("\u200b\u2060\ufeff")
)
"""every minus of Unicode is one; blanks without a width are none"""
_CURRENCY: Final = r"(?:VND|VNĐ|đồng|đ|₫)"
_AMOUNT: Final = re.compile(
    rf"(?P<open>\()?\s*(?:{_CURRENCY})?\s*(?P<before>[-+])?\s*(?:{_CURRENCY})?\s*(?P<digits>[0-9](?:[0-9., ]*[0-9.,])?)"
    rf"\s*(?:{_CURRENCY})?\s*(?P<after>[-+])?\s*(?:{_CURRENCY})?\s*(?P<close>\))?",
    re.IGNORECASE,
)
_DATE_LIKE: Final = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}")
_TIME: Final = re.compile(r"[ T,]*%[HIMSpT].*")
_FIRST_SERIAL: Final = date(1899, 12, 30)
"""day 0 of a spreadsheet"""
_SERIALS: Final = range(*((date(year, 1, 1) - _FIRST_SERIAL).days for year in (FIRST_YEAR, LAST_YEAR + 1)))
"""numbers that may be days"""


@dataclass(frozen=True, slots=True)
class CellPlace:
    """Where a cell stands, for the reader of a refusal. ``name`` is the heading or label of the profile."""

    line: int
    column: int
    name: str

    def refused(self, sentence: str) -> UnreadableFile:
        """The refusal: ``sentence`` with its column; the row is told beside it."""
        return UnreadableFile(
            StatementCode.UNPARSABLE, f"{sentence} (column {letters(self.column)}, {self.name!r})", self.line
        )


def letters(column: int) -> str:
    """A column, counted from 0, as a spreadsheet calls it: A, B, … Z, AA."""
    before, last = divmod(column, 26)
    return (letters(before - 1) if before else "") + chr(ord("A") + last)


def is_empty(cell: Cell) -> bool:
    """Whether there is no amount: nothing at all, or only a dash."""
    return not _plain(written(cell)).strip("- ")


def _plain(text: str) -> str:
    """With ASCII's minus, and its blank for every run of Unicode's."""
    return " ".join(unicodedata.normalize("NFC", text).translate(_SIGNS).split())


def money(cell: Cell, profile: Table, place: CellPlace) -> int:
    """An amount in đồng with its sign: 1,000,000 or VND 50000 or (150,000) or 11,000-. Raises UnreadableFile."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise place.refused("an amount is no number")
    if isinstance(cell, int | float):
        if not float(cell).is_integer() or abs(cell) >= EXACT:
            raise place.refused("an amount is not a whole number of đồng")
        return int(cell)
    match = _AMOUNT.fullmatch(_plain(cell))
    signs = [match[name] for name in ("before", "after", "open") if match[name]] if match else []
    number = _number(profile.thousands, profile.decimal).fullmatch(match["digits"]) if match else None
    if match is None or number is None or len(signs) > 1 or bool(match["open"]) != bool(match["close"]):
        raise place.refused("an amount is not a number as this bank is said to write it")
    whole = number["whole"].replace(profile.thousands, "") if profile.thousands else number["whole"]
    try:
        amount = units(whole, number["fraction"] or "", "VND", place.line)
    except UnreadableFile as error:
        raise place.refused(error.sentence) from None
    return amount if signs in ([], ["+"]) else -amount


@cache
def _number(thousands: str, decimal: str) -> re.Pattern[str]:
    grouped = rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|[0-9]+" if thousands else "[0-9]+"
    fraction = rf"(?:{re.escape(decimal)}(?P<fraction>[0-9]+))?" if decimal else "(?P<fraction>(?!))?"
    return re.compile(rf"(?P<whole>{grouped}){fraction}")


def when(cell: Cell, profile: Table, place: CellPlace) -> date:
    """A day: a spreadsheet's own, its number, or text by the bank's patterns. Raises UnreadableFile."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if isinstance(cell, int | float) and not isinstance(cell, bool) and int(cell) in _SERIALS:
        return _FIRST_SERIAL + timedelta(days=int(cell))
    if not isinstance(cell, str):
        raise place.refused("a date is no day")
    try:
        return day(_plain(written(cell)), profile.dates, place.line)
    except UnreadableFile as error:
        raise place.refused(error.sentence) from None


def days(text: str, profile: Table, place: CellPlace) -> list[date]:
    """Every day that stands in ``text``, such as: từ ngày 01/11/2026 đến ngày 30/11/2026."""
    patterns = [*dict.fromkeys(_TIME.sub("", pattern) for pattern in profile.dates), "%Y-%m-%d"]
    try:
        return [day(text_of_day, patterns, place.line) for text_of_day in _DATE_LIKE.findall(text)]
    except UnreadableFile as error:
        raise place.refused(error.sentence) from None
