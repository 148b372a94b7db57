"""Amounts and dates as banks write them, read exactly or refused: never a float, never a guess.

The đồng has no smaller unit: "150000", "150000.00" and "150000," are the same amount, and a fraction that is not zero
is refused. Statements in other currencies are read too, in cents, so that a person is shown what such a file says.
"""

import codecs
import re
import unicodedata
from datetime import date, datetime
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from config.statements import Encoding
from schemas.statement import StatementCode, UnreadableFile
from schemas.values import MOST, bounded

_UTF_16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def text_of(raw: bytes, encoding: Encoding) -> str:
    """A byte-order mark goes before ``encoding``, and is not text. Raises UnreadableFile naming the encoding."""
    name: str = encoding
    if raw.startswith(_UTF_16):
        name = "utf-16"
    elif encoding == "utf-8" or raw.startswith(codecs.BOM_UTF8):
        name = "utf-8-sig"
    try:
        text = raw.decode(name)
    except UnicodeDecodeError:
        raise UnreadableFile(
            StatementCode.UNPARSABLE, f"the file is not in {encoding}, which this bank is said to use"
        ) from None
    if "\0" in text:
        raise UnreadableFile(StatementCode.UNPARSABLE, f"the file holds NUL: it is not text in {encoding}")
    # windows-1258 writes accents behind their letters; everywhere else they are composed.
    return unicodedata.normalize("NFC", text) if encoding == "windows-1258" else text


VIETNAM: Final = ZoneInfo("Asia/Ho_Chi_Minh")
_NO_CENTS: Final = frozenset({"VND", "JPY", "KRW"})
_DIGITS: Final = re.compile(r"[0-9]{1,18}")


def places(currency: str) -> int:
    """Digits of the currency's smaller unit, as far as we tell: none, or two."""
    return 0 if currency in _NO_CENTS else 2


def units(whole: str, fraction: str, currency: str, line: int) -> int:
    """Digits before and after the decimal sign → units of the currency. Raises UnreadableFile."""
    digits = places(currency)
    cents, rest = fraction[:digits].ljust(digits, "0"), fraction[digits:]
    if not _DIGITS.fullmatch(whole) or (fraction and not fraction.isascii()) or (fraction and not fraction.isdigit()):
        raise UnreadableFile(StatementCode.UNPARSABLE, "an amount is not a number as this format writes it", line)
    if rest.strip("0"):
        raise UnreadableFile(StatementCode.UNPARSABLE, f"an amount has a fraction that {currency} does not have", line)
    amount = int(whole + cents)
    if amount > MOST:
        raise UnreadableFile(StatementCode.UNPARSABLE, "an amount is larger than any that there is", line)
    return amount


def plain(text: str, currency: str, line: int) -> int:
    """An amount as XML writes it: 150000 or 150000.00. Raises UnreadableFile."""
    whole, point, fraction = text.strip().partition(".")
    if point and not fraction:
        raise UnreadableFile(StatementCode.UNPARSABLE, "an amount ends with its decimal sign", line)
    return units(whole, fraction, currency, line)


@lru_cache(maxsize=1024)
def _iso(text: str) -> date | None:
    try:
        if len(text) == len("2026-11-24"):
            return date.fromisoformat(text)
        moment = datetime.fromisoformat(text)
        return bounded(moment).astimezone(VIETNAM).date() if moment.tzinfo else moment.date()
    except ValueError:
        return None


def iso_date(text: str, line: int) -> date:
    """A day, or the day in Vietnam of a moment, as ISO 8601 writes it. Raises UnreadableFile."""
    parsed = _iso(text.strip())
    if parsed is None:
        raise UnreadableFile(StatementCode.UNPARSABLE, "a date is none", line)
    return parsed


def day(text: str, patterns: list[str], line: int) -> date:
    """The day in ``text`` by the first of ``patterns`` that fits. Raises UnreadableFile."""
    for pattern in patterns:
        parsed = _by(text.strip(), pattern)
        if parsed is not None:
            return parsed
    raise UnreadableFile(StatementCode.UNPARSABLE, f"a date does not read {patterns[0]}, or is no day", line)


@lru_cache(maxsize=1024)
def _by(text: str, pattern: str) -> date | None:
    try:
        return datetime.strptime(text, pattern).date()  # noqa: DTZ007 - a day on a bank's clock has no zone
    except ValueError:
        return None
