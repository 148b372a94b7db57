"""MT940 and MT942 (SWIFT category 9): a file's lines are put in their messages first, then read as statements.

Every line has its place in a message, or the file is refused. Nothing is skipped, mended or merged: no text before the
first ``:20:``, no unknown tag, no 30 February. https://www2.swift.com/knowledgecentre/publications/us9m_20240719
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from pydantic import ValidationError

from config.statements import Mt940
from connectors.banks.statements import amounts
from connectors.banks.statements.amounts import text_of
from schemas.statement import (
    EntryKind,
    Head,
    Portion,
    Statement,
    StatementCode,
    StatementEntry,
    Totals,
    UnreadableFile,
    misfit,
    reference,
)

_TAG: Final = re.compile(r":(20|21|25P?|28C?|34F|13D?|60[FM]|61|62[FM]|64|65|86|90[DC]|NS):")
_CONTINUED: Final = frozenset({"61", "86", "NS", "25P"})
"""tags whose value may go on in the next line"""
_BLOCKS: Final = r"(?:\{[1-35S]:(?:[^{}]|\{[^{}]*\})*\})*"
"""blocks of SWIFT's FIN envelope, such as {5:{MAC:…}{CHK:…}}; the fourth is the message"""
_HEADER: Final = re.compile(rf"{_BLOCKS}(?:\{{4:)?|[A-Z]{{6}}[A-Z0-9]{{2}}([A-Z0-9]{{3,4}})?|94[0-2]|[0-9]{{3,4}}")
"""what may stand between messages: SWIFT's blocks, a BIC, the number of the message type"""
_END: Final = re.compile(rf"-(?:\}}{_BLOCKS}(?:\{{4:)?)?")
"""the end of a message, and in the same line its trailer and the header of the next"""
_LINE_61: Final = re.compile(
    r":61:(?P<value>[0-9]{6})(?P<entry>[0-9]{4}|[ ]{4})?(?P<mark>R?[DC])[A-Z]?(?P<amount>[0-9]{1,15}(?:,[0-9]*)?)"
    r"[A-Z][A-Z0-9 ]{3}(?P<rest>.*)"
)
_LENGTHS: Final = {"swift": (16, 23), "long-reference": (140, 140)}
"""of the payer's reference, and of the bank's behind ``//``"""
BALANCE: Final = re.compile(r"(?P<mark>[CD])(?P<day>[0-9]{6})(?P<currency>[A-Z]{3})(?P<amount>[0-9]{1,15}(?:,[0-9]*)?)")
SUM: Final = re.compile(r"(?P<number>[0-9]{1,5})(?P<currency>[A-Z]{3})(?P<amount>[0-9]{1,15}(?:,[0-9]*)?)")
MADE: Final = re.compile(r"(?P<day>[0-9]{6})(?:[01][0-9]|2[0-3])[0-5][0-9](?:[+-][0-9]{4})?")
FLOOR_LIMIT: Final = re.compile(r"(?P<currency>[A-Z]{3})[CD ]?[0-9,]{0,16}")
_FORMS: Final = {"13": MADE, "34": FLOOR_LIMIT, "60": BALANCE, "62": BALANCE, "64": BALANCE, "65": BALANCE, "90": SUM}
"""by the digits of the tag"""


@dataclass(slots=True)
class Line61:
    """A ``:61:`` and the ``:86:`` that belongs to it, as they stand in the file."""

    number: int
    value: str
    """YYMMDD"""
    entry: str
    """MMDD, or empty"""
    mark: str
    """C, D, and RC and RD for what is taken back"""
    amount: str
    own_ref: str
    bank_ref: str
    extra: str = ""
    details: str = ""
    """both as they stand, line breaks and all"""


@dataclass(slots=True)
class Mt940Message:
    """One message from its ``:20:`` to its end."""

    number: int
    """of the line with its ``:20:``"""
    fields: dict[str, str] = field(default_factory=dict)
    """tag → its first line, of all tags but 61 and 86"""
    entries: list[Line61] = field(default_factory=list)
    closed: bool = False
    """whether the closing balance has been seen: an ``:86:`` behind it is about the whole statement"""


def messages(text: str, profile: Mt940) -> list[Mt940Message]:
    """The messages in ``text``. Raises UnreadableFile for a line that has no place in one."""
    reader = _Lines(profile)
    for number, raw in enumerate(text.split("\n"), 1):
        line = raw.strip("\r\x01\x03").rstrip()
        if line:
            reader.take(line, number)
    return reader.finished()


class _Lines:
    """The messages as far as they have been read."""

    def __init__(self, profile: Mt940) -> None:
        self._profile = profile
        self._own, self._bank = _LENGTHS[profile.dialect]
        self._messages: list[Mt940Message] = []
        self._open: Mt940Message | None = None
        self._tag = ""

    def take(self, line: str, number: int) -> None:
        if line[0] == ":":
            self._tagged(line, number)
        elif line[0] == "-" and _END.fullmatch(line):
            self._end(number)
        elif self._open is None:
            if not _HEADER.fullmatch(line):
                raise UnreadableFile(StatementCode.UNPARSABLE, "a line stands outside of every message", number)
        else:
            self._continued(self._open, line, number)

    def finished(self) -> list[Mt940Message]:
        if self._open is not None and self._profile.terminator:
            raise UnreadableFile(StatementCode.UNPARSABLE, "the file breaks off inside a message", self._open.number)
        if not self._messages:
            raise UnreadableFile(StatementCode.UNPARSABLE, "the file holds no MT940 or MT942 message")
        return self._messages

    def _end(self, number: int) -> None:
        if self._open is None:
            raise UnreadableFile(StatementCode.UNPARSABLE, "a message ends that has not begun", number)
        self._open = None

    def _tagged(self, line: str, number: int) -> None:
        match = _TAG.match(line)
        if match is None:
            raise UnreadableFile(StatementCode.UNPARSABLE, "a tag is none of MT940 or MT942", number)
        self._tag = tag = match[1]
        if tag == "20":
            self._begin(number)
        message = self._open
        if message is None:
            raise UnreadableFile(StatementCode.UNPARSABLE, f"tag {tag} stands outside of every message", number)
        if tag == "61":
            self._line_61(message, line, number)
        elif tag == "86":
            self._details(message, line, number)
        else:
            _single(message, tag, line, number)

    def _begin(self, number: int) -> None:
        if self._open is not None and self._profile.terminator:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, "a message begins before the one before it has ended", number
            )
        self._open = Mt940Message(number)
        self._messages.append(self._open)

    def _line_61(self, message: Mt940Message, line: str, number: int) -> None:
        match = _LINE_61.fullmatch(line)
        own, _, bank = (match["rest"] if match else "").partition("//")
        if match is None or len(own) > self._own or len(bank) > self._bank:
            sentence = "a :61: does not read as SWIFT has it (a longer reference: dialect long-reference)"
            raise UnreadableFile(StatementCode.UNPARSABLE, sentence, number)
        if message.closed:
            raise UnreadableFile(StatementCode.UNPARSABLE, "a :61: stands behind the closing balance", number)
        value, entry = match["value"], (match["entry"] or "").strip()
        self._check_day(value, number)
        if entry:
            self._check_day(value[:2] + entry, number)
        message.entries.append(Line61(number, value, entry, match["mark"], match["amount"], own, bank))

    def _details(self, message: Mt940Message, line: str, number: int) -> None:
        if message.closed:
            return
        if not message.entries:
            raise UnreadableFile(StatementCode.UNPARSABLE, "a :86: stands before the first :61:", number)
        entry = message.entries[-1]
        entry.details = f"{entry.details}\n{line[4:]}" if entry.details else line[4:]

    def _continued(self, message: Mt940Message, line: str, number: int) -> None:
        if self._tag not in _CONTINUED:
            raise UnreadableFile(StatementCode.UNPARSABLE, f"tag {self._tag} goes on in a second line", number)
        if self._tag == "86":
            if not message.closed:
                message.entries[-1].details += "\n" + line
        elif self._tag == "61":
            if message.entries[-1].extra:
                raise UnreadableFile(StatementCode.UNPARSABLE, "a :61: goes on in a third line", number)
            message.entries[-1].extra = "\n" + line

    def _check_day(self, digits: str, number: int) -> None:
        if not is_day(digits, thirty=self._profile.thirty_day_months):
            raise UnreadableFile(StatementCode.UNPARSABLE, "a date is no day", number)


def _single(message: Mt940Message, tag: str, line: str, number: int) -> None:
    """A tag that stands once in a message. Raises UnreadableFile if it does not read as SWIFT has it."""
    if tag in message.fields and tag not in ("NS", "65"):
        raise UnreadableFile(StatementCode.UNPARSABLE, f"tag {tag} stands twice in a message", number)
    text = line.removeprefix(f":{tag}:")
    form = _FORMS.get(tag[:2])
    if form is not None:
        match = form.fullmatch(text)
        day = match and match.groupdict().get("day")
        if match is None or (day and not is_day(day, thirty=False)):
            raise UnreadableFile(StatementCode.UNPARSABLE, f"{_named(tag)} does not read as SWIFT has it", number)
    if tag[:2] in ("34", "60") and message.entries:
        raise UnreadableFile(StatementCode.UNPARSABLE, f"{_named(tag)} stands behind entries", number)
    message.fields.setdefault(tag, text)
    message.closed = message.closed or tag[:2] in ("62", "90")


def _named(tag: str) -> str:
    return {"13": "the day (13D)", "34": "the floor limit (34F)", "60": "the opening balance", "90": "a sum"}.get(
        tag[:2], "a balance"
    )


@lru_cache(maxsize=1024)
def is_day(digits: str, *, thirty: bool) -> bool:
    """Whether YYMMDD is a day; with ``thirty`` every month has thirty."""
    year, month, day = 2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:])
    try:
        date(year, month, day)
    except ValueError:
        february = 2
        return thirty and month == february and day in (29, 30)
    return True


_STRUCTURED: Final = re.compile(r"[0-9]{3}\?[0-9]{2}")
_FIELD: Final = re.compile(r"\?([0-9]{2})")
_PURPOSE: Final = re.compile(r"2[0-9]|6[0-3]")
_NUMBER: Final = re.compile(r"(?P<statement>[0-9]{1,5})(?:/(?P<page>[0-9]{1,5}))?")
_TURN_OF_THE_YEAR: Final = 330
"""days between value and entry date (which has no year) from which they lie in different years"""


@dataclass(frozen=True, slots=True)
class _Balance:
    day: date
    currency: str
    amount: int


@dataclass(frozen=True, slots=True)
class Mt940Page:
    """A statement, or a page of one: whether its opening balance was carried in, its closing one is carried on."""

    statement: Statement
    number: int
    carried_in: bool
    carried_on: bool


def _joined(pages: Iterable[Mt940Page]) -> Iterator[Statement]:
    """Statements. One whose pages are not all there says that it is not whole.

    Raises UnreadableFile where a page does not go on from the one before it.
    """
    before: Mt940Page | None = None
    for page in pages:
        if before is not None and _goes_on(before, page):
            before = _together(before, page)
            continue
        if before is not None:
            yield _marked(before)
        before = page
    if before is not None:
        yield _marked(before)


def _goes_on(before: Mt940Page, page: Mt940Page) -> bool:
    first, second = before.statement, page.statement
    same = (first.account, first.sequence, first.kind) == (second.account, second.sequence, second.kind)
    return same and before.carried_on and page.carried_in


def _together(before: Mt940Page, page: Mt940Page) -> Mt940Page:
    first, second = before.statement, page.statement
    if first.closing != second.opening or page.number != before.number + 1 or first.currency != second.currency:
        sentence = "a page does not go on from the one before it: its number or the balance carried over differ"
        raise UnreadableFile(StatementCode.CHAIN_BREAK, sentence, second.line)
    whole = first.model_copy(
        update={"to_date": second.to_date, "closing": second.closing, "entries": first.entries + second.entries}
    )
    return Mt940Page(whole, page.number, before.carried_in, page.carried_on)


def _marked(page: Mt940Page) -> Statement:
    return page.statement.model_copy(update={"whole": not (page.carried_in or page.carried_on)})


def read(raw: bytes, profile: Mt940) -> Iterator[Portion]:
    """The statements in ``raw``, pages of one put together. Raises UnreadableFile."""
    for one in _joined(_page(message) for message in messages(text_of(raw, profile.encoding), profile)):
        yield Portion(Head(**{name: getattr(one, name) for name in Head.model_fields}), iter(one.entries))


def _page(message: Mt940Message) -> Mt940Page:
    """MT940 closes a page with 62M and opens the next with 60M."""
    number = _number(message)
    return Mt940Page(_statement(message), int(number["page"] or 1), "60M" in message.fields, "62M" in message.fields)


def _number(message: Mt940Message) -> re.Match[str]:
    match = _NUMBER.fullmatch(_first(message, "28C", "28") or "")
    if match is None or not _first(message, "25", "25P"):
        raise UnreadableFile(StatementCode.UNPARSABLE, "the message names no account or no number", message.number)
    return match


def _first(message: Mt940Message, *tags: str) -> str | None:
    return next((message.fields[tag] for tag in tags if tag in message.fields), None)


def _statement(message: Mt940Message) -> Statement:
    try:
        head = _head(message)
        entries = [_entry(line, head) for line in message.entries]
        if head.kind is EntryKind.INTERIM and entries:
            first = min(entry.booking_date for entry in entries)
            head = head.model_copy(update={"from_date": min(first, head.to_date)})
        return Statement(**dict(head), entries=tuple(entries))
    except ValidationError as error:
        raise misfit(error, message.number) from None


def _head(message: Mt940Message) -> Head:
    opening, closing = _balance(message, "60F", "60M"), _balance(message, "62F", "62M")
    kind = EntryKind.INTERIM if "34F" in message.fields and not (opening or closing) else EntryKind.STATEMENT
    number = _number(message)
    if kind is EntryKind.STATEMENT and not (opening and closing):
        raise UnreadableFile(
            StatementCode.UNPARSABLE, "the message has no opening or no closing balance", message.number
        )
    created = MADE.fullmatch(_first(message, "13D", "13") or "")
    first = opening.day if opening else created and _day(created["day"])
    last = closing.day if closing else created and _day(created["day"])
    if first is None or last is None:
        raise UnreadableFile(
            StatementCode.UNPARSABLE, "the message says nowhere which day it is of (13D)", message.number
        )
    limit = FLOOR_LIMIT.fullmatch(message.fields.get("34F", ""))
    currency = opening.currency if opening else limit["currency"] if limit else ""
    if closing and closing.currency != currency:
        raise UnreadableFile(StatementCode.WRONG_CURRENCY, "the balances are in two currencies", message.number)
    return Head(
        kind=kind,
        line=message.number,
        account=(_first(message, "25", "25P") or "").strip(),
        bank_id=number[0],
        sequence=int(number["statement"]),
        currency=currency,
        from_date=first,
        to_date=last,
        opening=opening.amount if opening else None,
        closing=closing.amount if closing else None,
        totals=_totals(message, currency),
    )


def _balance(message: Mt940Message, *tags: str) -> _Balance | None:
    match = BALANCE.fullmatch(_first(message, *tags) or "")
    if match is None:
        return None
    amount = _units(match["amount"], match["currency"], message.number)
    return _Balance(_day(match["day"]), match["currency"], -amount if match["mark"] == "D" else amount)


def _totals(message: Mt940Message, currency: str) -> Totals:
    """The sums of an MT942; without a sign, debits too."""
    sums: dict[str, tuple[int, int]] = {}
    for tag in ("90C", "90D"):
        if match := SUM.fullmatch(message.fields.get(tag, "")):
            if match["currency"] != currency:
                raise UnreadableFile(StatementCode.WRONG_CURRENCY, f"an amount is not in {currency}", message.number)
            sums[tag] = int(match["number"]), _units(match["amount"], currency, message.number)
    credits_, credit_sum = sums.get("90C", (None, None))
    debits, debit_sum = sums.get("90D", (None, None))
    return Totals(credits=credits_, credit_sum=credit_sum, debits=debits, debit_sum=debit_sum)


def _entry(line: Line61, head: Head) -> StatementEntry:
    value = _day(line.value)
    amount = _units(line.amount, head.currency, line.number)
    return StatementEntry(
        line=line.number,
        booking_date=_booked(line, value, head),
        value_date=value,
        # A credit that is taken back (RC) goes out, a debit that is taken back (RD) comes in.
        amount=amount if line.mark in ("C", "RD") else -amount,
        bank_ref=reference(line.bank_ref),
        e2e=reference(line.own_ref),
        text=_text(line),
        reversal=line.mark.startswith("R"),
    )


def _booked(line: Line61, value: date, head: Head) -> date:
    if line.entry:
        entry = _day(line.value[:2] + line.entry)
        days = (entry - value).days
        year = value.year + (1 if days <= -_TURN_OF_THE_YEAR else -1 if days >= _TURN_OF_THE_YEAR else 0)
        return entry.replace(year=year)
    # Without an entry date it was booked on one of the statement's days: that of its value, brought within them.
    return max(head.from_date, min(value, head.to_date)) if head.kind is EntryKind.STATEMENT else value


def _text(line: Line61) -> str:
    """Details as they stand, line breaks and all: SWIFT breaks words in the middle. Structured ones without marks."""
    details = line.details
    if _STRUCTURED.match(details):
        _, *parts = _FIELD.split(details.replace("\n", ""))
        fields = list(zip(parts[::2], parts[1::2], strict=True))
        purpose = "".join(text for name, text in fields if _PURPOSE.fullmatch(name))
        details = "\n".join([purpose, *(text for name, text in fields if not _PURPOSE.fullmatch(name))])
    return (details + line.extra).strip()


def _units(amount: str, currency: str, line: int) -> int:
    """Units of the currency. Raises UnreadableFile for a fraction that it does not have."""
    whole, _, fraction = amount.partition(",")
    return amounts.units(whole, fraction, currency, line)


def _day(digits: str) -> date:
    """A day that is_day has let pass (YYMMDD); 30 February of a bank with thirty-day months is the month's last."""
    year, month, day = 2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:])
    try:
        return date(year, month, day)
    except ValueError:
        return date(year, 3, 1) - timedelta(days=1)
