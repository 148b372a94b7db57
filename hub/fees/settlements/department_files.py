"""Files from a department: CSV as a spreadsheet saves it, or a workbook, read as rows with their places.

Loads calamine. An error is one sentence for the person who made the file: where, what, and what to do.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time
from typing import Final

from hub.locale import vi
from schemas.cells import Cell, CellRow, is_label, label
from schemas.statement import UnreadableFile
from schemas.values import cleaned
from schemas.workbook import Workbook

BYTES: Final = 32 * 1024 * 1024
ROWS: Final = 500_000
ENDINGS: Final = (".csv", ".xlsx")
_SAMPLE: Final = 20
"""lines from which the separator is guessed"""
_SEPARATORS: Final = (";", "\t", ",")
"""a Vietnamese spreadsheet writes the first; an amount may have the last in it"""


class BadFile(ValueError):
    """The file, or a place in it, is wrong."""

    def __init__(self, place: str, problem: str, fix: str) -> None:
        self.place, self.problem, self.fix = place, problem, fix
        super().__init__(f"{place}{': ' if place else ''}{problem}; {fix}")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook, or (without a name) a CSV."""

    name: str
    rows: Sequence[CellRow]

    def place(self, row: CellRow, column: int | None = None) -> str:
        """As the person finds it: Chênh lệch!B17, or dòng 17, cột 2."""
        if self.name:
            return f"{self.name}!{'' if column is None else _letters(column)}{row.number}"
        return vi("line {number}", number=row.number) + (
            "" if column is None else vi(", column {column}", column=column + 1)
        )


@dataclass(frozen=True, slots=True)
class Block:
    """Rows under a heading. ``columns``: label → number of its column; optional labels may be missing."""

    sheet: Sheet
    heading: CellRow
    columns: dict[str, int]
    rows: Sequence[CellRow]

    def cell(self, row: CellRow, name: str) -> Cell:
        """The cell of ``row`` under the label ``name``; "" where there is no such column, or the row ends before it."""
        column = self.columns.get(name)
        return "" if column is None or column >= len(row.cells) else row.cells[column]

    def place(self, row: CellRow, name: str) -> str:
        return self.sheet.place(row, self.columns.get(name))


def read(raw: bytes, ending: str) -> list[Sheet]:
    """The sheets of the file; a CSV is one. Raises BadFile."""
    if ending not in ENDINGS:
        raise BadFile(
            "",
            vi("the file {ending} cannot be read", ending=ending or vi("without a suffix")),
            vi("save it as .xlsx or .csv (UTF-8)"),
        )
    if len(raw) > BYTES:
        raise BadFile(
            "",
            vi("the file is larger than {megabytes} MB", megabytes=BYTES // 1024 // 1024),
            vi("send the sheet with the list only"),
        )
    sheets = [Sheet("", _lines(_text(raw)))] if ending == ".csv" else _workbook(raw)
    if sum(len(sheet.rows) for sheet in sheets) > ROWS:
        raise BadFile("", vi("the file has more than {most} rows", most=ROWS), vi("send the sheet with the list only"))
    return sheets


def blocks(sheets: Sequence[Sheet], needed: Sequence[str], beside: Sequence[str] = ()) -> list[Block]:
    """The block below the first row with all labels of ``needed``, of every sheet that has one."""
    return [block for sheet in sheets if (block := _block(sheet, needed, beside)) is not None]


def _block(sheet: Sheet, needed: Sequence[str], beside: Sequence[str]) -> Block | None:
    labels = {name: label(name) for name in (*needed, *beside)}
    for at, row in enumerate(sheet.rows):
        columns: dict[str, int] = {}
        for column, cell in enumerate(row.cells):
            for name, text in labels.items():
                if name not in columns and is_label(cell, text):
                    columns[name] = column
        if columns.keys() >= set(needed):
            return Block(sheet, row, columns, [one for one in sheet.rows[at + 1 :] if not one.is_blank])
    return None


def _text(raw: bytes) -> str:
    """Raises BadFile."""
    name = "utf-16" if raw.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = raw.decode(name)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadFile(
            vi("line {number}", number=line), vi("the text is not UTF-8"), vi("in Excel save it as «CSV UTF-8»")
        ) from None
    if "\0" in text:
        raise BadFile(
            vi("line {number}", number=text[: text.index(chr(0))].count(chr(10)) + 1),
            vi("the file is not CSV"),
            vi("save it as CSV"),
        )
    return text


def _lines(text: str) -> list[CellRow]:
    """The rows, each with the line on which it ends: a quoted cell may hold line breaks. Raises BadFile."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_separator(text), strict=True)
    try:
        return [_plain(CellRow(reader.line_num, cells)) for cells in reader]
    except csv.Error:
        fix = vi("close the cell's quotation mark, or save it again from Excel")
        raise BadFile(
            vi("line {number}", number=reader.line_num), vi("a cell's quotation mark is not closed properly"), fix
        ) from None


def _separator(text: str) -> str:
    """The separator that most of the first lines have."""
    first = text.split("\n", _SAMPLE)[:_SAMPLE]
    return max(_SEPARATORS, key=lambda sign: sum(sign in line for line in first))


def _workbook(raw: bytes) -> list[Sheet]:
    try:
        with Workbook(raw, formulas=True) as book:
            return [Sheet(name, [_plain(row) for row in book.rows(name, ROWS)]) for name in book.names]
    except UnreadableFile as error:
        fix = vi("save it as .xlsx without macros, password or links")
        raise BadFile("", vi("the workbook cannot be read: {sentence}", sentence=error.sentence), fix) from None


def _plain(row: CellRow) -> CellRow:
    return CellRow(row.number, [_cell(cell) for cell in row.cells])


def _cell(cell: Cell) -> Cell:
    """Text without control characters. One program writes a date as a date, another as its midnight."""
    if isinstance(cell, str):
        return cleaned(cell)
    return cell.date() if isinstance(cell, datetime) and cell.time() == time.min else cell


def _letters(column: int) -> str:
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters
