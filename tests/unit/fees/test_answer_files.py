"""A department's answer as a spreadsheet: real files, as a department saves them, what is said of wrong ones."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import pytest
import xlsxwriter
from xlsxwriter.utility import xl_cell_to_rowcol

from hub.fees.settlements import answer_files, department_files, sheet
from hub.fees.settlements.department_files import BadFile, Sheet
from tests.integration.fees.settling import a_table

SHA: Final = "ab" * 32
CENTRE: Final = "Trung tâm thử nghiệm"
TABLE: Final = a_table()
NUMBERS: Final = frozenset(line.number for line in TABLE.lines)
HEAD: Final = ("Số dòng", "Lý do")
OURS: Final = department_files.read(sheet.written(TABLE, SHA, CENTRE), ".xlsx")
DisputedLines = dict[int, str]


def as_csv(*rows: Sequence[Any], delimiter: str = ";", encoding: str = "utf-8-sig") -> list[Sheet]:
    """As a spreadsheet in Vietnam writes it."""
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=delimiter).writerows(rows)
    return department_files.read(buffer.getvalue().encode(encoding), ".csv")


def as_xlsx(*rows: Sequence[Any]) -> list[Sheet]:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        page = book.add_worksheet("Trả lời")
        for at, row in enumerate(rows):
            page.write_row(at, 0, row)
    return department_files.read(buffer.getvalue(), ".xlsx")


def test_a_reason_is_words_without_what_no_text_may_hold() -> None:
    for save in (as_csv, as_xlsx):
        assert answer_files.disputed(save(HEAD, (1, "sai\x07 s\u202eố")), NUMBERS)[0].reason == "sai số"


def filled(changes: dict[str, Any], drop: str | None = None) -> list[Sheet]:
    """Our workbook as it comes back. ``changes``: cells of Chênh lệch or, with their sheet's name, of others."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        for ours in OURS:
            if ours.name == drop:
                continue
            cells = {(row.number - 1, at): cell for row in ours.rows for at, cell in enumerate(row.cells)}
            for place, value in changes.items():
                where, _, cell_name = place.rpartition("!")
                if ours.name == (where or "Chênh lệch"):
                    cells[xl_cell_to_rowcol(cell_name)] = value
            page = book.add_worksheet(ours.name)
            for (row, column), cell in cells.items():
                page.write(row, column, cell, day if isinstance(cell, date) else None)
    return department_files.read(buffer.getvalue(), ".xlsx")


def answer_row() -> int:
    """The row under the heading of the answer, as a person counts."""
    [page] = [one for one in OURS if one.name == "Chênh lệch"]
    [head] = [row.number for row in page.rows if tuple(row.cells[:2]) == HEAD]
    return head + 1


def disputed(sheets: Sequence[Sheet]) -> DisputedLines:
    return {line.number: line.reason for line in answer_files.disputed(sheets, NUMBERS)}


def refused(act: Callable[[], Any]) -> str:
    with pytest.raises(BadFile) as error:
        act()
    return str(error.value)


@pytest.mark.parametrize(
    "sheets",
    [
        as_csv(HEAD, (3, "không có hồ sơ này"), (1, "đã trả; kỳ trước")),
        as_csv(HEAD, ("3", "không có hồ sơ này"), ("1", "đã trả; kỳ trước"), delimiter=",", encoding="utf-8"),
        as_csv(("Sở Thử nghiệm, tháng 10", ""), (), ("Lý do", "Số dòng"), ("không có hồ sơ này", 3),
               ("đã trả; kỳ trước", 1), ("", "")),
        as_csv(HEAD, (3, "không có hồ sơ này"), (1, "đã trả; kỳ trước"), delimiter="\t", encoding="utf-16"),
        as_xlsx(("Kính gửi Trung tâm",), HEAD, (3, "không có hồ sơ này"), (), ("1", "đã trả; kỳ trước")),
    ],
    ids=["semicolon", "comma", "columns-turned", "unicode-text", "workbook"],
)  # fmt: skip
def test_disputed_lines_are_read_as_spreadsheets_save_them(sheets: Sequence[Sheet]) -> None:
    assert disputed(sheets) == {1: "đã trả; kỳ trước", 3: "không có hồ sơ này"}


def test_a_reason_may_have_lines_and_quotes() -> None:
    assert disputed(as_csv(HEAD, (2, 'dòng một\ndòng "hai"; hết'))) == {2: 'dòng một\ndòng "hai"; hết'}


def test_our_workbook_sent_back_as_it_was_confirms_every_line() -> None:
    came = filled({})
    answer_files.check_untouched(came, OURS)
    named = answer_files.named(came)
    named.check_digest(SHA)
    assert (disputed(came), named.settlement_id, named.is_ours) == ({}, TABLE.settlement_id, True)


def test_our_workbook_filled_in_disputes_the_lines_that_are_written_there() -> None:
    first = answer_row()
    came = filled({f"A{first}": 2, f"B{first}": "sai số tiền", f"A{first + 40}": "5", f"B{first + 40}": "không rõ"})
    answer_files.check_untouched(came, OURS)
    assert disputed(came) == {2: "sai số tiền", 5: "không rõ"}


def test_a_list_that_was_sorted_is_still_the_one_that_was_sent() -> None:
    [detail] = [one for one in OURS if one.name == "Chi tiết"]
    first, second = detail.rows[1].cells, detail.rows[2].cells
    turned = zip("ABCDEFGHI", first, second, strict=True)
    changes = {f"Chi tiết!{name}{at}": cell for name, one, two in turned for at, cell in ((2, two), (3, one))}
    answer_files.check_untouched(filled(changes), OURS)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"J2": "dòng này không phải của chúng tôi"}, "Chênh lệch!J2: "),
        ({"Chi tiết!G3": 999_000}, "Chi tiết!G3: "),
        ({"Bảng tổng hợp!K7": 1}, "Bảng tổng hợp!K7: "),
        ({f"L{answer_row() + 1}": "xem thêm"}, f"Chênh lệch!L{answer_row() + 1}: "),
    ],
    ids=["beside-a-line", "another-amount", "another-sum", "beside-the-answer"],
)
def test_what_is_written_elsewhere_in_our_workbook_is_not_lost_without_a_word(
    changes: dict[str, Any], place: str
) -> None:
    assert refused(lambda: answer_files.check_untouched(filled(changes), OURS)).startswith(place)


def test_a_sheet_or_a_line_of_ours_that_is_gone_is_missed() -> None:
    assert refused(lambda: answer_files.check_untouched(filled({}, drop="Chi tiết"), OURS)).startswith(
        "Chi tiết: thiếu"
    )
    blank = {f"Chi tiết!{name}4": "" for name in "ABCDEFGHI"}
    assert "thiếu dòng bắt đầu bằng «3»" in refused(lambda: answer_files.check_untouched(filled(blank), OURS))


def test_a_workbook_of_another_table_is_refused_and_so_is_one_that_names_none() -> None:
    other = filled({"Nguồn!B5": "cd" * 32})
    assert refused(lambda: answer_files.named(other).check_digest(SHA)).startswith("Nguồn: SHA-256")
    assert refused(lambda: answer_files.named(filled({}, drop="Nguồn"))).startswith("Nguồn: thiếu")


@pytest.mark.parametrize(
    ("rows", "sentence_start"),
    [
        ([HEAD, ("", "không rõ")], "dòng 2, cột 1: «Số dòng» trống"),
        ([HEAD, (2, "")], "dòng 2, cột 2: «Lý do» trống"),
        ([HEAD, (2, "a"), ("2026-10/3", "b")], "dòng 3, cột 1: «Số dòng» không phải"),
        ([HEAD, ("1.5", "a")], "dòng 2, cột 1: «Số dòng» không phải"),
        ([HEAD, (0, "a")], "dòng 2, cột 1: «Số dòng» không phải"),
        ([HEAD, (6, "a")], "dòng 2, cột 1: bảng không có dòng 6"),
        ([HEAD, (2, "a"), (2, "b")], "dòng 3, cột 1: dòng 2 đã ghi ở trên"),
        ([HEAD, (2, "a" * 1001)], "dòng 2, cột 2: «Lý do» dài hơn 1000"),
        ([("Số dòng", "Ghi chú"), (2, "a")], "không có hai cột"),
        ([], "không có hai cột"),
    ],
)
def test_a_wrong_answer_is_one_sentence_with_place_and_remedy(rows: list[Any], sentence_start: str) -> None:
    sentence = refused(lambda: disputed(as_csv(*rows)))
    assert sentence.startswith(sentence_start)
    assert "; " in sentence
    assert "\n" not in sentence


@pytest.mark.parametrize(
    ("raw", "ending", "sentence_start"),
    [
        ("Số dòng;Lý do\n1;sai".encode("utf-16-le"), ".csv", "dòng 1: "),
        (b"S\xf4 d\xf2ng;L\xfd do\r\n1;a", ".csv", "dòng 1: chữ không ở dạng UTF-8; trong Excel"),
        ('Số dòng;Lý do\r\n1;"sai'.encode(), ".csv", "dòng 2: một ô có dấu ngoặc kép"),
        (b"PK\x03\x04 cut", ".xlsx", "không đọc được bảng tính"),
        (b"\xd0\xcf\x11\xe0", ".xlsx", "không đọc được bảng tính"),
        (b"%PDF-1.7", ".pdf", "không đọc được tệp .pdf"),
        (b"x" * (department_files.BYTES + 1), ".csv", "tệp lớn hơn 32 MB"),
    ],
)
def test_a_file_that_is_no_spreadsheet_says_how_to_save_it(raw: bytes, ending: str, sentence_start: str) -> None:
    assert refused(lambda: department_files.read(raw, ending)).startswith(sentence_start)


def test_two_answers_in_one_workbook_are_none() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        for name in ("Một", "Hai"):
            book.add_worksheet(name).write_row(0, 0, HEAD)
    sheets = department_files.read(buffer.getvalue(), ".xlsx")
    assert "«Một», «Hai»" in refused(lambda: disputed(sheets))


def test_an_answer_that_we_write_reads_back_with_the_table_it_is_for() -> None:
    lines = {4: "cơ quan ghi 150.000 đồng, bảng ghi 180.000 đồng", 1: "a;b"}
    came = department_files.read(answer_files.as_csv(TABLE.settlement_id, SHA, lines), ".csv")
    named = answer_files.named(came)
    assert (named.settlement_id, named.sha256, named.is_ours) == (TABLE.settlement_id, SHA, False)
    assert disputed(came) == lines
