"""MT940 and MT942 line by line: every line has its place in a message, or the file is refused.

Nothing is skipped, mended or merged: no text before the first ``:20:``, no unknown tag, no 30 February. The values are
read by connectors.banks.statements.mt940.
"""

import re
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Final

from config.statements import Mt940
from schemas.statement import StatementCode, UnreadableFile

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
