"""A department's own list of receipts, as it keeps it: by payment reference or by receipt number, with the amount."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from hub.fees.settlements.department_files import BadFile, Block, Sheet, blocks
from schemas.cells import EXACT, Cell, CellRow, label, written
from schemas.money import MOST

AMOUNT: Final = "Số tiền"
SERIES: Final = "Ký hiệu"
_AMOUNT: Final = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:(?P<sign>[., ])[0-9]{3})(?:(?P=sign)[0-9]{3}){0,5}|[0-9]{1,18})(?:[.,]00?)?"
)
"""1.250.000 or 1,250,000 or 1250000, and with .00 behind it: groups have three digits, a fraction one or two"""
_CURRENCY: Final = re.compile(r"(VND|VNĐ|đồng|đ|₫)$", re.IGNORECASE)
_TOTALS: Final = frozenset({"cộng", "tổng", "tổng cộng", "tổng số"})
_RECEIPT: Final = re.compile(r"(?:(?P<series>.*\S)\s+)?(?P<number>[0-9]{1,8})")


class ListKey(StrEnum):
    """What names a receipt in the list."""

    REFERENCE = "Mã thanh toán"
    RECEIPT = "Số biên lai"


@dataclass(frozen=True, slots=True)
class OwnListRow:
    """A row of the list; đồng. ``place``: where it stands, ``name``: what it is called there."""

    place: str
    key: str
    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class OwnList:
    """The list, and by what it goes."""

    by: ListKey
    entries: Sequence[OwnListRow]


def reference_key(reference: str) -> str:
    """As it is compared: spaces and case do not matter."""
    return "".join(reference.split()).upper()


def receipt_key(series: str, number: int) -> str:
    """As it is compared. ``series``: template and symbol, the symbol alone, or nothing."""
    return f"{label(series)} {number}"


def read(sheets: Sequence[Sheet]) -> OwnList:
    """The first sheet with a column of amounts beside references or, where there are none, receipts. Raises BadFile."""
    for by in ListKey:
        found = blocks(sheets, (by, AMOUNT), (SERIES,))
        if found:
            entries = [_entry(found[0], row, by) for row in found[0].rows if not _is_total(row.cells)]
            return OwnList(by, entries)
    fix = f"thêm dòng tiêu đề có «{AMOUNT}» và «{ListKey.REFERENCE}» (hoặc «{ListKey.RECEIPT}», «{SERIES}»)"
    raise BadFile("", f"không có cột «{AMOUNT}» bên cạnh «{ListKey.REFERENCE}» hoặc «{ListKey.RECEIPT}»", fix)


def _entry(block: Block, row: CellRow, by: ListKey) -> OwnListRow:
    name = written(block.cell(row, by))
    if not name:
        raise BadFile(block.place(row, by), f"«{by}» trống", "ghi vào, hoặc xóa dòng; dòng tổng thì ghi chữ «Cộng»")
    amount = _dong(block.cell(row, AMOUNT))
    if amount is None:
        raise BadFile(block.place(row, AMOUNT), f"«{AMOUNT}» không phải là số đồng", "ghi như 150000 hoặc 150.000")
    if not 0 < amount <= MOST:
        fix = "chỉ để lại các khoản thu: hoàn trả và điều chỉnh xem trang Chênh lệch của bảng"
        raise BadFile(block.place(row, AMOUNT), f"«{AMOUNT}» phải lớn hơn 0 và không quá {MOST}", fix)
    if by is ListKey.REFERENCE:
        return OwnListRow(block.place(row, by), reference_key(name), name, amount)
    found = _RECEIPT.fullmatch(name)
    if found is None:
        raise BadFile(block.place(row, by), f"«{by}» không phải là số biên lai", "ghi số, như 00000017")
    series = found["series"] or written(block.cell(row, SERIES))
    return OwnListRow(
        block.place(row, by), receipt_key(series, int(found["number"])), f"{series} {name}".strip(), amount
    )


def _is_total(cells: Sequence[Cell]) -> bool:
    return any(isinstance(cell, str) and label(cell) in _TOTALS for cell in cells)


def _dong(cell: Cell) -> int | None:
    """The amount in the cell; None for what is none, or not a whole number of đồng."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return int(cell) if float(cell).is_integer() and abs(cell) < EXACT else None
    if not isinstance(cell, str):
        return None
    text = _CURRENCY.sub("", written(cell)).replace("\N{NO-BREAK SPACE}", " ").strip()
    found = _AMOUNT.fullmatch(text.removeprefix("-"))
    if found is None:
        return None
    amount = int(re.sub(r"[., ]", "", found["whole"]))
    return -amount if text.startswith("-") else amount
