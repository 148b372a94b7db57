"""XLSX as banks export it: one sheet, without formulas: what they would give now is not what the bank wrote."""

from collections.abc import Iterator

from config.statements import Table
from connectors.banks.statements import table
from schemas.statement import Portion, StatementCode, UnreadableFile
from schemas.workbook import Workbook


def read(raw: bytes, profile: Table, on_row: table.RowObserver = table.ignore_row) -> Iterator[Portion]:
    """The statements in ``raw``. Raises UnreadableFile."""
    with Workbook(raw) as book:
        rows = book.rows(_sheet(book, profile), profile.rows + profile.header_within)
    return table.read(rows, profile, on_row)


def _sheet(book: Workbook, profile: Table) -> str:
    if profile.sheet is None and len(book.names) != 1:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the workbook has several sheets, and the profile names none")
    if profile.sheet is not None and profile.sheet not in book.names:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the workbook has not the sheet that the profile names")
    return profile.sheet or book.names[0]
