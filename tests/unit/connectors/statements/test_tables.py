"""CSV and XLSX by the bank's profile: columns found by their headings, nothing passed over, nothing guessed."""

import io
import zipfile
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from config.banks import Bank
from config.statements import Table
from connectors.banks.statements import formats
from connectors.banks.statements.table import read_csv
from schemas.statement import Statement, StatementCode, UnreadableFile, gathered
from tests.bank_files import StatementDraft, StatementMovement, ago, csv_file, table, xlsx

Reading = Callable[[bytes], list[Statement]]
Wrong = Callable[[bytes], UnreadableFile]

MOVES = (
    StatementMovement(50_000, "HC123456789012 nộp; phí", ref="FT1"),
    StatementMovement(-1_100, 'có "ngoặc"\nhai dòng'),
    StatementMovement(50_000),
)
TOLD = StatementDraft(MOVES, opening=1_000_000)


def amounts(statements: list[Statement]) -> list[int]:
    return [entry.amount for entry in statements[0].entries]


def test_a_table_is_read_with_all_that_stands_around_it(read: Reading) -> None:
    [statement] = read(csv_file(table(TOLD)))
    assert (statement.account, statement.opening, statement.closing) == ("1020304050607", 1_000_000, 1_098_900)
    assert (statement.totals.debit_sum, statement.totals.credit_sum) == (1_100, 100_000)
    first, second, third = statement.entries
    assert (first.amount, first.bank_ref, first.text, first.balance) == (
        50_000,
        "FT1",
        "HC123456789012 nộp; phí",
        1_050_000,
    )
    assert (second.amount, second.text, third.bank_ref) == (-1_100, 'có "ngoặc"\nhai dòng', None)
    assert {entry.booking_date for entry in statement.entries} == {ago(1)}


def test_a_workbook_says_the_same(read: Reading) -> None:
    [from_csv] = read(csv_file(table(TOLD)))
    [from_xlsx] = read(xlsx(table(TOLD, thousands=",")))
    assert from_xlsx.model_dump(exclude={"entries", "line"}) == from_csv.model_dump(exclude={"entries", "line"})
    assert [entry.model_copy(update={"line": 0}) for entry in from_xlsx.entries] == [
        entry.model_copy(update={"line": 0}) for entry in from_csv.entries
    ]


def test_numbers_and_days_of_a_workbook_are_read_as_what_they_are(read: Reading) -> None:
    rows: list[list[Any]] = [
        ["Số tài khoản", 1020304050607],
        ["Số dư đầu kỳ", 7],
        ["Nội dung", "Ngày giao dịch", "Ghi có", "Ghi nợ", "Số dư", "Số tham chiếu", "Cột khác"],
        ["phí", date(2026, 2, 3), 50_000, "", 50_007, 123, "x"],
        ["Số dư cuối kỳ", 50_007],
    ]
    [statement] = read(xlsx(rows))
    [entry] = statement.entries
    assert (statement.account, statement.closing, entry.amount, entry.bank_ref) == (
        "1020304050607",
        50_007,
        50_000,
        "123",
    )
    assert entry.booking_date == date(2026, 2, 3)


@pytest.mark.parametrize("change", ["order", "more", "repeated", "blank", "footer"])
def test_columns_stand_in_any_order_and_others_beside_them(read: Reading, change: str) -> None:
    rows = table(TOLD)
    heading = next(number for number, row in enumerate(rows) if row and row[0] == "Ngày giao dịch")
    lines = slice(heading, len(rows) - 2)
    if change == "order":
        rows[lines] = [row[::-1] for row in rows[lines]]
    elif change == "more":
        rows[lines] = [["", *row[:3], "thêm", *row[3:]] for row in rows[lines]]
        rows[-2] = ["Tổng cộng", "", "", "1.100", "", "100.000"]
    elif change == "repeated":
        rows[heading + 2 : heading + 2] = [rows[heading]]
    elif change == "blank":
        rows[heading + 2 : heading + 2] = [["", "", "", "", "", ""]]
    else:
        rows += [["Người lập biểu"], ["Nguyễn Văn Thử Nghiệm"]]
    assert amounts(read(csv_file(rows))) == [50_000, -1_100, 50_000]


def spoilt(row: int, column: int, cell: str) -> bytes:
    """The table with another cell; rows are counted from the headings."""
    rows = table(TOLD)
    heading = next(number for number, one in enumerate(rows) if one and one[0] == "Ngày giao dịch")
    rows[heading + row][column] = cell
    return csv_file(rows)


@pytest.mark.parametrize(
    ("row", "column", "cell", "says"),
    [
        (1, 3, "", "no amount"),
        (1, 2, "5", "no amount, or two"),
        (1, 3, "50,000", "not a number"),
        (1, 3, "50.00", "not a number"),
        (1, 3, "50.000,5", "not a number"),
        (1, 3, "12..34", "not a number"),
        (1, 3, "=1+1", "not a number"),
        (1, 3, "１２３", "not a number"),
        (1, 3, "9" * 17, "larger"),
        (1, 0, "30/02/2026", "no day"),
        (1, 0, "2026-11-24", "no day"),
        (1, 0, "", "no day"),
        (1, 5, "x" * 20_000, "text: String should have at most"),
        (0, 3, "Ghi nợ", "twice"),
        (0, 3, "Có", "headings"),
    ],
)
def test_a_cell_that_is_not_what_the_bank_writes_refuses_the_file(
    wrong: Wrong, row: int, column: int, cell: str, says: str
) -> None:
    why = wrong(spoilt(row, column, cell))
    assert why.code is StatementCode.UNPARSABLE
    assert says in why.sentence


def test_a_row_that_nobody_knows_is_not_passed_over(wrong: Wrong) -> None:
    rows = table(TOLD)
    rows.insert(6, ["Phí dịch vụ", "", "1.000", "", "", ""])
    assert (wrong(csv_file(rows)).code, wrong(csv_file(rows)).line) == (StatementCode.UNPARSABLE, 7)
    rows[6] = ["Phí dịch vụ", "", "", "", "", ""]
    assert "not anything that is known" in wrong(csv_file(rows)).sentence


def test_a_line_below_the_total_is_not_passed_over(wrong: Wrong) -> None:
    rows = table(TOLD)
    assert "below the end" in wrong(csv_file([*rows, rows[5]])).sentence


def test_what_a_payer_writes_is_no_label(read: Reading) -> None:
    draft = StatementDraft(
        [
            StatementMovement(5, "Số dư cuối kỳ: 1.000.000"),
            StatementMovement(7, "Tổng cộng"),
            StatementMovement(9, "Số tài khoản: 1"),
        ]
    )
    [statement] = read(csv_file(table(draft)))
    assert (amounts([statement]), statement.closing, statement.account) == ([5, 7, 9], 21, "1020304050607")


def test_a_table_without_its_end_is_not_proved(read: Reading) -> None:
    assert read(csv_file(table(TOLD)[:-1]))[0].closing is None


def test_another_encoding_is_named(wrong: Wrong) -> None:
    assert "utf-8" in wrong(csv_file(table(TOLD)).decode("utf-8-sig").encode("utf-16-be")).sentence
    assert "utf-8" in wrong(b"\xd0;\xff\n").sentence


def by(text: str, **changes: Any) -> list[Statement]:
    """A table of signed amounts, by a profile with ``changes``."""
    profile = {
        "columns": {"booking_date": "Date", "amount": "Amount", "balance": "Balance", "text": ["Text"]},
        "closing": "Closing",
        "dates": ["%Y-%m-%d"],
    }
    return gathered(read_csv(text.encode(changes.get("encoding", "utf-8")), Table(**profile | changes)), most=99)


@pytest.mark.parametrize(
    ("written", "changes", "amount"),
    [
        ('"1,000,000"', {}, 1_000_000),
        ("+50000", {}, 50_000),
        ("50000 VND", {}, 50_000),
        ("50000đ", {}, 50_000),
        ('"(150,000)"', {}, -150_000),
        ("-150000", {}, -150_000),
        ("1.000.000", {"thousands": "."}, 1_000_000),
        ('"1.000,00"', {"thousands": ".", "decimal": ","}, 1_000),
        ("1 000", {"thousands": " "}, 1_000),
    ],
)
def test_amounts_are_read_as_the_bank_writes_them(written: str, changes: dict[str, Any], amount: int) -> None:
    text = f"Date,Amount,Balance,Text\n2026-11-02,{written},{written},x\nClosing,{written}\n"
    assert amounts(by(text, **changes)) == [amount]


def test_a_word_may_say_the_direction_and_the_newest_may_come_first(other: Bank) -> None:
    text = (
        "Closing balance,170\nDate,Description,Payer,D/C,Amount,Balance,Currency\n"
        "2026-11-03,b,p,D,30,170,VND\n2026-11-02,a,,Có,200,200,VND\n"
    )
    [statement] = formats.read(other, text.encode())[1]
    assert ([entry.amount for entry in statement.entries], statement.opening, statement.closing) == ([200, -30], 0, 170)
    assert [entry.text for entry in statement.entries] == ["a", "b\np"]
    with pytest.raises(UnreadableFile, match="neither debit nor credit"):
        formats.read(other, text.replace(",D,", ",?,").encode())
    with pytest.raises(UnreadableFile, match="S07"):
        formats.read(other, text.replace("30,170,VND", "30,170,EUR").encode())


def test_vietnamese_of_windows_1258_is_composed_again() -> None:
    text = "Date,Amount,Balance,Text\n2026-11-02,1,1,nộp phí\nClosing,1\n"
    decomposed = text.replace("nộp phí", "nô\u0323p phi\u0301")
    assert by(decomposed, encoding="windows-1258")[0].entries[0].text == "nộp phí"


@pytest.mark.parametrize("pattern", ["%d-%m", "%d/%m %H:%M", "%d.%m.", "%d/%%Y", "%d %Y"])
def test_a_profile_whose_days_have_no_year_or_no_month_is_refused(pattern: str) -> None:
    with pytest.raises(ValidationError, match="dates"):
        by("", dates=[pattern])


def test_a_quoted_cell_that_does_not_end_refuses_the_file(wrong: Wrong) -> None:
    raw = csv_file(table(TOLD))
    assert wrong(raw[: raw.index(b"ngo") + 1]).code is StatementCode.UNPARSABLE


def test_more_lines_than_the_profile_allows_are_refused() -> None:
    text = "Date,Amount,Balance,Text\n" + "2026-11-02,0,0,x\n" * 3 + "Closing,0\n"
    assert len(by(text, rows=3)[0].entries) == 3
    with pytest.raises(UnreadableFile, match="one too many"):
        by(text, rows=2)


def repacked(change: Callable[[dict[str, bytes]], None]) -> bytes:
    """The workbook with other members."""
    with zipfile.ZipFile(io.BytesIO(xlsx(table(TOLD, thousands=",")))) as package:
        members = {name: package.read(name) for name in package.namelist()}
    change(members)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in members.items():
            package.writestr(name, content)
    return archive.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("xl/vbaProject.bin", b"x", "macros"),
        ("xl/externalLinks/externalLink1.xml", b"<x/>", "links"),
        ("xl/embeddings/a.bin", b"x", "other files"),
        ("xl/bomb.xml", b"\0" * 80_000_000, "unfolds"),
    ],
)
def test_a_workbook_that_holds_more_than_a_table_is_refused(wrong: Wrong, name: str, content: bytes, says: str) -> None:
    def more(members: dict[str, bytes]) -> None:
        members[name] = content

    assert says in wrong(repacked(more)).sentence


def test_a_formula_is_refused(wrong: Wrong) -> None:
    rows: Sequence[Sequence[Any]] = [["=1+1"], *table(TOLD)]
    assert "formula" in wrong(xlsx(rows)).sentence


def test_the_same_workbook_zipped_again_says_the_same(read: Reading) -> None:
    assert read(repacked(lambda _: None)) == read(xlsx(table(TOLD, thousands=",")))


def test_a_workbook_with_more_rows_than_a_statement_needs_is_refused(wrong: Wrong) -> None:
    def long(members: dict[str, bytes]) -> None:
        members[SHEET] = members[SHEET].replace(
            b"</sheetData>", b'<row r="1048576"><c r="A1048576"><v>1</v></c></row></sheetData>'
        )

    assert "more than" in wrong(repacked(long)).sentence


@pytest.mark.parametrize("raw", [b"\xd0\xcf\x11\xe0" + b"x" * 600, b"PK\x03\x04" + b"x" * 600])
def test_what_is_no_workbook_is_refused(wrong: Wrong, raw: bytes) -> None:
    assert wrong(raw).code is StatementCode.UNPARSABLE


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"columns": {"booking_date": "D", "amount": "A", "debit": "N", "credit": "C", "text": ["T"]}}, "conventions"),
        ({"columns": {"booking_date": "D", "amount": "A", "text": ["T"]}}, "opening, or a balance column"),
        ({"thousands": ",", "decimal": ","}, "same sign"),
    ],
)
def test_a_profile_that_could_prove_nothing_stops_the_start(changes: dict[str, Any], says: str) -> None:
    right = {"columns": {"booking_date": "D", "amount": "A", "balance": "B", "text": ["T"]}, "closing": "Z"}
    Table.model_validate(right)
    with pytest.raises(ValueError, match=says):
        Table.model_validate(right | changes)


@pytest.mark.parametrize("raw", [b"", b" \r\n"])
def test_a_file_without_anything_in_it_is_said_to_be_empty(bank: Bank, raw: bytes) -> None:
    with pytest.raises(UnreadableFile, match="empty"):
        formats.read(bank, raw)
