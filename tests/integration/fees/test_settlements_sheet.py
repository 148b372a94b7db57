"""The workbook of a table: the same bytes for the same table, and numbers that a reader can reckon with."""

import io
import time
import zipfile
from datetime import date
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from hub.fees.settlements import sheet
from schemas.settlement import SettlementTable
from tests.integration.fees.settling import a_table

SHA = "ab" * 32
CENTRE = "Trung tâm Phục vụ hành chính công thử nghiệm"


@pytest.fixture
def table() -> SettlementTable:
    return a_table()


def cells(body: bytes, name: str) -> list[list[Any]]:
    return CalamineWorkbook.from_filelike(io.BytesIO(body)).get_sheet_by_name(name).to_python(skip_empty_area=False)


def test_the_same_table_is_the_same_file_byte_for_byte(table: SettlementTable) -> None:
    first = sheet.written(table, SHA, CENTRE)
    time.sleep(2.1)  # what a zip dates is in steps of two seconds
    assert sheet.written(table, SHA, CENTRE) == first


def test_the_summary_has_the_sums_before_anything_calculates_them(table: SettlementTable) -> None:
    rows = cells(sheet.written(table, SHA, CENTRE), "Bảng tổng hợp")
    total = next(row for row in rows if row[0] == "Cộng")
    assert total[4:] == [2.0, -30_000.0, 210_000.0, -50_000.0, 5_000.0, 70_000.0, 65_000.0]
    fee = next(row for row in rows if row[1] == "phi")
    assert fee[5:] == [-30_000.0, 180_000.0, -50_000.0, 5_000.0, 70_000.0, 35_000.0]


def test_days_are_days_money_is_numbers_and_codes_are_text(table: SettlementTable) -> None:
    [_, carried, receipt, *_] = cells(sheet.written(table, SHA, CENTRE), "Chi tiết")
    assert carried[2] == date(2026, 9, 30)
    assert receipt[4:7] == ["HC001234567890", "000.00.16.H42-261005-0001", 180_000.0]


def test_what_differs_stands_on_a_sheet_of_its_own_with_what_is_open(table: SettlementTable) -> None:
    rows = cells(sheet.written(table, SHA, CENTRE), "Chênh lệch")
    assert [row[1] for row in rows[1:4]] == ["Kỳ trước chuyển sang", "Hoàn trả", "Điều chỉnh"]
    assert ["M01", 1.0, 30_000.0] in [row[:3] for row in rows]


def test_the_source_names_the_table_that_was_signed(table: SettlementTable) -> None:
    source = {row[0]: row[1] for row in cells(sheet.written(table, SHA, CENTRE), "Nguồn")}
    assert source["SHA-256 của bảng (JSON, RFC 8785)"] == SHA
    assert source["Cách tính phần được để lại"] == sheet.RULE


def test_what_a_department_is_called_is_never_a_formula(table: SettlementTable) -> None:
    body = sheet.written(table.model_copy(update={"department_name": "=1+1"}), SHA, CENTRE)
    with zipfile.ZipFile(io.BytesIO(body)) as opened:
        summary = opened.read("xl/worksheets/sheet1.xml").decode()
    assert "1+1</f>" not in summary


def test_it_is_printed_on_a4_across_with_its_heading_on_every_page(table: SettlementTable) -> None:
    with zipfile.ZipFile(io.BytesIO(sheet.written(table, SHA, CENTRE))) as opened:
        summary, names = (opened.read(f"xl/{name}").decode() for name in ("worksheets/sheet1.xml", "workbook.xml"))
    assert 'paperSize="9"' in summary
    assert 'orientation="landscape"' in summary
    assert "_xlnm.Print_Titles" in names
