"""CSV as banks export it: the encoding, the separator and the headings are the bank's profile's, never guessed."""

import csv
import io
from collections.abc import Iterator

from config.statements import Table
from connectors.banks.statements import table
from connectors.banks.statements.amounts import text_of
from schemas.cells import CellRow
from schemas.statement import Portion, StatementCode, UnreadableFile


def read(raw: bytes, profile: Table, on_row: table.RowObserver = table.ignore_row) -> Iterator[Portion]:
    """The statements in ``raw``. Raises UnreadableFile."""
    return table.read(_rows(text_of(raw, profile.encoding), profile), profile, on_row)


def _rows(text: str, profile: Table) -> Iterator[CellRow]:
    """The rows, each with the line on which it ends: a quoted cell may hold line breaks."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=profile.delimiter, strict=True)
    try:
        for cells in reader:
            yield CellRow(reader.line_num, cells)
    except csv.Error:
        sentence = "the file breaks off inside a quoted cell, or is not CSV"
        raise UnreadableFile(StatementCode.UNPARSABLE, sentence, reader.line_num) from None
