"""A line of a bank's table: a row that has a day, and what moved by it."""

from typing import Final

from pydantic import ValidationError

from config.statements import Table
from connectors.banks.statements.cells import is_empty, money, when
from connectors.banks.statements.table_heading import VND, ColumnMap
from schemas.cells import CellRow, label, written
from schemas.statement import StatementCode, StatementEntry, UnreadableFile, misfit, reference

_AMOUNTS: Final = ("amount", "debit", "credit")


def has_day(row: CellRow, columns: ColumnMap, profile: Table) -> bool:
    """Whether the row has a day. What people wrote in a line is never taken for a label."""
    column = columns["booking_date"]
    try:
        when(column.cell(row), profile, column.place(row))
    except UnreadableFile:
        return False
    return True


def moves(row: CellRow, columns: ColumnMap, profile: Table) -> bool:
    """Whether the row holds an amount that is not zero. Raises UnreadableFile."""
    return any(money(columns[name].cell(row), profile, columns[name].place(row)) for name in amounts(row, columns))


def amounts(row: CellRow, columns: ColumnMap) -> list[str]:
    """The fields of the row that hold an amount which may be one of a movement."""
    names = [name for name in columns if name in _AMOUNTS or name.startswith("charge")]
    return [name for name in names if not is_empty(columns[name].cell(row))]


def is_continued(row: CellRow, columns: ColumnMap) -> bool:
    """Whether all that the row holds is text: that of the line above goes on in it."""
    texts = {column.number for name, column in columns.items() if name.startswith("text")}
    filled = {number for number, cell in enumerate(row.cells) if written(cell)}
    return bool(filled) and filled <= texts


def text_of(row: CellRow, columns: ColumnMap) -> str:
    """What is written in the columns of text."""
    texts = (written(column.cell(row)) for name, column in columns.items() if name.startswith("text"))
    return "\n".join(filter(None, texts))


def entry(row: CellRow, columns: ColumnMap, profile: Table) -> StatementEntry:
    """The row as a line. Raises UnreadableFile."""
    if len(row.cells) <= max(column.number for column in columns.values()):
        sentence = "a row breaks off, or is neither a line nor anything that is known"
        raise UnreadableFile(StatementCode.UNPARSABLE, sentence, row.number)
    currency = written(columns["currency"].cell(row)) if "currency" in columns else ""
    if currency not in ("", VND):
        raise UnreadableFile(StatementCode.WRONG_CURRENCY, "a line is not in VND", row.number)
    day, valued, balance = columns["booking_date"], columns.get("value_date"), columns.get("balance")
    booked = when(day.cell(row), profile, day.place(row))
    amount, takes_back = _movement(row, columns, profile)
    try:
        return StatementEntry(
            line=row.number,
            booking_date=booked,
            value_date=when(valued.cell(row), profile, valued.place(row))
            if valued and written(valued.cell(row))
            else booked,
            amount=amount,
            bank_ref=_reference(row, columns, "bank_ref"),
            e2e=_reference(row, columns, "e2e"),
            text=text_of(row, columns),
            reversal=takes_back,
            balance=money(balance.cell(row), profile, balance.place(row))
            if balance and not is_empty(balance.cell(row))
            else None,
        )
    except ValidationError as error:
        raise misfit(error, row.number) from None


def _reference(row: CellRow, columns: ColumnMap, name: str) -> str | None:
    return reference(written(columns[name].cell(row))) if name in columns else None


def _movement(row: CellRow, columns: ColumnMap, profile: Table) -> tuple[int, bool]:
    """What the account gained, and whether the line takes an earlier one back: by the bank's convention."""
    amounts_by_field = {
        name: money(columns[name].cell(row), profile, columns[name].place(row)) for name in amounts(row, columns)
    }
    charged = -sum(amount for name, amount in amounts_by_field.items() if name.startswith("charge"))
    if profile.negative_debits:
        charged = -charged
    main = {name: amount for name, amount in amounts_by_field.items() if name in _AMOUNTS}
    moved = {name: amount for name, amount in main.items() if amount}
    if len(moved) > 1 or not amounts_by_field or ("amount" in columns and not main):
        raise UnreadableFile(StatementCode.UNPARSABLE, f"a line has no amount, or two ({_names(columns)})", row.number)
    name, amount = next(iter(moved.items()), ("credit", 0))
    if "direction" in columns:
        if amount < 0:
            raise columns[name].place(row).refused("an amount has a sign where a word says the direction")
        return (-amount if _is_debit(row, columns, profile) else amount) + charged, False
    if name == "debit":
        amount = amount if profile.negative_debits else -amount
        return amount + charged, amount > 0
    return amount + charged, name == "credit" and amount < 0


def _names(columns: ColumnMap) -> str:
    return ", ".join(repr(columns[name].name) for name in _AMOUNTS if name in columns)


def _is_debit(row: CellRow, columns: ColumnMap, profile: Table) -> bool:
    column = columns["direction"]
    word = label(written(column.cell(row)))
    if word in map(label, profile.debit_words):
        return True
    if word in map(label, profile.credit_words):
        return False
    raise column.place(row).refused("a line is neither debit nor credit")
