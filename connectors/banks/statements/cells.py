"""Cells of a bank's table: amounts and days read exactly or refused."""

import re
from datetime import date, datetime
from functools import cache
from typing import Final

from config.statements import Table
from connectors.banks.statements.amounts import day, units
from schemas.cells import EXACT, Cell, written
from schemas.statement import Code, Unreadable

_SUFFIX: Final = re.compile(r"\s*(VND|VNĐ|đồng|đ|₫)$", re.IGNORECASE)
_DATE_LIKE: Final = re.compile(r"[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}")


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
