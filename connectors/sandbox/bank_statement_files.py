"""Statement files of a sandbox bank: written from its ledger in its profile's formats, listed and served over HTTP.

A statement may be wrong in one way (StatementFault). Files are listed in the order in which they were added.
"""

import hashlib
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from config.catalogue import Bank
from connectors.clock import now
from connectors.sandbox import bank_statements
from connectors.sandbox.bank_behaviours import STATEMENT_BEHAVIOURS, StatementFault
from connectors.sandbox.bank_ledger import AccountBook, LedgerStatement
from connectors.sandbox.bank_notices import LOCAL
from connectors.sandbox.bank_server import BankServer, CannotDo, LaidOut, StatementForm
from connectors.sandbox.bank_statements import StatementMovement, StatementText
from connectors.sandbox.server import PREFIX

PATH: Final = "/statements"


class FileService:
    """The files of one bank, kept in a folder of its own. ``token``: what callers must show, if anything."""

    def __init__(self, bank: Bank, data: Path, token: str | None) -> None:
        self._folder = data / bank.counterparty
        self._folder.mkdir(parents=True, exist_ok=True)
        self._token = token
        self._names = OrderedDict.fromkeys(path.name for path in sorted(self._folder.iterdir(), key=_laid_out_at))
        self.routes = [
            Route(f"{PREFIX}/files/{{name}}", self._lay_out, methods=["PUT"]),
            Route(PATH, self._list, methods=["GET"]),
            Route(f"{PATH}/{{name}}", self._serve, methods=["GET"]),
        ]

    def has(self, name: str) -> bool:
        """Whether a file of this name lies there."""
        return name in self._names

    def body(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def lay_out(self, name: str, body: bytes) -> None:
        """Put ``body`` where the hub finds it."""
        (self._folder / Path(name).name).write_bytes(body)
        self._names[Path(name).name] = None

    async def _lay_out(self, request: Request) -> Response:
        self.lay_out(request.path_params["name"], await request.body())
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _list(self, request: Request) -> Response:
        if not self._may(request):
            return PlainTextResponse("unknown token\n", HTTPStatus.UNAUTHORIZED)
        after, limit = int(request.query_params.get("after") or 0), int(request.query_params.get("limit") or 100)
        names = list(self._names)[after : after + limit]
        files = [self._described(name) for name in names]
        return JSONResponse({"files": files, "cursor": str(after + len(names))})

    async def _serve(self, request: Request) -> Response:
        if not self._may(request):
            return PlainTextResponse("unknown token\n", HTTPStatus.UNAUTHORIZED)
        name = request.path_params["name"]
        if name not in self._names:
            return PlainTextResponse("no such file\n", HTTPStatus.NOT_FOUND)
        return Response((self._folder / name).read_bytes(), media_type="application/octet-stream")

    def _described(self, name: str) -> dict[str, str | int]:
        body = (self._folder / name).read_bytes()
        return {"name": name, "size": len(body), "sha256": hashlib.sha256(body).hexdigest()}

    def _may(self, request: Request) -> bool:
        shown = request.headers.get("authorization", "")
        return self._token is None or secrets.compare_digest(shown.encode(), f"Bearer {self._token}".encode())


def _laid_out_at(path: Path) -> int:
    return path.stat().st_mtime_ns


Writer = Callable[[StatementText, Any], bytes]
WRITERS: Final[Mapping[str, tuple[str, Writer]]] = {
    "camt": ("xml", lambda text, _: bank_statements.camt(text)),
    "mt940": ("sta", lambda text, _: bank_statements.mt940(text)),
    "csv": ("csv", bank_statements.csv),
    "xlsx": ("xlsx", bank_statements.xlsx),
}
"""format → the end of its files' names, and how it is written"""
NOT_OURS: Final = "0000000000001"
_OF_THE_LAST: Final = frozenset({StatementFault.OTHER_CONTENT, StatementFault.LINE_GONE, StatementFault.AGAIN})


class StatementWriter:
    """Lays out one bank's statements."""

    def __init__(self, bank: Bank, server: BankServer, files: FileService) -> None:
        self._bank = bank
        self._server = server
        self._files = files

    async def lay_out(self, form: StatementForm) -> LaidOut:
        """Make the statement, keep that it was made (if it is right), and lay it out. Raises CannotDo, OSError."""
        if not self._bank.accounts:
            raise CannotDo(f"{self._bank.code} is no bank of ours: it writes no statements")
        if form.behaviour not in {behaviour.fault for behaviour in STATEMENT_BEHAVIOURS}:
            raise CannotDo(f"no statement has the behaviour {form.behaviour}")
        book, fault = self._server.book(form.account), StatementFault(form.behaviour)
        if fault in _OF_THE_LAST:
            return self._last_again(book, fault)
        statement = self._next_statement(book, form)
        if fault in (StatementFault.NONE, StatementFault.WITHHELD):
            await book.append(statement)
        if fault is not StatementFault.WITHHELD:
            self._write(
                statement.name if fault is StatementFault.NONE else f"{fault}-{statement.name}",
                statement,
                book.text_of(statement),
                fault,
            )
        return _laid_out(statement.name, book.text_of(statement))

    def release(self) -> list[str]:
        """Lay out what was withheld; the names."""
        books = [self._server.book(account) for account in self._server.accounts]
        missing = [
            (book, statement) for book in books for statement in book.statements if not self._files.has(statement.name)
        ]
        for book, statement in missing:
            self._write(statement.name, statement, book.text_of(statement), StatementFault.NONE)
        return [statement.name for _, statement in missing]

    def _next_statement(self, book: AccountBook, form: StatementForm) -> LedgerStatement:
        formats = [name for name in WRITERS if self._profile(name) is not None]
        format_ = form.format or next(iter(formats), "")
        if format_ not in formats:
            raise CannotDo(f"{self._bank.code} writes {', '.join(formats) or 'no statements'}, and not {format_}")
        day = form.day or now().astimezone(LOCAL).date()
        return book.next_statement(day, _name(book, day, format_), format_)

    def _last_again(self, book: AccountBook, fault: StatementFault) -> LaidOut:
        if not book.statements:
            raise CannotDo("no statement has been made yet")
        statement = book.statements[-1]
        name = f"{fault}-{len(book.statements):03}-{statement.name}"
        if fault is StatementFault.AGAIN:
            self._files.lay_out(name, self._files.body(statement.name))
        else:
            self._write(name, statement, book.text_of(statement), fault)
        return _laid_out(name, book.text_of(statement))

    def _write(self, name: str, statement: LedgerStatement, text: StatementText, fault: StatementFault) -> None:
        _, write = WRITERS[statement.format]
        body = write(_wrong(text, fault), self._profile(statement.format))
        self._files.lay_out(name, body[: len(body) * 3 // 5] if fault is StatementFault.CUT else body)

    def _profile(self, format_: str) -> Any:
        return getattr(self._bank.statements, format_)


def _name(book: AccountBook, day: date, format_: str) -> str:
    ending, _ = WRITERS[format_]
    return f"{book.account}-{day:%Y%m%d}-{len(book.statements) + 1:03}.{ending}"


def _wrong(text: StatementText, fault: StatementFault) -> StatementText:
    """The statement with what is wrong with it."""
    changes: Mapping[StatementFault, Mapping[str, Any]] = {
        StatementFault.UNBALANCED: {"closing": text.end + 1},
        StatementFault.OTHER_OPENING: {"opening": text.opening + 1_000},
        StatementFault.OTHER_CONTENT: {
            "moves": [*text.moves, StatementMovement(1_000, "THEM MOT DONG", ref="FT0000000000001")]
        },
        StatementFault.LINE_GONE: {"moves": text.moves[1:]},
        StatementFault.OTHER_ACCOUNT: {"account": NOT_OURS},
        StatementFault.OTHER_CURRENCY: {"currency": "USD"},
    }
    return replace(text, **changes.get(fault, {}))


def _laid_out(name: str, text: StatementText) -> LaidOut:
    return LaidOut(name=name, opening=text.opening, closing=text.end, lines=len(text.moves))
