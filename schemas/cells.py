"""Cells of a table that somebody sends us: as text, and compared with labels as people read them."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final

Cell = str | int | float | bool | date | datetime | time | timedelta
_AS_TEXT: Final = re.compile(r'="(?P<inside>[^"]*)"')
"""how a spreadsheet is made to keep the zeros of a number"""
EXACT: Final = 2**53
"""above it a float no longer tells one integer from the next"""


@dataclass(frozen=True, slots=True)
class CellRow:
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


@lru_cache(maxsize=4096)
def label(text: str) -> str:
    """A label as it is compared: case, accents' form, spaces and line breaks do not matter."""
    return " ".join(unicodedata.normalize("NFC", text).casefold().split()).rstrip(" :")


def is_label(cell: Cell, heading: str) -> bool:
    """Whether the cell, or a line of it (headings are bilingual), is this label."""
    if not isinstance(cell, str):
        return False
    return heading in {label(cell), *map(label, cell.splitlines())}


def labelled(row: CellRow, heading: str | None) -> str | None:
    """The text after the label ``heading`` in ``row``: in its own cell after a colon, or in the next filled ones."""
    if not heading:
        return None
    name = label(heading)
    for number, cell in enumerate(row.cells):
        if not isinstance(cell, str) or not label(cell).startswith(name):
            continue
        if is_label(cell, name):
            return " ".join(filter(None, map(written, row.cells[number + 1 :])))
        before, colon, inside = cell.partition(":")
        if colon and label(before) == name:
            return " ".join(filter(None, (inside.strip(), *map(written, row.cells[number + 1 :]))))
    return None
