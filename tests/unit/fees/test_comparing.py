"""A department's own list against the receipts of its table."""

import csv
import io
from collections.abc import Sequence
from typing import Any, Final

import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st

from hub.fees.settlements import department_files, own_list
from hub.fees.settlements.department_files import BadFile
from hub.fees.settlements.own_list import Comparison, DifferenceSide, ListKey, TableReceiptLine
from schemas.values import MOST

SERIES: Final = ("01BLP0-001 PT-26E", "01BLL0-001 LP-26E")
BY_REFERENCE: Final = ("Mã thanh toán", "Số tiền")
BY_RECEIPT: Final = ("Ký hiệu", "Số biên lai", "Số tiền")
TABLE: Final = (
    TableReceiptLine(1, 120_000, "HC001", "fd_1/phi", (f"{SERIES[0]} 1",)),
    TableReceiptLine(2, 30_000, "HC001", "fd_1/le_phi", (f"{SERIES[1]} 1",)),
    TableReceiptLine(4, 50_000, "HC002", "fd_2/phi", (f"{SERIES[0]} 2",)),
    TableReceiptLine(5, 70_000, "HC002", "fd_2/phi", (f"{SERIES[0]} 2",)),
    TableReceiptLine(6, 10_000, "HC003", "fd_3/phi", ()),
)


def as_csv(*rows: Sequence[Any]) -> bytes:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=";").writerows(rows)
    return buffer.getvalue().encode("utf-8-sig")


def compared(*rows: Sequence[Any], table: Sequence[TableReceiptLine] = TABLE) -> Comparison:
    return own_list.compared(table, own_list.read(department_files.read(as_csv(*rows), ".csv")))


def differences(comparison: Comparison) -> list[tuple[DifferenceSide, int, int, tuple[int, ...]]]:
    return [(one.where, one.table, one.listed, one.numbers) for one in comparison.findings]


@st.composite
def tables(draw: st.DrawFn) -> list[TableReceiptLine]:
    """Demands with fees of either kind, each paid in one or several lines, with their receipts."""
    lines: list[TableReceiptLine] = []
    for demand in range(draw(st.integers(0, 6))):
        for at, kind in enumerate(draw(st.sets(st.sampled_from(("phi", "le_phi")), min_size=1))):
            receipts = (f"{SERIES[at]} {demand + 1}",)
            for amount in draw(st.lists(st.integers(1, MOST // 1000), min_size=1, max_size=3)):
                lines.append(
                    TableReceiptLine(len(lines) + 1, amount, f"HC{demand:010}", f"fd_{demand}/{kind}", receipts)
                )
    return lines


def listed(lines: Sequence[TableReceiptLine], by: ListKey) -> list[tuple[Any, ...]]:
    """The table's lines as the department would list them."""
    if by is ListKey.REFERENCE:
        return [(line.reference, line.amount) for line in lines]
    return [(*line.receipts[0].rsplit(" ", 1), line.amount) for line in lines]


def head(by: ListKey) -> tuple[str, ...]:
    return BY_REFERENCE if by is ListKey.REFERENCE else BY_RECEIPT


@given(tables(), st.sampled_from(ListKey), st.randoms(use_true_random=False))
def test_a_list_that_is_made_from_the_table_differs_in_nothing(
    lines: list[TableReceiptLine], by: ListKey, chance: Any
) -> None:
    rows = listed(lines, by)
    chance.shuffle(rows)
    comparison = compared(head(by), *rows, table=lines)
    assert (comparison.findings, comparison.listed) == ([], comparison.table)
    assert comparison.disputed == {}


@given(tables(), tables(), st.sampled_from(ListKey))
def test_the_sums_are_an_equation_and_every_line_that_differs_is_named_once(
    lines: list[TableReceiptLine], other: list[TableReceiptLine], by: ListKey
) -> None:
    comparison = compared(head(by), *listed(other, by), table=lines)
    assert comparison.listed == comparison.table + sum(comparison.of(where) for where in DifferenceSide)
    assert comparison.table == sum(line.amount for line in lines)
    assert comparison.listed == sum(line.amount for line in other)
    numbers = [number for one in comparison.findings for number in one.numbers]
    assert len(numbers) == len(set(numbers)) == len(comparison.disputed)


def test_what_differs_is_told_by_where_it_is() -> None:
    comparison = compared(
        BY_REFERENCE, (" hc001 ", "150.000 đ"), ("HC002", "100,000.00"), ("HC009", 5_000), ("Cộng", 1)
    )
    assert differences(comparison) == [
        (DifferenceSide.OTHER_AMOUNT, 120_000, 100_000, (4, 5)),
        (DifferenceSide.ONLY_TABLE, 10_000, 0, (6,)),
        (DifferenceSide.ONLY_LIST, 0, 5_000, ()),
    ]
    assert (comparison.same, comparison.table, comparison.listed) == (1, 280_000, 255_000)
    assert [one.places for one in comparison.findings] == [("dòng 3, cột 1",), (), ("dòng 4, cột 1",)]
    assert comparison.disputed == {
        4: "cơ quan ghi 100.000 đồng, bảng ghi 120.000 đồng",
        5: "cơ quan ghi 100.000 đồng, bảng ghi 120.000 đồng",
        6: "không có trong danh sách của cơ quan",
    }


def test_a_row_that_is_listed_twice_is_another_amount() -> None:
    comparison = compared(BY_REFERENCE, ("HC001", 150_000), ("HC001", 150_000), ("HC002", 120_000), ("HC003", 10_000))
    assert differences(comparison) == [(DifferenceSide.OTHER_AMOUNT, 150_000, 300_000, (1, 2))]
    assert comparison.findings[0].places == ("dòng 2, cột 1", "dòng 3, cột 1")


@pytest.mark.parametrize("series", [SERIES, ("PT-26E", "lp-26e")], ids=["with-template", "symbol-alone"])
def test_receipts_are_known_by_series_and_number_with_or_without_its_zeros(series: tuple[str, str]) -> None:
    rows = ((series[0], "00000001", 120_000), (series[1], 1, 30_000), (series[0], 2, 120_000))
    comparison = compared(BY_RECEIPT, *rows)
    assert differences(comparison) == [(DifferenceSide.ONLY_TABLE, 10_000, 0, (6,))]
    assert comparison.findings[0].name == "HC003 (chưa có biên lai)"


def test_a_receipt_may_stand_in_one_cell_and_a_number_alone_is_enough_where_it_is_the_only_one() -> None:
    assert compared(("Số biên lai", "Số tiền"), (f"{SERIES[0]} 00000001", 120_000), ("2", 120_000)).same == 2
    with pytest.raises(BadFile, match="dòng 2, cột 1: «1» có thể là 2 biên lai của bảng; thêm cột «Ký hiệu»"):
        compared(("Số biên lai", "Số tiền"), (1, 120_000))


def test_a_list_that_is_a_workbook_is_read_where_its_columns_are() -> None:
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        book.add_worksheet("Bìa").write(0, 0, "Danh sách thu")
        page = book.add_worksheet("Thu")
        page.write_row(3, 1, ("STT", *BY_REFERENCE))
        for at, row in enumerate((("HC001", 150_000), ("HC002", 120_000.0), ("HC003", "10 000")), start=4):
            page.write_row(at, 1, (at - 3, *row))
        page.write(7, 2, "Tổng cộng")
        page.write_formula(7, 3, "=SUM(D5:D7)", None, 280_000)
    own = own_list.read(department_files.read(buffer.getvalue(), ".xlsx"))
    assert own_list.compared(TABLE, own).findings == []
    assert own.entries[0].place == "Thu!C5"


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([BY_REFERENCE, ("HC001", "một trăm")], "dòng 2, cột 2: «Số tiền» không phải là số đồng; "),
        ([BY_REFERENCE, ("HC001", "150.5000")], "dòng 2, cột 2: «Số tiền» không phải là số đồng; "),
        ([BY_REFERENCE, ("HC001", "1500,5")], "dòng 2, cột 2: «Số tiền» không phải là số đồng; "),
        ([BY_REFERENCE, ("HC001", "1.250,000")], "dòng 2, cột 2: «Số tiền» không phải là số đồng; "),
        ([BY_REFERENCE, ("HC001", f"1{' ' * 100_000}x")], "dòng 2, cột 2: «Số tiền» không phải là số đồng; "),
        ([BY_REFERENCE, ("HC001", "1" * 5_000)], "dòng 2, cột 2: «Số tiền» không phải là số đồng; "),
        ([BY_REFERENCE, ("HC001", f"1{'.000' * 2_000}")], "dòng 2, cột 2: «Số tiền» không phải là số đồng; "),
        ([BY_REFERENCE, ("HC001", "")], "dòng 2, cột 2: «Số tiền» không phải là số đồng; "),
        ([BY_REFERENCE, ("HC001", "-50.000")], "dòng 2, cột 2: «Số tiền» phải lớn hơn 0"),
        ([BY_REFERENCE, ("HC001", 0)], "dòng 2, cột 2: «Số tiền» phải lớn hơn 0"),
        ([BY_REFERENCE, ("HC001", MOST + 1)], "dòng 2, cột 2: «Số tiền» phải lớn hơn 0"),
        ([BY_REFERENCE, ("HC001", 1), ("", 5_000)], "dòng 3, cột 1: «Mã thanh toán» trống; "),
        ([BY_RECEIPT, ("PT-26E", "mười", 5_000)], "dòng 2, cột 2: «Số biên lai» không phải là số biên lai; "),
        ([("Mã hồ sơ", "Số tiền"), ("1", 5_000)], "không có cột «Số tiền» bên cạnh «Mã thanh toán»"),
    ],
)
def test_a_wrong_list_is_one_sentence_with_place_and_remedy(rows: list[Any], sentence: str) -> None:
    with pytest.raises(BadFile) as error:
        compared(*rows)
    assert str(error.value).startswith(sentence)
    assert "\n" not in str(error.value)
