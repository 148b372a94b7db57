"""The headings of a bank's table, and what stands around it, found by its label.

Headings are in one row or over two, and a cell with two lines may hold those of two columns. Labels name the account,
the period, balances, and the row of totals.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import zip_longest
from typing import Final

from config.statements import Columns, Table
from connectors.banks.statements.cells import CellPlace, days, is_empty, letters, money
from schemas.cells import Cell, CellRow, is_label, label, written
from schemas.statement import StatementCode, Totals, UnreadableFile

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
    for name, heading in names.items():
        places = _positions(row, heading)
        if not places:
            return None
        if len(places) > 1:
            both = " and ".join(letters(number) for number, _ in places)
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"the heading {heading!r} stands twice (columns {both})", row.number
            )
        spots[name] = places[0]
    return {name: _column(spots, name, names[name]) for name in spots}


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


VND: Final = "VND"
_DAY_BEHIND: Final = re.compile(r"\s*\(?[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}(?:\s+[0-9:]+)?\)?\s*:?\s*$")
_THE_DAY: Final = re.compile(r"\s*\(?\s*(?:ngày|date|as of|on|at)$", re.IGNORECASE)
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_DIGITS: Final = re.compile(r"[0-9]+")
_GROUPS: Final = re.compile(r"[0-9]+(?:[-.][0-9]+)*")


@dataclass(frozen=True, slots=True)
class LabelledCells:
    """The cells behind a label, and where the label stands. What followed a colon in its own cell comes first."""

    place: CellPlace
    cells: Sequence[Cell]

    @property
    def text(self) -> str:
        return " ".join(filter(None, map(written, self.cells)))


def find_label(row: CellRow, heading: str | None) -> LabelledCells | None:
    """What stands behind the label ``heading`` in ``row``; a day may be part of the label. None: it is not there."""
    if not heading:
        return None
    name = label(heading)
    for number, cell in enumerate(row.cells):
        if not isinstance(cell, str) or not label(cell).startswith(name):
            continue
        inside = _inside(cell, name)
        if inside is not None:
            cells = [one for one in (inside, *row.cells[number + 1 :]) if written(one)]
            return LabelledCells(CellPlace(row.number, number, heading), cells)
    return None


def _inside(cell: str, name: str) -> str | None:
    """What the cell of a label says behind it; None if it is another label that only begins alike."""
    if is_label(cell, name) or _with_a_day(cell, name):
        return ""
    before, colon, inside = cell.partition(":")
    if colon and (label(before) == name or _with_a_day(before, name)):
        return inside.strip()
    return None


def _with_a_day(text: str, name: str) -> bool:
    """Whether it is the label ``name`` and a day: Số dư cuối ngày 25/11/2026, Số dư cuối kỳ (ngày 25/11/2026)."""
    bare, days_ = _DAY_BEHIND.subn("", text)
    return bool(days_) and name in (label(bare), label(_THE_DAY.sub("", bare)))


@dataclass(slots=True)
class LabelledFields:
    """What the file says besides its lines."""

    account: str = ""
    opening: int | None = None
    closing: int | None = None
    period: list[date] = field(default_factory=list)
    totals: Totals = field(default_factory=Totals)
    ended: bool = False
    """below the headings the totals or the closing balance have been seen: no line may follow"""

    def take(self, row: CellRow, profile: Table, columns: ColumnMap) -> str:
        """Keep what ``row`` says about the whole; its name, or empty: nothing. ``columns``: below the headings."""
        taken = []
        if (labelled := find_label(row, profile.account)) is not None:
            self._account(labelled)
            taken.append("account")
        if (period := _period(row, profile)) is not None:
            self.period = days(period.text, profile, period.place)
            taken.append("period")
        if (labelled := find_label(row, profile.opening)) is not None:
            self.opening = _same(self.opening, _balance(labelled, row, profile, columns), labelled.place)
            taken.append("opening")
        if (labelled := find_label(row, profile.closing)) is not None:
            self.closing = _same(self.closing, _balance(labelled, row, profile, columns), labelled.place)
            self.ended = self.ended or bool(columns)
            taken.append("closing")
        if columns and is_total(row, profile):
            self.totals, self.ended = _totals(row, columns, profile), True
            taken.append("total")
        return ", ".join(taken)

    def _account(self, labelled: LabelledCells) -> None:
        account = account_of(labelled)
        if self.account and account != self.account:
            raise labelled.place.refused("another account is named inside the table of the one above it")
        self.account = account


def account_of(labelled: LabelledCells) -> str:
    """The account number behind its label: without the blanks, dots and dashes between groups of its digits."""
    words = written(labelled.cells[0]).split() if labelled.cells else []
    groups: list[str] = []
    for word in words:
        if not (_DIGITS if groups else _GROUPS).fullmatch(word):
            break
        groups.append(re.sub(r"[-.]", "", word))
    return "".join(groups) or (words[0] if words else "")


def is_total(row: CellRow, profile: Table) -> bool:
    """Whether it is the row of totals: what stands first in it begins with the profile's word."""
    first = next((text for cell in row.cells if (text := written(cell))), "")
    return bool(profile.total) and label(first).startswith(label(profile.total or ""))


def _period(row: CellRow, profile: Table) -> LabelledCells | None:
    """Behind its label; or its label begins a sentence that has the days: Từ ngày 01/11/2026 đến ngày …"""
    if (labelled := find_label(row, profile.period)) is not None or not profile.period:
        return labelled
    begins = re.compile(re.escape(label(profile.period)) + r"\s+[0-9]")
    for number, cell in enumerate(row.cells):
        if isinstance(cell, str) and begins.match(label(cell)):
            return LabelledCells(CellPlace(row.number, number, profile.period), [cell])
    return None


def _balance(labelled: LabelledCells, row: CellRow, profile: Table, columns: ColumnMap) -> int:
    """The amount in the column of balances, if the row has one there, or behind its label."""
    cells = [cell for cell in labelled.cells if written(cell) != VND]
    if "balance" in columns and not is_empty(columns["balance"].cell(row)):
        return money(columns["balance"].cell(row), profile, columns["balance"].place(row))
    other = written(cells[1]) if len(cells) > 1 else ""
    if _CURRENCY.fullmatch(other):
        raise UnreadableFile(StatementCode.WRONG_CURRENCY, f"{labelled.place.name!r} is in {other}", row.number)
    return money(cells[0] if cells else "", profile, labelled.place)


def _same(before: int | None, now: int, place: CellPlace) -> int:
    if before is not None and before != now:
        raise place.refused("this balance stands twice, with two amounts")
    return now


def _totals(row: CellRow, columns: ColumnMap, profile: Table) -> Totals:
    def total(name: str) -> int | None:
        column = columns.get(name)
        if column is None or is_empty(column.cell(row)):
            return None
        return money(column.cell(row), profile, column.place(row))

    debits, net = total("debit"), total("amount")
    if profile.negative_debits and debits is not None:
        debits = -debits
    return Totals(debit_sum=debits, credit_sum=total("credit"), net=net)
