"""Text that people write: one rule at every entrance, whatever it comes in.

Text is composed (Unicode NFC) and holds no character that PostgreSQL, XML or a reader's eye cannot have: no control
characters but tab and line ends, no halves of surrogate pairs, no noncharacters, nothing that turns the direction of
writing around. The caller of an endpoint is told and mends it (``fault_in``): what is signed or hashed is not
changed behind his back. What a partner answers when it was asked, and what a payer wrote into a transfer, is cleaned
(``cleaned``): a refusal would reach nobody who could mend it.
"""

import re
import unicodedata
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, StringConstraints

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
