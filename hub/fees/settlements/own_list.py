"""A department's own list of receipts, by payment reference or by receipt number, and its comparison with the table."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from psycopg.rows import class_row

from hub.db import Connection
from hub.fees.settlements.department_files import BadFile, Block, Sheet, blocks
from hub.locale import vi
from schemas.cells import EXACT, Cell, CellRow, label, written
from schemas.figures import grouped
from schemas.values import MOST

AMOUNT: Final = vi("Amount")
SERIES: Final = vi("Series")
_AMOUNT: Final = re.compile(
    r"(?P<whole>[0-9]{1,3}(?:(?P<sign>[., ])[0-9]{3})(?:(?P=sign)[0-9]{3}){0,5}|[0-9]{1,18})(?:[.,]00?)?"
)
"""1.250.000 or 1,250,000 or 1250000, and with .00 behind it: groups have three digits, a fraction one or two"""
_CURRENCY: Final = re.compile(r"(VND|VNĐ|đồng|đ|₫)$", re.IGNORECASE)
_TOTALS: Final = frozenset({"cộng", "tổng", "tổng cộng", "tổng số"})
_RECEIPT: Final = re.compile(r"(?:(?P<series>.*\S)\s+)?(?P<number>[0-9]{1,8})")


class ListKey(StrEnum):
    """The column by which the list names a receipt."""

    REFERENCE = vi("Payment reference")
    RECEIPT = vi("Number of receipts")


@dataclass(frozen=True, slots=True)
class OwnListRow:
    """A row of the list; đồng. ``place``: of the row in the file; ``name``: as the list writes it."""

    place: str
    key: str
    name: str
    amount: int


@dataclass(frozen=True, slots=True)
class OwnList:
    """The list, and the column that names its receipts."""

    by: ListKey
    entries: Sequence[OwnListRow]


def reference_key(reference: str) -> str:
    """The reference as it is compared: without spaces, in capitals."""
    return "".join(reference.split()).upper()


def receipt_key(series: str, number: int) -> str:
    """The receipt number as it is compared. ``series``: template and symbol, the symbol alone, or nothing."""
    return f"{label(series)} {number}"


def read(sheets: Sequence[Sheet]) -> OwnList:
    """The first sheet with a column of amounts beside references or, where there are none, receipts. Raises BadFile."""
    for by in ListKey:
        matching_blocks = blocks(sheets, (by, AMOUNT), (SERIES,))
        if matching_blocks:
            entries = [
                _entry(matching_blocks[0], row, by) for row in matching_blocks[0].rows if not _is_total(row.cells)
            ]
            return OwnList(by, entries)
    fix = vi(
        "add a heading row with «{amount}» and «{reference}» (or «{receipt}», «{series}»)",
        amount=AMOUNT,
        reference=ListKey.REFERENCE,
        receipt=ListKey.RECEIPT,
        series=SERIES,
    )
    raise BadFile(
        "",
        vi(
            "no column «{amount}» beside «{reference}» or «{receipt}»",
            amount=AMOUNT,
            reference=ListKey.REFERENCE,
            receipt=ListKey.RECEIPT,
        ),
        fix,
    )


def _entry(block: Block, row: CellRow, by: ListKey) -> OwnListRow:
    name = written(block.cell(row, by))
    if not name:
        raise BadFile(
            block.place(row, by),
            vi("«{column}» is empty", column=by),
            vi("fill it in, or delete the row; a row of totals says «Cộng»"),
        )
    amount = _dong(block.cell(row, AMOUNT))
    if amount is None:
        raise BadFile(
            block.place(row, AMOUNT),
            vi("«{amount}» is not a number of dong", amount=AMOUNT),
            vi("write it like 150000 or 150.000"),
        )
    if not 0 < amount <= MOST:
        fix = vi("leave the fees only: refunds and adjustments are on sheet Chênh lệch of the table")
        raise BadFile(
            block.place(row, AMOUNT),
            vi("«{amount}» has to be above 0 and at most {most}", amount=AMOUNT, most=MOST),
            fix,
        )
    if by is ListKey.REFERENCE:
        return OwnListRow(block.place(row, by), reference_key(name), name, amount)
    number_parts = _RECEIPT.fullmatch(name)
    if number_parts is None:
        raise BadFile(
            block.place(row, by),
            vi("«{column}» is not a receipt number", column=by),
            vi("write the number, like 00000017"),
        )
    series = number_parts["series"] or written(block.cell(row, SERIES))
    return OwnListRow(
        block.place(row, by), receipt_key(series, int(number_parts["number"])), f"{series} {name}".strip(), amount
    )


def _is_total(cells: Sequence[Cell]) -> bool:
    return any(isinstance(cell, str) and label(cell) in _TOTALS for cell in cells)


def _dong(cell: Cell) -> int | None:
    """The amount in the cell; None where it is no whole number of đồng."""
    if isinstance(cell, bool):
        return None
    if isinstance(cell, int | float):
        return int(cell) if float(cell).is_integer() and abs(cell) < EXACT else None
    if not isinstance(cell, str):
        return None
    text = _CURRENCY.sub("", written(cell)).replace("\N{NO-BREAK SPACE}", " ").strip()
    figure = _AMOUNT.fullmatch(text.removeprefix("-"))
    if figure is None:
        return None
    amount = int(re.sub(r"[., ]", "", figure["whole"]))
    return -amount if text.startswith("-") else amount


# The comparison: receipts that only one of the two has, and amounts that differ.

_LINES: Final = """
SELECT i.number, i.amount, d.reference, i.demand_id || '/' || f.kind AS of_kind,
       ARRAY(SELECT r.series || ' ' || r.number FROM receipt r WHERE r.demand_id = i.demand_id AND r.kind = f.kind
             AND (r.voided_at IS NULL OR r.voided_at > s.computed_at) ORDER BY r.number) AS receipts
FROM settlement_item i JOIN settlement s ON s.id = i.settlement_id LEFT JOIN fee_demand d ON d.id = i.demand_id
LEFT JOIN fee_demand_line f ON f.demand_id = i.demand_id AND f.fee_code = i.fee_code
WHERE i.settlement_id = %s AND i.kind = 'receipt' ORDER BY i.number
"""


class DifferenceSide(StrEnum):
    """How a receipt differs between table and list."""

    ONLY_TABLE = vi("in the table only")
    ONLY_LIST = vi("at the agency only")
    OTHER_AMOUNT = vi("amounts differ")


@dataclass(frozen=True, slots=True)
class TableReceiptLine:
    """A receipt line of the table; đồng. ``receipts``: series and number of its valid receipts (biên lai)."""

    number: int
    amount: int
    reference: str | None
    of_kind: str | None
    """the fees of one kind of one demand, which have one receipt"""
    receipts: Sequence[str]


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of the table that the list has as one receipt."""

    name: str
    keys: frozenset[str]
    numbers: tuple[int, ...]
    amount: int


@dataclass(frozen=True, slots=True)
class TableDifference:
    """A receipt that differs; đồng, 0 where a side does not have it."""

    where: DifferenceSide
    name: str
    table: int
    listed: int
    numbers: tuple[int, ...]
    """lines of the table"""
    places: tuple[str, ...]
    """of the list"""

    @property
    def reason(self) -> str:
        """The reason for disputing its lines."""
        if self.where is DifferenceSide.ONLY_TABLE:
            return vi("not in the agency's list")
        return vi(
            "the agency has {listed} VND, the table {table} VND", listed=grouped(self.listed), table=grouped(self.table)
        )


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison. listed = table - only in the table + only in the list + what amounts differ by."""

    table: int
    listed: int
    same: int
    """how many are the same on both sides"""
    findings: Sequence[TableDifference]

    def of(self, where: DifferenceSide) -> int:
        """By how much differences of this kind move the table's sum to the list's, đồng."""
        return sum(one.listed - one.table for one in self.findings if one.where is where)

    @property
    def disputed(self) -> dict[int, str]:
        """Lines of the table that the list does not confirm → why."""
        return {number: one.reason for one in self.findings for number in one.numbers}


def lines(conn: Connection, settlement_id: str) -> list[TableReceiptLine]:
    """The receipt lines of a table."""
    with conn.cursor(row_factory=class_row(TableReceiptLine)) as cursor:
        return cursor.execute(_LINES, (settlement_id,)).fetchall()


def compared(table: Iterable[TableReceiptLine], own: OwnList) -> Comparison:
    """Compare by sums, for a receipt may be several lines. Raises BadFile for a row that fits several receipts."""
    groups = _groups(table, own.by)
    known: dict[str, set[int]] = {}
    for at, group in enumerate(groups):
        for key in group.keys:
            known.setdefault(key, set()).add(at)
    listed: dict[int | str, list[OwnListRow]] = {}
    for entry in own.entries:
        listed.setdefault(_meant(entry, known), []).append(entry)
    findings = [
        _finding(group, listed.get(at, ()))
        for at, group in enumerate(groups)
        if _listed(listed.get(at, ())) != group.amount
    ]
    findings += [_only_listed(entries) for key, entries in listed.items() if isinstance(key, str)]
    return Comparison(
        table=sum(group.amount for group in groups),
        listed=_listed(own.entries),
        same=len(groups) - sum(one.where is not DifferenceSide.ONLY_LIST for one in findings),
        findings=findings,
    )


def _groups(table: Iterable[TableReceiptLine], by: ListKey) -> list[Group]:
    by_name: dict[str, list[TableReceiptLine]] = {}
    for line in table:
        shared = line.reference if by is ListKey.REFERENCE else line.of_kind
        by_name.setdefault(shared or vi("line {number}", number=line.number), []).append(line)
    return [_group(name, lines_of_group, by) for name, lines_of_group in by_name.items()]


def _group(shared: str, lines_of_group: Sequence[TableReceiptLine], by: ListKey) -> Group:
    first = lines_of_group[0]
    keys: set[str] = set()
    if by is ListKey.REFERENCE:
        name = shared
        keys = {reference_key(first.reference)} if first.reference else set()
    else:
        name = ", ".join(first.receipts) or vi(
            "{reference} (no receipt yet)", reference=first.reference or vi("line {number}", number=first.number)
        )
        for receipt in first.receipts:
            series, _, number = receipt.rpartition(" ")
            keys |= {receipt_key(prefix, int(number)) for prefix in (series, series.rpartition(" ")[2], "")}
    return Group(
        name,
        frozenset(keys),
        tuple(line.number for line in lines_of_group),
        sum(line.amount for line in lines_of_group),
    )


def _meant(entry: OwnListRow, known: dict[str, set[int]]) -> int | str:
    """The number of the group that the entry is for; its key where there is none."""
    groups = known.get(entry.key, set())
    if len(groups) > 1:
        problem = vi("«{name}» may be {groups} receipts of the table", name=entry.name, groups=len(groups))
        raise BadFile(
            entry.place, problem, vi("add column «Series», or use «{reference}»", reference=ListKey.REFERENCE)
        )
    return next(iter(groups), entry.key)


def _listed(entries: Iterable[OwnListRow]) -> int:
    return sum(entry.amount for entry in entries)


def _finding(group: Group, entries: Sequence[OwnListRow]) -> TableDifference:
    where = DifferenceSide.OTHER_AMOUNT if entries else DifferenceSide.ONLY_TABLE
    places = tuple(entry.place for entry in entries)
    return TableDifference(where, group.name, group.amount, _listed(entries), group.numbers, places)


def _only_listed(entries: Sequence[OwnListRow]) -> TableDifference:
    places = tuple(entry.place for entry in entries)
    return TableDifference(DifferenceSide.ONLY_LIST, entries[0].name, 0, _listed(entries), (), places)
