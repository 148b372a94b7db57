"""The headings of a bank's table: in one row or over two, and which line of a cell is whose where two share one."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import zip_longest
from typing import Final

from config.statements import Columns, Table
from connectors.banks.statements.cells import CellPlace, letters
from schemas.cells import Cell, CellRow, label, written
from schemas.statement import StatementCode, UnreadableFile

_SINGLE: Final = (
    "booking_date",
    "value_date",
    "amount",
    "direction",
    "debit",
    "credit",
    "balance",
    "bank_ref",
    "e2e",
    "currency",
)


@dataclass(frozen=True, slots=True)
class FieldColumn:
    """Where a field stands. ``parts`` > 1: the cell has as many lines, and the field is line ``part`` of them."""

    number: int
    name: str
    part: int = 0
    parts: int = 1

    def place(self, row: CellRow) -> CellPlace:
        return CellPlace(row.number, self.number, self.name)

    def cell(self, row: CellRow) -> Cell:
        """The field's cell, or its line of it. Raises UnreadableFile where a cell has more lines than its heading."""
        cell = row.cells[self.number] if self.number < len(row.cells) else ""
        if self.parts == 1:
            return cell
        if not isinstance(cell, str):
            return cell if self.part == 0 else ""
        lines = [line for line in cell.splitlines() if line.strip()]
        if len(lines) > self.parts:
            raise self.place(row).refused(f"a cell has more than the {self.parts} lines of its heading")
        return lines[self.part] if self.part < len(lines) else ""


ColumnMap = Mapping[str, FieldColumn]
"""field → where it stands; charges and texts have a number behind their name: text0, text1"""


def headings_by_field(columns: Columns) -> dict[str, str]:
    """Field → heading, of all that the profile names."""
    named = {name: heading for name in _SINGLE if (heading := getattr(columns, name))}
    named |= {f"charge{number}": heading for number, heading in enumerate(columns.charges)}
    return named | {f"text{number}": heading for number, heading in enumerate(columns.text)}


def find(row: CellRow, profile: Table, above: CellRow | None = None) -> ColumnMap | None:
    """Where each field stands, if ``row`` has all the headings, or has them together with the row ``above`` it."""
    columns = _find_in(row, profile)
    if columns is None and above is not None and above.number == row.number - 1:
        return _find_in(_merge_rows(above, row), profile)
    return columns


def missing(row: CellRow, profile: Table, above: CellRow | None) -> list[str]:
    """The headings that ``row`` lacks, also together with the row ``above`` it; all of them, where it has none."""
    names = list(headings_by_field(profile.columns).values())
    lacking = [heading for heading in names if not _positions(row, heading)]
    if len(lacking) < len(names) and above is not None and above.number == row.number - 1:
        both = _merge_rows(above, row)
        return [heading for heading in lacking if not _positions(both, heading)]
    return lacking


def _find_in(row: CellRow, profile: Table) -> ColumnMap | None:
    spots: dict[str, tuple[int, int]] = {}
    names = headings_by_field(profile.columns)
    for field, heading in names.items():
        places = _positions(row, heading)
        if not places:
            return None
        if len(places) > 1:
            both = " and ".join(letters(number) for number, _ in places)
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"the heading {heading!r} stands twice (columns {both})", row.number
            )
        spots[field] = places[0]
    return {field: _column(spots, field, names[field]) for field in spots}


def _column(spots: Mapping[str, tuple[int, int]], field: str, name: str) -> FieldColumn:
    number, line = spots[field]
    lines = sorted({other for column, other in spots.values() if column == number})
    return FieldColumn(number, name, lines.index(line), len(lines))


def _positions(row: CellRow, heading: str) -> list[tuple[int, int]]:
    """Column and line of the cells that are this heading, or have it as one of their lines."""
    sought = label(heading)
    positions = []
    for number, cell in enumerate(row.cells):
        if not isinstance(cell, str):
            continue
        if label(cell) == sought:
            positions.append((number, 0))
        else:
            lines = [label(line) for line in cell.splitlines()]
            if sought in lines:
                positions.append((number, lines.index(sought)))
    return positions


def _merge_rows(above: CellRow, row: CellRow) -> CellRow:
    """Two rows as one of cells with several lines. A heading that spans columns is the first line's in each of them."""
    cells: list[Cell] = []
    spanning = ""
    for first, second in zip_longest(map(written, above.cells), map(written, row.cells), fillvalue=""):
        spanning = first or spanning
        joined = " ".join(f"{spanning} {second}".split()) if second else ""
        cells.append("\n".join(filter(None, (first, second, joined))))
    return CellRow(row.number, cells)
