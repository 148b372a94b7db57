"""Workbooks from strangers: checked before memory is allocated for them, and read as they were checked."""

import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest
import xlsxwriter

from schemas.statement import UnreadableFile
from schemas.workbook import Workbook

SHEET: Final = "xl/worksheets/sheet1.xml"
ROWS: Final = ((1, "một"), (2, "hai"))
Change = Callable[[bytes], bytes]


def workbook(rows: Sequence[Sequence[Any]] = ROWS) -> bytes:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet = book.add_worksheet("A")
        for at, row in enumerate(rows):
            sheet.write_row(at, 0, row)
    return buffer.getvalue()


def changed(change: Change, name: str = SHEET, to: str = SHEET) -> bytes:
    """The workbook with one part changed, and called ``to`` wherever it is named."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook())) as package,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as again,
    ):
        for member in package.namelist():
            content = package.read(member)
            content = change(content) if member == name else content
            content = content.replace(name.removeprefix("xl/").encode(), to.removeprefix("xl/").encode())
            again.writestr(to if member == name else member, content)
    return buffer.getvalue()


def with_cell(cell: bytes) -> Change:
    return lambda sheet: sheet.replace(b"</sheetData>", b"<row>" + cell + b"</row></sheetData>")


def read(raw: bytes) -> list[list[Any]]:
    with Workbook(raw) as book:
        return [list(row.cells) for row in book.rows(book.names[0], 100)]


def wrong(raw: bytes) -> UnreadableFile:
    with pytest.raises(UnreadableFile) as caught:
        read(raw)
    return caught.value


def test_what_was_looked_through_is_what_is_read() -> None:
    assert read(workbook()) == [list(row) for row in ROWS]
    assert read(changed(lambda part: part)) == [list(row) for row in ROWS]


@pytest.mark.parametrize("place", ["XFD100000", "ABC1048576", "A10000001", "ZZZZ1", "A0", "1A", "", "XFE1"])
def test_a_cell_far_away_is_refused_before_memory_is_allocated_for_it(place: str) -> None:
    error = wrong(changed(with_cell(b'<c r="%s"><v>1</v></c>' % place.encode())))
    assert SHEET in error.sentence


def test_a_cell_far_away_that_holds_nothing_takes_no_memory() -> None:
    assert read(changed(with_cell(b'<c r="XFD100000" s="0"/>'))) == [list(row) for row in ROWS]


@pytest.mark.parametrize(
    "formula", [b"<f>1+1</f>", b"<f\n>1+1</f>", b"<f\t/>", b'<x:f xmlns:x="urn:x">1</x:f>', b"<f t='shared' si='0'/>"]
)
@pytest.mark.parametrize("to", [SHEET, "xl/other/page.xml"])
def test_a_formula_is_found_however_it_is_written_and_named(formula: bytes, to: str) -> None:
    error = wrong(changed(with_cell(b'<c r="C9">' + formula + b"<v>5</v></c>"), to=to))
    assert "cell C9 is a formula" in error.sentence
    assert (error.line, to in error.sentence) == (9, True)


def test_what_is_called_f_and_is_in_no_cell_is_no_formula() -> None:
    chart = b'<extLst><ext xmlns:m="urn:m"><m:f>A!$A$1</m:f></ext></extLst></worksheet>'
    assert read(changed(lambda sheet: sheet.replace(b"</worksheet>", chart))) == [list(row) for row in ROWS]


@pytest.mark.parametrize("count", [b"99999999999999", b"-1", b"", "٣".encode()])
def test_more_than_a_table_needs_is_not_announced(count: bytes) -> None:
    text = b'<sst uniqueCount="' + count + b'"><si><t>x</t></si></sst>'
    assert (
        "announces" in wrong(changed(lambda _: text, name="xl/sharedStrings.xml", to="xl/sharedStrings.xml")).sentence
    )


def test_a_text_that_stands_in_too_many_cells_is_refused() -> None:
    text = b"<sst><si><t>" + b"x" * 500_000 + b"</t></si></sst>"
    cells = b"".join(b'<c t="s"><v>0</v></c>' for _ in range(600))
    part = changed(lambda _: text, name="xl/sharedStrings.xml", to="xl/sharedStrings.xml")
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(part)) as package, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as again:
        for member in package.namelist():
            content = package.read(member)
            again.writestr(member, with_cell(cells)(content) if member == SHEET else content)
    assert "characters" in wrong(buffer.getvalue()).sentence


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda sheet: b"<!DOCTYPE x []>" + sheet.partition(b"?>")[2], "DOCTYPE"),
        (lambda sheet: sheet[:-20], "line 2: the XML is not well-formed"),
        (lambda sheet: b'<?xml version="1.0" encoding="utf-7"?>' + sheet.partition(b"?>")[2], "encoding"),
        (with_cell(b'<c r="A1"><v>1</v></c>'), "cell A1 does not stand in the order"),
        (lambda sheet: sheet.replace(b'<row r="2"', b'<row r="x"'), "row"),
    ],
    ids=["doctype", "cut", "encoding", "backwards", "row"],
)
def test_a_broken_part_is_named(change: Change, says: str) -> None:
    assert says in wrong(changed(change)).sentence


def test_a_part_that_does_not_unfold_is_named() -> None:
    raw = bytearray(changed(lambda part: part))
    with zipfile.ZipFile(io.BytesIO(raw)) as package:
        start = package.getinfo(SHEET).header_offset + 30 + len(SHEET)
    raw[start : start + 40] = bytes(byte ^ 0xA5 for byte in raw[start : start + 40])
    assert wrong(bytes(raw)).sentence.startswith(SHEET)


def test_a_part_that_is_there_twice_is_refused() -> None:
    buffer = io.BytesIO(workbook())
    with zipfile.ZipFile(buffer, "a") as package, pytest.warns(UserWarning, match="Duplicate"):
        package.writestr(SHEET, "<worksheet/>")
    assert "twice" in wrong(buffer.getvalue()).sentence


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_packing_that_takes_memory_by_a_word_in_its_header_is_refused(method: int) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as package:
        package.writestr(SHEET, "<worksheet/>")
    assert "packed" in wrong(buffer.getvalue()).sentence
