"""The table as a workbook (XLSX): the same table gives the same bytes. Amounts are numbers, codes text, days dates.

Loads XlsxWriter and calamine, so it is imported only where a workbook is written or compared.
"""

import io
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import xlsxwriter

from hub.clock import local
from hub.fees.settlements.department_files import ROWS
from hub.locale import vi
from schemas.cells import Cell
from schemas.settlement import SettlementTable, TableLine
from schemas.statement import UnreadableFile
from schemas.workbook import Workbook

TITLE: Final = vi("Summary of fees and charges collected")
KINDS: Final[Mapping[str, str]] = {"phi": vi("Fee"), "le_phi": vi("Charge")}
LINES: Final[Mapping[str, str]] = {
    "receipt": vi("Receipts of the month"),
    "refund": vi("Refunds"),
    "adjustment": vi("Adjustment"),
    "carried": vi("Carried forward from earlier periods"),
}
SUMS: Final[Mapping[str, str]] = {
    "carried": vi("Carried forward from earlier periods"),
    "receipts": vi("Collected in the month"),
    "refunds": vi("Refunds"),
    "adjustments": vi("Adjustment"),
    "retained": vi("May be retained"),
    "net": vi("To transfer"),
}
DIFFERENCES: Final = vi("Differences")
SOURCE: Final = vi("Source")
TABLE_ID: Final = vi("Table identifier")
DIGEST: Final = vi("SHA-256 of the table (JSON, RFC 8785)")
NUMBER: Final = vi("Lines")
REASON: Final = vi("Reason")
ANSWER: Final = vi(
    "The agency's answer: write the numbers of disputed lines (column Line number of the"
    " detail sheet) and the reason. Left empty it confirms the whole table."
)
RULE: Final = vi(
    "The retained share follows the rate of each fee (in 1/10,000), rounded down to the dong"
    " on the agency's total, distributed by the largest remainder; charges are not retained."
)


def month_label(name: str) -> str:
    """tháng 10 năm 2026; January and February with a leading zero, as in official texts."""
    year, number = name.split("-")
    return vi("month {number} of {year}", number=number if number <= "02" else int(number), year=year)


def money(amount: int) -> str:
    """1.250.000, or -1.250.000."""
    return f"{amount:,}".replace(",", ".")


_FONT: Final = {"font_name": "Times New Roman", "font_size": 11}
_FORMATS: Final[dict[str, dict[str, Any]]] = {
    "text": {"text_wrap": True, "valign": "top", "border": 1, "num_format": "@"},
    "number": {"valign": "top", "border": 1, "num_format": "0"},
    "money": {"valign": "top", "border": 1, "num_format": "#,##0;[Red]-#,##0"},
    "day": {"valign": "top", "border": 1, "num_format": "dd/mm/yyyy"},
    "head": {
        "bold": True,
        "text_wrap": True,
        "align": "center",
        "valign": "vcenter",
        "border": 1,
        "bg_color": "#E7E6E6",
    },
    "total": {"bold": True, "border": 1, "num_format": "#,##0;[Red]-#,##0"},
    "total_text": {"bold": True, "border": 1},
    "title": {"bold": True, "font_size": 14, "align": "center"},
    "under": {"align": "center", "italic": True},
    "office": {"bold": True},
    "plain": {"text_wrap": True, "valign": "top"},
    "sign": {"bold": True, "align": "center"},
}
_SUMMARY: Final = (
    ("TT", 5), (vi("Code"), 14), (vi("Fee item"), 38), (vi("Type"), 8), (vi("Dossiers"), 9),
    *((label, 17) for label in SUMS.values()),
)  # fmt: skip
_DETAIL: Final = (
    (vi("Line number"), 9), (vi("Kind of line"), 20), (vi("Day"), 12), (vi("Fee code"), 16),
    (vi("Payment reference"), 18), (vi("Dossier code"), 26),
    (vi("Amount"), 17), (vi("Entry number"), 12), (vi("Original line"), 14),
)  # fmt: skip
_MONEY: Final = 6
"""the column of the amount in the detail"""
_ANSWERS: Final = 20
"""rows with a border for the answer; those below them are read as well"""


class _Book:
    """A workbook that is being written."""

    def __init__(self, table: SettlementTable) -> None:
        self.buffer = io.BytesIO()
        self.book = xlsxwriter.Workbook(self.buffer, {"in_memory": True, "strings_to_formulas": False})
        self.book.set_properties(
            {
                "title": f"{TITLE} {month_label(table.month)}",
                "subject": table.department_name,
                "created": local(table.closed_at).replace(tzinfo=None),  # the one moment in the file: it never differs
            }
        )
        self.formats = {name: self.book.add_format(_FONT | own) for name, own in _FORMATS.items()}

    def sheet(self, name: str, columns: Sequence[tuple[str, int]], head: int | None = None) -> Any:
        """A sheet of A4 across, as wide as the page; ``head``: the row of its heading, repeated on every page."""
        sheet = self.book.add_worksheet(name)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.set_margins(left=0.5, right=0.5, top=0.6, bottom=0.6)
        sheet.fit_to_pages(1, 0)
        sheet.set_footer("&C&P/&N")
        for at, (label, width) in enumerate(columns):
            sheet.set_column(at, at, width)
            if head is not None:
                sheet.write_string(head, at, label, self.formats["head"])
        if head is not None:
            sheet.repeat_rows(head)
            sheet.freeze_panes(head + 1, 0)
        return sheet

    def close(self) -> bytes:
        self.book.close()
        return self.buffer.getvalue()


def written(table: SettlementTable, sha256: str, centre: str) -> bytes:
    """The workbook of ``table``. ``sha256``: of its canonical JSON, by which the two are held together."""
    book = _Book(table)
    _summary(book, table, centre)
    _lines(book, vi("Detail"), table.lines)
    _differences(book, table)
    _source(book, table, sha256)
    return book.close()


def cells(body: bytes) -> list[tuple[str, list[list[Cell]]]]:
    """The cells of every sheet, without their formats. Raises ValueError for what is no workbook."""
    try:
        with Workbook(body, formulas=True) as book:
            return [(name, [list(row.cells) for row in book.rows(name, ROWS)]) for name in book.names]
    except UnreadableFile as error:
        raise ValueError(error.sentence) from None


def _summary(book: _Book, table: SettlementTable, centre: str) -> None:
    head, last = 5, len(_SUMMARY) - 1
    sheet, formats = book.sheet(vi("Summary"), _SUMMARY, head), book.formats
    sheet.write_string(0, 0, centre.upper(), formats["office"])
    sheet.merge_range(2, 0, 2, last, TITLE.upper(), formats["title"])
    under = vi(
        "{month}; agency: {department_name}; unit: dong",
        month=month_label(table.month).capitalize(),
        department_name=table.department_name,
    )
    sheet.merge_range(3, 0, 3, last, under, formats["under"])
    for at, fee in enumerate(table.fees):
        row = head + 1 + at
        sheet.write_number(row, 0, at + 1, formats["number"])
        for column, text in enumerate((fee.fee_code, fee.title, KINDS[fee.kind]), start=1):
            sheet.write_string(row, column, text, formats["text"])
        sheet.write_number(row, 4, fee.count, formats["money"])
        for column, name in enumerate(SUMS, start=5):
            if name == "net":
                formula = f"=F{row + 1}+G{row + 1}+H{row + 1}+I{row + 1}-J{row + 1}"
                sheet.write_formula(row, column, formula, formats["money"], fee.net)
            else:
                sheet.write_number(row, column, getattr(fee, name), formats["money"])
    total = head + 1 + len(table.fees)
    sheet.merge_range(total, 0, total, 3, vi("Sum"), formats["total_text"])
    sums = (sum(fee.count for fee in table.fees), table.opening, table.receipts, table.refunds, table.adjustments,
            table.retained, table.net)  # fmt: skip
    for column, amount in enumerate(sums, start=4):
        _sum(sheet, formats, total, column, head + 1, amount)
    sheet.merge_range(total + 2, 0, total + 2, last, RULE, formats["plain"])
    sheet.merge_range(total + 4, 1, total + 4, 4, vi("Made by (signature)"), formats["sign"])
    sheet.merge_range(total + 4, 7, total + 4, last, vi("Head of the unit"), formats["sign"])


def _lines(book: _Book, name: str, lines: Sequence[TableLine], first: int = 0) -> Any:
    """Lines under their heading, with their sum."""
    sheet, formats = book.sheet(name, _DETAIL, first), book.formats
    for row, line in enumerate(lines, start=first + 1):
        sheet.write_number(row, 0, line.number, formats["number"])
        sheet.write_string(row, 1, LINES[line.kind], formats["text"])
        sheet.write_datetime(row, 2, date.fromisoformat(line.day), formats["day"])
        for column, text in ((3, line.fee_code), (4, line.reference), (5, line.dossier_code), (8, line.original)):
            sheet.write_string(row, column, text or "", formats["text"])
        sheet.write_number(row, _MONEY, line.amount, formats["money"])
        sheet.write_number(row, 7, line.entry, formats["number"])
    total = first + 1 + len(lines)
    sheet.merge_range(total, 0, total, _MONEY - 1, vi("Sum"), formats["total_text"])
    _sum(sheet, formats, total, _MONEY, first + 1, sum(line.amount for line in lines))
    if lines:
        sheet.autofilter(first, 0, total - 1, len(_DETAIL) - 1)
    return sheet


def _differences(book: _Book, table: SettlementTable) -> None:
    """Lines that are no receipts of this month, and open exceptions."""
    lines = [line for line in table.lines if line.kind != "receipt"]
    sheet, formats, row = _lines(book, DIFFERENCES, lines), book.formats, len(lines) + 4
    for column, label in enumerate((vi("Exception code"), vi("Open exceptions"), vi("Amount concerned"))):
        sheet.write_string(row, column, label, formats["head"])
    for at, exception in enumerate(table.open_exceptions, start=row + 1):
        sheet.write_string(at, 0, exception.code, formats["text"])
        sheet.write_number(at, 1, exception.count, formats["money"])
        sheet.write_number(at, 2, exception.at_risk, formats["money"])
    _answer(sheet, formats, row + len(table.open_exceptions) + 3)


def _answer(sheet: Any, formats: Any, row: int) -> None:
    """The rows in which the department disputes lines; the last on the sheet, so that more can follow.

    answer_files reads them.
    """
    last = len(_DETAIL) - 1
    sheet.merge_range(row, 0, row, last, ANSWER, formats["plain"])
    for at in range(row + 1, row + 2 + _ANSWERS):
        format_ = formats["head" if at == row + 1 else "text"]
        sheet.write_string(at, 0, NUMBER if at == row + 1 else "", format_)
        sheet.merge_range(at, 1, at, last, REASON if at == row + 1 else "", format_)


def _source(book: _Book, table: SettlementTable, sha256: str) -> None:
    """The table's digest, checkpoint and rule, by which the workbook can be checked."""
    sheet, formats = book.sheet(SOURCE, (("", 34), ("", 90))), book.formats
    facts = (
        (TABLE_ID, table.settlement_id),
        (vi("Month"), table.month),
        (vi("Agency"), f"{table.department} · {table.department_name}"),
        (vi("Made at"), f"{local(table.closed_at):%d/%m/%Y %H:%M:%S %z}"),
        (DIGEST, sha256),
        (vi("Root of the ledger (checkpoint)"), table.book),
        (vi("Last entry below that root"), str(table.last_entry)),
        (vi("How the retained share is computed"), RULE),
        (
            vi("Check"),
            vi("hub fee verify FILE: the Centre's signature on the JSON table, the totals, and the chain of evidence."),
        ),
    )
    for row, (label, value) in enumerate(facts):
        sheet.write_string(row, 0, label, formats["head"])
        sheet.write_string(row, 1, value, formats["text"])


def _sum(sheet: Any, formats: Any, row: int, column: int, first: int, amount: int) -> None:
    """The sum of the rows above, as a formula with its value, for readers that do not calculate."""
    if row == first:
        sheet.write_number(row, column, 0, formats["total"])
        return
    letter = chr(ord("A") + column)
    sheet.write_formula(row, column, f"=SUM({letter}{first + 1}:{letter}{row})", formats["total"], amount)
