"""Messages for people: the code carries the English text (msgid), the catalogue its Vietnamese translation.

`make messages` extracts the msgids from the code into ``vi/LC_MESSAGES/hub.po`` and compiles ``hub.mo``
(hub.locale.catalogue). Placeholders are those of str.format, named alike in both languages.
"""

from functools import cache
from gettext import GNUTranslations
from pathlib import Path
from typing import Final, Literal

Language = Literal["vi", "en"]
FILES: Final = Path(__file__).parent / "vi" / "LC_MESSAGES"


@cache
def _vietnamese() -> GNUTranslations:
    with (FILES / "hub.mo").open("rb") as file:
        return GNUTranslations(file)


def msgid(text: str) -> str:
    """Mark ``text`` for extraction where it is translated later, in the reader's language."""
    return text


def translated(text: str, language: Language = "vi", /, **values: object) -> str:
    """``text`` (a msgid) in ``language``, with its placeholders filled in if there are any ``values``."""
    shown = _vietnamese().gettext(text) if language == "vi" else text
    return shown.format(**values) if values else shown


def vi(text: str, /, **values: object) -> str:
    """``text`` (a msgid) in Vietnamese."""
    return translated(text, "vi", **values)
