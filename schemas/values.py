"""Values that messages are made of: texts, days and moments, amounts. One rule at every entrance, whatever it comes in.

Text is composed (Unicode NFC) and holds no character that PostgreSQL, XML or a reader's eye cannot have: no control
characters but tab and line ends, no halves of surrogate pairs, no noncharacters, nothing that turns the direction of
writing around. The caller of an endpoint is told and mends it (``fault_in``): what is signed or hashed is not
changed behind his back. What a partner answers when it was asked, and what a payer wrote into a transfer, is cleaned
(``cleaned``): a refusal would reach nobody who could mend it.

On the wire a moment is RFC 3339 with a zone; nothing guesses a zone or takes a number for a time. Where a contract
writes it in another way, its reader makes a datetime and hands it to ``bounded`` before anything else: outside the
range even a change of zone overflows. The calendar (hub.calendar) knows every year of the range.

An amount is an integer of đồng, which has no minor unit; no float can enter.
"""

import re
import unicodedata
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, BeforeValidator, Field, StringConstraints

# --- texts

_PLANES: Final = "".join(chr(plane << 16 | end) for plane in range(17) for end in (0xFFFE, 0xFFFF))
_CONTROL: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufff9-\ufffb"
"""C0 and C1 but for tab and line ends; line separators; a stray byte order mark; annotations between the lines"""
_TURNS: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""what turns the direction of writing around"""
_NO_CHARACTER: Final = f"\ufdd0-\ufdef{_PLANES}"
_UNFIT: Final = re.compile(f"[{_CONTROL}{_TURNS}\ud800-\udfff{_NO_CHARACTER}]")
_RULES: Final = (
    (re.compile("[\ud800-\udfff]"), "lone_surrogate", "holds half of a surrogate pair"),
    (re.compile(f"[{_NO_CHARACTER}]"), "no_character", "holds a code point that is no character (such as U+FFFE)"),
    (re.compile(f"[{_CONTROL}{_TURNS}]"), "control_character", "holds a control character"),
)
_SHOWS_NOTHING: Final = re.compile(
    "[\\s\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164"
    "\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)
"""spaces, and what Unicode has no mark for (Default_Ignorable_Code_Point); an empty pattern of Braille"""


def fault_in(text: str) -> tuple[str, str] | None:
    """The first thing in ``text`` that no text may hold, as rule and sentence; None: it is fit for every dialect."""
    if _UNFIT.search(text):
        return next((code, detail) for characters, code, detail in _RULES if characters.search(text))
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return None
    return "not_nfc", "Vietnamese text must be sent composed (Unicode NFC)"


def cleaned(text: str) -> str:
    """``text`` without what no text may hold, composed."""
    if text.replace("\n", "").isprintable():  # what no text may hold is never printable; asking for that is faster
        return text if text.isascii() else unicodedata.normalize("NFC", text)
    return unicodedata.normalize("NFC", _UNFIT.sub("", text))


def _fit(text: str) -> str:
    fault = fault_in(text)
    if fault is not None:
        raise ValueError(fault[1])
    return text


def _shown(text: str) -> str:
    if _SHOWS_NOTHING.fullmatch(text):
        raise ValueError("shows nothing: it holds spaces and invisible characters only")
    return text


def _cleaned(value: object) -> object:
    return cleaned(value) if isinstance(value, str) else value


Fit: Final = AfterValidator(_fit)
"""of a name or number that somebody else gave: as it is, or not at all"""
Cleaned: Final = BeforeValidator(_cleaned)
"""of words that somebody else wrote"""
Short = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^\t\r\n]*\S[^\t\r\n]*$"), AfterValidator(_shown)]
"""One line in which something is to be seen."""
Text = Annotated[str, StringConstraints(max_length=1000, pattern=r"\S"), AfterValidator(_shown)]
"""Some lines in which something is to be seen."""


# --- days and moments

FIRST_YEAR: Final = 2000
LAST_YEAR: Final = 2049

_RFC_3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_EARLIEST: Final = datetime(FIRST_YEAR, 1, 1, tzinfo=UTC)
_LATEST: Final = datetime(LAST_YEAR + 1, 1, 1, tzinfo=UTC)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_RANGE: Final = f"a moment lies between {FIRST_YEAR} and {LAST_YEAR}"


def bounded(moment: datetime) -> datetime:
    """``moment``, which is aware. Raises ValueError outside the range."""
    if not _EARLIEST <= moment < _LATEST:
        raise ValueError(_RANGE)
    return moment


def from_milliseconds(count: int) -> datetime:
    """The moment so many milliseconds after 1970. Raises ValueError outside the range."""
    try:
        moment = _EPOCH + timedelta(milliseconds=count)
    except OverflowError:
        raise ValueError(_RANGE) from None
    return bounded(moment)


def _from_rfc_3339(value: Any) -> Any:
    """``value`` as a datetime if it is text. pydantic would also take "1700000000", or a space for the T."""
    if not isinstance(value, str):
        return value
    try:
        if _RFC_3339.fullmatch(value):
            return datetime.fromisoformat(value)
    except ValueError:  # the thirtieth of February, or an hour that no clock shows
        pass
    raise ValueError("a moment reads 2026-11-24T08:15:02+07:00 (RFC 3339, with its zone)")


Moment = Annotated[AwareDatetime, BeforeValidator(_from_rfc_3339), AfterValidator(bounded)]
Day = Annotated[date, Field(ge=date(FIRST_YEAR, 1, 1), le=date(LAST_YEAR, 12, 31))]
"""checked without Python: a statement has hundreds of thousands"""


# --- amounts

MOST: Final = 10**15
"""đồng; far above any fee, far below where JSON readers start to round (2^53)."""

Dong = Annotated[int, Field(strict=True, ge=0, le=MOST, description="Số tiền, đồng (VND), số nguyên")]
