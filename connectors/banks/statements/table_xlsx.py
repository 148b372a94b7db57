"""XLSX as banks export it, read by calamine, which runs nothing in it; a look into the package goes before.

Formulas are refused: what they would give now is not what the bank wrote.
"""

import io
from collections.abc import Iterator

from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from config.statements import Table
from connectors.banks.statements import table
from schemas.cells import Row
from schemas.statement import Code, Portion, Unreadable
from schemas.workbook import look_into


def read(raw: bytes, profile: Table) -> Iterator[Portion]:
    """The statement in ``raw``. Raises Unreadable."""
    look_into(raw)
    try:
        with CalamineWorkbook.from_filelike(io.BytesIO(raw)) as book:
            rows = _rows(_sheet(book, profile), profile)
    except (CalamineError, ValueError, OSError):
        raise Unreadable(Code.UNPARSABLE, "the file is no XLSX workbook") from None
    return table.read(rows, profile)


def _sheet(book: CalamineWorkbook, profile: Table) -> CalamineSheet:
    names = book.sheet_names
    if profile.sheet is None and len(names) != 1:
        raise Unreadable(Code.UNPARSABLE, "the workbook has several sheets, and the profile names none")
    if profile.sheet is not None and profile.sheet not in names:
        raise Unreadable(Code.UNPARSABLE, "the workbook has not the sheet that the profile names")
    return book.get_sheet_by_name(profile.sheet or names[0])


def _rows(sheet: CalamineSheet, profile: Table) -> list[Row]:
    most = profile.rows + profile.header_within
    if sheet.total_height > most:
        raise Unreadable(Code.UNPARSABLE, f"the sheet has more than {most} rows")
    return [Row(number, cells) for number, cells in enumerate(sheet.to_python(skip_empty_area=False), 1)]
