"""A remittance text in the two copies that evidence is looked for in. Pure; the raw text is kept beside them.

Banks write in capitals without marks, wrap lines in the middle of words and put or drop separators as they like. So
both copies have neither marks nor case; ``spaced`` keeps one blank where anything else stood, ``squeezed`` nothing:
what a line break or a blank tore apart stands together again in it.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

VERSION: Final = 1
"""Goes up with every change of what comes out: stored beside it, so that old evidence can be told from new."""

_BY_HAND: Final = str.maketrans({"đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "ø": "o", "Ø": "O"})
"""Letters that Unicode does not take apart. ð and Ø are what some banks' files make of đ and Ơ."""
_MARKS: Final = re.compile(r"[\u0300-\u036f\u00ad\u200b-\u200f\u2060\ufeff]+")
"""Combining marks, and signs that nobody sees."""
_SEPARATORS: Final = re.compile(r"[^A-Z0-9]+")


@dataclass(frozen=True, slots=True)
class Text:
    """A text as it came and as it is read."""

    raw: str
    spaced: str
    squeezed: str


def normalise(raw: str) -> Text:
    """Compatibility forms taken apart (so that ５ is 5), marks off, capitals, then the two copies."""
    text = raw
    if not raw.isascii():
        text = _MARKS.sub("", unicodedata.normalize("NFKD", raw)).translate(_BY_HAND)
    spaced = _SEPARATORS.sub(" ", text.upper()).strip()
    return Text(raw, spaced, spaced.replace(" ", ""))
