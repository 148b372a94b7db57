"""Bank statements for tests, in every format: invented accounts, invented people. Say only what matters to the test."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, Final

import xlsxwriter

from connectors.sandbox import bank_statements
from connectors.sandbox.bank_statements import CAMT_08, StatementMovement, camt, mt940
from hub.clock import local, now

__all__ = [
    "ACCOUNT",
    "CAMT_08",
    "HEADINGS",
    "StatementDraft",
    "StatementMovement",
    "ago",
    "camt",
    "csv_file",
    "mt940",
    "table",
    "weekday",
    "xlsx",
]

ACCOUNT: Final = "1020304050607"


def ago(days: int) -> date:
    """So many days before today, in Vietnam."""
    return local(now()).date() - timedelta(days=days)


def weekday(day: date) -> bool:
    """The working days of a calendar without holidays."""
    return day.weekday() < 5


@dataclass(frozen=True)
class StatementDraft(bank_statements.StatementText):
    """A statement of yesterday, of an account that had nothing."""

    moves: Sequence[StatementMovement] = ()
    opening: int = 0
    day: date = field(default_factory=lambda: ago(1))
    first: date | None = None
    account: str = ACCOUNT


HEADINGS: Final = ("Ngày giao dịch", "Số tham chiếu", "Ghi nợ", "Ghi có", "Số dư", "Nội dung")


def table(draft: StatementDraft, *, thousands: str = ".", total: bool = True) -> list[list[str]]:
    """The rows of bank-a's table."""
    rows = [
        ["SAO KÊ TÀI KHOẢN"],
        ["Số tài khoản:", draft.account],
        ["Số dư đầu kỳ", _grouped(draft.opening, thousands)],
        [],
        list(HEADINGS),
    ]
    balance = debits = credits_ = 0
    balance = draft.opening
    for move in draft.moves:
        balance += move.amount
        debits += max(-move.amount, 0)
        credits_ += max(move.amount, 0)
        debit = _grouped(-move.amount, thousands) if move.amount < 0 else ""
        credit = _grouped(move.amount, thousands) if move.amount >= 0 else ""
        day = f"{move.day or draft.day:%d/%m/%Y}"
        rows.append([day, move.ref or "", debit, credit, _grouped(balance, thousands), move.text])
    if total:
        rows.append(["Tổng cộng", "", _grouped(debits, thousands), _grouped(credits_, thousands), "", ""])
    return [*rows, ["Số dư cuối kỳ", _grouped(draft.end, thousands)]]


def _grouped(amount: int, thousands: str) -> str:
    return f"{amount:,}".replace(",", thousands)


def csv_file(rows: Sequence[Sequence[str]], *, delimiter: str = ";") -> bytes:
    """The rows as bank-a writes them, with a byte-order mark."""
    lines = [delimiter.join(_quoted(cell, delimiter) for cell in row) for row in rows]
    return ("\ufeff" + "\r\n".join(lines) + "\r\n").encode()


def _quoted(cell: str, delimiter: str) -> str:
    if any(sign in cell for sign in (delimiter, '"', "\n", "\r")):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def xlsx(rows: Sequence[Sequence[Any]]) -> bytes:
    """The rows as a workbook with one sheet: days and numbers as what they are."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer) as book:
        sheet, as_day = book.add_worksheet("Sao kê"), book.add_format({"num_format": "dd/mm/yyyy"})
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(number, column, cell, as_day)
                else:
                    sheet.write(number, column, cell)
    return buffer.getvalue()
