"""Statements as tables, CSV and XLSX, by what the catalogue says of a bank's tables."""

import io
from datetime import date
from typing import Final

import xlsxwriter

from config.statements import Table
from connectors.sandbox.bank_statements import StatementMovement, StatementText

Row = list[str]
_BYTE_ORDER_MARK: Final = "\ufeff"


def rows(told: StatementText, profile: Table) -> list[Row]:
    """The statement with what stands around its lines, under the bank's own labels."""
    days = [told.first or told.day, told.day]
    around: list[list[str | None]] = [
        [profile.account, told.account],
        [profile.period, *(_day(day, profile) for day in days)],
        [profile.opening, _money(told.opening, profile)],
    ]
    made = [["SAO KÊ TÀI KHOẢN"], *(list(filter(None, row)) for row in around if row[0]), []]
    made.append([heading for _, heading in _columns(profile)])
    made += _lines(told, profile)
    if profile.total:
        made.append(_total(told, profile))
    return [*made, [profile.closing, _money(told.end, profile)]] if profile.closing else made


def csv(told: StatementText, profile: Table) -> bytes:
    lines = [profile.delimiter.join(_quoted(cell, profile.delimiter) for cell in row) for row in rows(told, profile)]
    mark = _BYTE_ORDER_MARK if profile.encoding == "utf-8" else ""
    return (mark + "\r\n".join(lines) + "\r\n").encode(profile.encoding)


def xlsx(told: StatementText, profile: Table) -> bytes:
    """A workbook of texts, as internet banking makes them."""
    made = io.BytesIO()
    with xlsxwriter.Workbook(made, {"in_memory": True}) as book:
        sheet = book.add_worksheet(profile.sheet or "Sao kê")
        for number, row in enumerate(rows(told, profile)):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)
    return made.getvalue()


def _columns(profile: Table) -> list[tuple[str, str]]:
    """What stands in each column, and its heading; the texts come last."""
    names = ("booking_date", "value_date", "bank_ref", "e2e", "amount", "direction", "debit", "credit", "balance")
    named = [(name, heading) for name in (*names, "currency") if (heading := getattr(profile.columns, name))]
    return [*named, *((f"text{number}", heading) for number, heading in enumerate(profile.columns.text))]


def _lines(told: StatementText, profile: Table) -> list[Row]:
    balance, made = told.opening, []
    for move in told.moves:
        balance += move.amount
        cells = _cells(move, balance, told, profile)
        made.append([cells.get(name, "") for name, _ in _columns(profile)])
    return made[::-1] if profile.newest_first else made


def _cells(move: StatementMovement, balance: int, told: StatementText, profile: Table) -> dict[str, str]:
    day, is_debit = move.day or told.day, move.amount < 0
    signed = profile.columns.direction is None
    return {
        "booking_date": _day(day, profile),
        "value_date": _day(move.value or day, profile),
        "bank_ref": move.ref or "",
        "e2e": move.e2e or "",
        "amount": _money(move.amount if signed else abs(move.amount), profile),
        "direction": profile.debit_words[0] if is_debit else profile.credit_words[0],
        "debit": _money(move.amount * _debit_sign(profile), profile) if is_debit else "",
        "credit": "" if is_debit else _money(move.amount, profile),
        "balance": _money(balance, profile),
        "currency": told.currency,
        "text0": move.text,
    }


def _debit_sign(profile: Table) -> int:
    return 1 if profile.negative_debits else -1


def _total(told: StatementText, profile: Table) -> Row:
    amounts = [move.amount for move in told.moves]
    sums = {
        "debit": _money(_debit_sign(profile) * sum(amount for amount in amounts if amount < 0), profile),
        "credit": _money(sum(amount for amount in amounts if amount > 0), profile),
    }
    _, *cells = [sums.get(name, "") for name, _ in _columns(profile)]
    return [str(profile.total), *cells]


def _money(amount: int, profile: Table) -> str:
    return f"{amount:,}".replace(",", profile.thousands)


def _day(day: date, profile: Table) -> str:
    return day.strftime(profile.dates[0])


def _quoted(cell: str, delimiter: str) -> str:
    if any(sign in cell for sign in (delimiter, '"', "\n", "\r")):
        return '"' + cell.replace('"', '""') + '"'
    return cell
