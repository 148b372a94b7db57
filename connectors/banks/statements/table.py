"""A bank's table, whatever holds it: headings found, lines read by them, and what stands around found by its label.

Columns may stand in any order and others beside them. A row that is no line, no label, no repeated heading and not
empty refuses the file, unless the profile says that such rows are passed over. Several accounts may stand one below
the other: each is a statement of its own.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date

from pydantic import ValidationError

from config.statements import Table
from connectors.banks.statements import table_heading, table_line
from connectors.banks.statements.amounts import text_of
from connectors.banks.statements.table_heading import VND, ColumnMap, LabelledFields, account_of, find_label
from schemas.cells import CellRow, label, written
from schemas.statement import EntryKind, Head, Portion, StatementCode, StatementEntry, UnreadableFile, misfit
from schemas.workbook import Workbook

RowObserver = Callable[[CellRow, str], None]
"""Called with each row and what it was recognised as: headings, line, opening, …"""


def ignore_row(_row: CellRow, _meaning: str) -> None:
    """Nobody asks."""


def read_rows(rows: Iterable[CellRow], profile: Table, on_row: RowObserver = ignore_row) -> Iterator[Portion]:
    """The statements in ``rows``. Raises UnreadableFile."""
    for section in _sections(rows, profile, on_row):
        yield Portion(section.head(), iter(section.entries))


def _sections(rows: Iterable[CellRow], profile: Table, on_row: RowObserver) -> Iterator["_Section"]:
    """Each account's part of the sheet. The next one begins with its account's label, and is one if headings follow."""
    section, lines = _Section(profile, on_row, 0), 0
    next_section: _Section | None = None
    rows_after_label: list[CellRow] = []
    for row in rows:
        if next_section is not None and row.number - next_section.above > profile.header_within:
            section.take_all(rows_after_label)
            next_section, rows_after_label = None, []
        if next_section is not None:
            rows_after_label.append(row)
            if next_section.begins(row):
                lines += len(section.entries)
                yield section
                section, next_section, rows_after_label = next_section, None, []
        elif not section.columns:
            section.begins(row)
        elif section.is_followed_at(row):
            next_section, rows_after_label = _Section(profile, on_row, row.number - 1), [row]
            next_section.begins(row)
        else:
            section.take(row)
        if next_section is None and lines + len(section.entries) > profile.rows:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"a line is one too many: {profile.rows} rows are read", row.number
            )
    section.take_all(rows_after_label)
    if not section.columns:
        raise section.without_headings()
    yield section


@dataclass(slots=True)
class _Section:
    """One account's part of the sheet, as far as it has been read."""

    profile: Table
    on_row: RowObserver
    above: int
    """the number of the row before it"""
    labelled: LabelledFields = field(default_factory=LabelledFields)
    columns: ColumnMap = field(default_factory=dict)
    entries: list[StatementEntry] = field(default_factory=list)
    heading: CellRow | None = None
    nothing_moved: bool = False
    before: CellRow | None = None
    half: tuple[str, ...] = ()
    """the first row of headings that go over two"""
    lacking: tuple[int, list[str]] = (0, [])
    """the row that came nearest to the headings, and what it lacks of them"""

    def begins(self, row: CellRow) -> bool:
        """Look for the headings; whether ``row`` has them. Raises UnreadableFile where they do not come in time."""
        if row.number - self.above > self.profile.header_within:
            raise self.without_headings()
        self.columns = table_heading.find(row, self.profile, self.before) or {}
        if self.columns:
            self.heading = row
            if self.before is not None and table_heading.find(row, self.profile) is None:
                self.half = _labels(self.before)
            self.on_row(row, "headings")
            return True
        lacking = table_heading.missing(row, self.profile, self.before)
        if not self.lacking[1] or len(lacking) < len(self.lacking[1]):
            self.lacking = (row.number, lacking)
        self.before = row
        self.on_row(row, self.labelled.take(row, self.profile, {}) or "above the headings")
        return False

    def without_headings(self) -> UnreadableFile:
        row, lacking = self.lacking
        nearest = f"; row {row} lacks {', '.join(map(repr, lacking))}" if row else ""
        sentence = f"the headings are not in the first {self.profile.header_within} rows{nearest}"
        return UnreadableFile(StatementCode.UNPARSABLE, sentence)

    def is_followed_at(self, row: CellRow) -> bool:
        """Whether the next account may begin here: its label stands in no line, and this one has ended."""
        if table_line.has_day(row, self.columns, self.profile):
            return False
        account = find_label(row, self.profile.account)
        has_closing = self.labelled.closing is not None or self.profile.closing is None
        return account is not None and (
            self.labelled.ended or (has_closing and account_of(account) != self.labelled.account)
        )

    def take_all(self, rows: Iterable[CellRow]) -> None:
        """Rows behind which no headings came: words below the end, if they are that."""
        for row in rows:
            self.take(row)

    def take(self, row: CellRow) -> None:
        """A row below the headings. Raises UnreadableFile for one that is nothing that is known."""
        if row.is_blank:
            return
        if table_line.has_day(row, self.columns, self.profile):
            taken = self._dated(row)
        elif (again := table_heading.find(row, self.profile, self.before)) is not None:
            self.columns, taken = again, "headings"
        else:
            taken = self.labelled.take(row, self.profile, self.columns) or self._undated(row)
        self.before = row
        self.on_row(row, taken)

    def _dated(self, row: CellRow) -> str:
        """A line; or a balance of that day, which moves nothing."""
        moves = table_line.moves(row, self.columns, self.profile)
        if not moves and any(find_label(row, name) for name in (self.profile.opening, self.profile.closing)):
            return self.labelled.take(row, self.profile, self.columns)
        if self.labelled.ended or self.nothing_moved:
            raise UnreadableFile(StatementCode.UNPARSABLE, "a line stands below the end", row.number)
        self.entries.append(table_line.entry(row, self.columns, self.profile))
        return "line"

    def _undated(self, row: CellRow) -> str:
        """What is neither line nor label: passed over by the profile, or text that goes on, or words below the end."""
        text = " ".join(" ".join(filter(None, map(written, row.cells))).split())
        if any(re.fullmatch(pattern, text) for pattern in self.profile.skip):
            return "passed over (skip)"
        has_amount = bool(table_line.amounts(row, self.columns))
        if not has_amount and any(label(text).startswith(label(name)) for name in self.profile.no_movement):
            if self.entries:
                raise UnreadableFile(
                    StatementCode.UNPARSABLE, "a row says that nothing moved, below lines that did", row.number
                )
            self.nothing_moved = True
            return "nothing moved"
        if self.labelled.ended and not has_amount:
            return "below the end"
        day = self.columns["booking_date"]
        if self.profile.day_once and has_amount and self.entries and not written(day.cell(row)):
            return self._dated(_on(self.entries[-1].booking_date, row, day.number))
        if self.entries and not self.labelled.ended and table_line.is_continued(row, self.columns):
            self._goes_on(row)
            return "text of the line above"
        if self.half and _labels(row) == self.half:
            return "headings"
        if written(day.cell(row)) and has_amount:
            table_line.entry(row, self.columns, self.profile)  # says what its day is not
        raise day.place(row).refused("a row has no day, and is not anything that is known")

    def _goes_on(self, row: CellRow) -> None:
        last = self.entries[-1]
        text = f"{last.text}\n{table_line.text_of(row, self.columns)}".strip("\n")
        try:
            self.entries[-1] = StatementEntry(**{**dict(last), "text": text})
        except ValidationError as error:
            raise misfit(error, row.number) from None

    def head(self) -> Head:
        labelled, entries = self.labelled, self.entries
        if self.profile.newest_first:
            entries.reverse()
        days = [*labelled.period]
        if len(days) <= 1:  # no period, or only where it begins
            days += [entry.booking_date for entry in entries if entry.booking_date >= min(days, default=date.min)]
        if not days:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, "the file has no lines and says nowhere which days it covers (period)"
            )
        try:
            return Head(
                kind=EntryKind.STATEMENT,
                line=self.heading.number if self.heading else 0,
                account=labelled.account,
                bank_id=f"{min(days)}/{max(days)}",
                is_numbered=False,
                currency=VND,
                from_date=min(days),
                to_date=max(days),
                opening=self._opening(),
                closing=self._closing(),
                totals=labelled.totals,
            )
        except ValidationError as error:
            raise misfit(error, self.heading.number if self.heading else 0) from None

    def _opening(self) -> int | None:
        first = self.entries[0] if self.entries else None
        if self.labelled.opening is None and first is not None and first.balance is not None:
            return first.balance - first.amount
        return self.labelled.opening

    def _closing(self) -> int | None:
        """By its label; where the bank prints none, the last line's balance, or the opening one if nothing moved."""
        if self.profile.closing is not None:
            return self.labelled.closing
        if self.profile.total is not None and not self.labelled.ended and not self.nothing_moved:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, f"the row of totals ({self.profile.total!r}) is not there: it is cut"
            )
        return self.entries[-1].balance if self.entries else self.labelled.opening if self.nothing_moved else None


def _on(day: date, row: CellRow, column: int) -> CellRow:
    """The row with the day of the line above it."""
    return CellRow(row.number, [*row.cells[:column], day, *row.cells[column + 1 :]])


def _labels(row: CellRow) -> tuple[str, ...]:
    return tuple(label(written(cell)) for cell in row.cells)


def read_csv(raw: bytes, profile: Table, on_row: RowObserver = ignore_row) -> Iterator[Portion]:
    """The statements in a CSV file, by the encoding and separator of its bank's profile. Raises UnreadableFile."""
    return read_rows(_csv_rows(text_of(raw, profile.encoding), profile), profile, on_row)


def _csv_rows(text: str, profile: Table) -> Iterator[CellRow]:
    """The rows, each with the line on which it ends: a quoted cell may hold line breaks."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=profile.delimiter, strict=True)
    try:
        for cells in reader:
            yield CellRow(reader.line_num, cells)
    except csv.Error:
        sentence = "the file breaks off inside a quoted cell, or is not CSV"
        raise UnreadableFile(StatementCode.UNPARSABLE, sentence, reader.line_num) from None


def read_xlsx(raw: bytes, profile: Table, on_row: RowObserver = ignore_row) -> Iterator[Portion]:
    """The statements in an XLSX workbook: one sheet, without formulas. Raises UnreadableFile."""
    # What a formula would give now is not what the bank wrote.
    with Workbook(raw) as book:
        rows = book.rows(_sheet(book, profile), profile.rows + profile.header_within)
    return read_rows(rows, profile, on_row)


def _sheet(book: Workbook, profile: Table) -> str:
    if profile.sheet is None and len(book.names) != 1:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the workbook has several sheets, and the profile names none")
    if profile.sheet is not None and profile.sheet not in book.names:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the workbook has not the sheet that the profile names")
    return profile.sheet or book.names[0]
