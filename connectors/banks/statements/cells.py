"""Cells of a bank's table: labels compared as people read them, amounts and days read exactly or refused."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final

from config.statements import Table
from connectors.banks.statements.amounts import day, units
from schemas.statement import Code, Unreadable

Cell = str | int | float | bool | date | datetime | time | timedelta
_SUFFIX: Final = re.compile(r"\s*(VND|VNĐ|đồng|đ|₫)$", re.IGNORECASE)
_DATE_LIKE: Final = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}")
_AS_TEXT: Final = re.compile(r'="(?P<inside>[^"]*)"')
"""how a spreadsheet is made to keep the zeros of a number"""
EXACT: Final = 2**53
"""above it a float no longer tells one integer from the next"""


@dataclass(frozen=True, slots=True)
class Row:
    """A row, and where it stands in the file."""

    number: int
    cells: Sequence[Cell]

    @property
    def is_blank(self) -> bool:
        return not any(written(cell) for cell in self.cells)


def written(cell: Cell) -> str:
    """The cell as text, without what stands around it."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < EXACT:
        return str(int(cell))
    text = str(cell).strip()
    match = _AS_TEXT.fullmatch(text)
    return match["inside"].strip() if match else text.removeprefix("'")


@cache
def label(text: str) -> str:
    """A label as it is compared: case, accents' form, spaces and line breaks do not matter."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split()).rstrip(" :")


def is_label(cell: Cell, wanted: str) -> bool:
    """Whether the cell, or a line of it (headings are bilingual), is this label."""
    if not isinstance(cell, str):
        return False
    return wanted in {label(cell), *map(label, cell.splitlines())}


def labelled(row: Row, wanted: str | None) -> str | None:
    """What stands behind the label ``wanted`` in ``row``: in its own cell after a colon, or in the next filled ones."""
    if not wanted:
        return None
    name = label(wanted)
    for number, cell in enumerate(row.cells):
        if not isinstance(cell, str) or not label(cell).startswith(name):
            continue
        if is_label(cell, name):
            return " ".join(filter(None, map(written, row.cells[number + 1 :])))
        before, colon, inside = cell.partition(":")
        if colon and label(before) == name:
            return " ".join(filter(None, (inside.strip(), *map(written, row.cells[number + 1 :]))))
    return None


def money(cell: Cell, profile: Table, line: int) -> int:
    """An amount in đồng with its sign: 1,000,000 or 50000 VND or (150,000). Raises Unreadable."""
    if isinstance(cell, bool) or not isinstance(cell, str | int | float):
        raise Unreadable(Code.UNPARSABLE, "an amount is no number", line)
    if isinstance(cell, int | float):
        if not float(cell).is_integer() or abs(cell) >= EXACT:
            raise Unreadable(Code.UNPARSABLE, "an amount is not a whole number of đồng", line)
        return int(cell)
    text = _SUFFIX.sub("", cell.strip()).strip()
    negative = text.startswith("-") or (text.startswith("(") and text.endswith(")"))
    digits = text.strip("()") if negative and text.startswith("(") else text.removeprefix("-").removeprefix("+")
    match = _number(profile.thousands, profile.decimal).fullmatch(digits.strip())
    if match is None:
        raise Unreadable(Code.UNPARSABLE, "an amount is not a number as this bank is said to write it", line)
    whole = match["whole"].replace(profile.thousands, "") if profile.thousands else match["whole"]
    amount = units(whole, match["fraction"] or "", "VND", line)
    return -amount if negative else amount


@cache
def _number(thousands: str, decimal: str) -> re.Pattern[str]:
    grouped = rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|[0-9]+" if thousands else "[0-9]+"
    fraction = rf"(?:{re.escape(decimal)}(?P<fraction>[0-9]+))?" if decimal else "(?P<fraction>(?!))?"
    return re.compile(rf"(?P<whole>{grouped}){fraction}")


def when(cell: Cell, profile: Table, line: int) -> date:
    """A day: a spreadsheet's own, or text by the bank's patterns. Raises Unreadable."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    if not isinstance(cell, str):
        raise Unreadable(Code.UNPARSABLE, "a date is no day", line)
    return day(written(cell), profile.dates, line)


def days(text: str, profile: Table, line: int) -> list[date]:
    """Every day that stands in ``text``, such as: từ ngày 01/11/2026 đến ngày 30/11/2026."""
    return [day(found, [*profile.dates, "%Y-%m-%d"], line) for found in _DATE_LIKE.findall(text)]
