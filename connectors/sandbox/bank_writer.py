"""Statements of a sandbox bank: made of its own book, in the formats of its profile, right or wrong in one way."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any, Final

from config.catalogue import Bank
from connectors.clock import now
from connectors.sandbox import bank_statements
from connectors.sandbox.bank_behaviours import STATEMENT_BEHAVIOURS, StatementFault
from connectors.sandbox.bank_files import FileService
from connectors.sandbox.bank_forms import LaidOut, StatementForm
from connectors.sandbox.bank_ledger import AccountBook, LedgerMovement
from connectors.sandbox.bank_notices import LOCAL
from connectors.sandbox.bank_server import BankServer, CannotDo
from connectors.sandbox.bank_statements import StatementMovement, StatementText

Writer = Callable[[StatementText, Any], bytes]
WRITERS: Final[Mapping[str, tuple[str, Writer]]] = {
    "camt": ("xml", lambda told, _: bank_statements.camt(told)),
    "mt940": ("sta", lambda told, _: bank_statements.mt940(told)),
    "csv": ("csv", bank_statements.csv),
    "xlsx": ("xlsx", bank_statements.xlsx),
}
"""format → the end of its files' names, and how it is written"""
NOT_OURS: Final = "0000000000001"
_OF_THE_LAST: Final = frozenset({StatementFault.OTHER_CONTENT, StatementFault.LINE_GONE, StatementFault.AGAIN})


class StatementWriter:
    """Lays out one bank's statements."""

    def __init__(self, bank: Bank, office: BankServer, files: FileService) -> None:
        self._bank = bank
        self._office = office
        self._files = files

    async def lay_out(self, wanted: StatementForm) -> LaidOut:
        """Make the statement, keep that it was made (if it is right), and lay it out. Raises CannotDo, OSError."""
        if not self._bank.accounts:
            raise CannotDo(f"{self._bank.code} is no bank of ours: it writes no statements")
        if wanted.fate not in {fate.fault for fate in STATEMENT_BEHAVIOURS}:
            raise CannotDo(f"no statement has the fate {wanted.fate}")
        book, fault = self._office.book(wanted.account), StatementFault(wanted.fate)
        if fault in _OF_THE_LAST:
            return self._last_again(book, fault)
        made = self._made(book, wanted)
        if fault in (StatementFault.NONE, StatementFault.WITHHELD):
            await book.keep(made)
        if fault is not StatementFault.WITHHELD:
            self._write(
                made.name if fault is StatementFault.NONE else f"{fault}-{made.name}", made, book.told(made), fault
            )
        return _laid_out(made.name, book.told(made))

    def release(self) -> list[str]:
        """Lay out what was withheld; the names."""
        books = [self._office.book(account) for account in self._office.accounts]
        missing = [(book, made) for book in books for made in book.statements if not self._files.has(made.name)]
        for book, made in missing:
            self._write(made.name, made, book.told(made), StatementFault.NONE)
        return [made.name for _, made in missing]

    def _made(self, book: AccountBook, wanted: StatementForm) -> LedgerMovement:
        formats = [name for name in WRITERS if self._profile(name) is not None]
        format_ = wanted.format or next(iter(formats), "")
        if format_ not in formats:
            raise CannotDo(f"{self._bank.code} writes {', '.join(formats) or 'no statements'}, and not {format_}")
        day = wanted.day or now().astimezone(LOCAL).date()
        return book.made(day, _name(book, day, format_), format_)

    def _last_again(self, book: AccountBook, fault: StatementFault) -> LaidOut:
        if not book.statements:
            raise CannotDo("no statement has been made yet")
        made = book.statements[-1]
        name = f"{fault}-{len(book.statements):03}-{made.name}"
        if fault is StatementFault.AGAIN:
            self._files.lay_out(name, self._files.body(made.name))
        else:
            self._write(name, made, book.told(made), fault)
        return _laid_out(name, book.told(made))

    def _write(self, name: str, made: LedgerMovement, told: StatementText, fault: StatementFault) -> None:
        _, write = WRITERS[made.format]
        body = write(_wrong(told, fault), self._profile(made.format))
        self._files.lay_out(name, body[: len(body) * 3 // 5] if fault is StatementFault.CUT else body)

    def _profile(self, format_: str) -> Any:
        return getattr(self._bank.statements, format_)


def _name(book: AccountBook, day: date, format_: str) -> str:
    ending, _ = WRITERS[format_]
    return f"{book.account}-{day:%Y%m%d}-{len(book.statements) + 1:03}.{ending}"


def _wrong(told: StatementText, fault: StatementFault) -> StatementText:
    """The statement with what is wrong with it."""
    changes: Mapping[StatementFault, Mapping[str, Any]] = {
        StatementFault.UNBALANCED: {"closing": told.end + 1},
        StatementFault.OTHER_OPENING: {"opening": told.opening + 1_000},
        StatementFault.OTHER_CONTENT: {
            "moves": [*told.moves, StatementMovement(1_000, "THEM MOT DONG", ref="FT0000000000001")]
        },
        StatementFault.LINE_GONE: {"moves": told.moves[1:]},
        StatementFault.OTHER_ACCOUNT: {"account": NOT_OURS},
        StatementFault.OTHER_CURRENCY: {"currency": "USD"},
    }
    return replace(told, **changes.get(fault, {}))


def _laid_out(name: str, told: StatementText) -> LaidOut:
    return LaidOut(name=name, opening=told.opening, closing=told.end, lines=len(told.moves))
