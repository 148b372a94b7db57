"""Bank statements of a sandbox bank: camt (ISO 20022), MT940 (SWIFT), and tables as CSV and XLSX.

They are written from its ledger in its profile's formats, listed in the order in which they were added, and served over
HTTP. A statement may be wrong in one way (StatementFault).
"""

import hashlib
import io
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, Self
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from config.catalogue import Bank
from config.statements import Table
from connectors.clock import now
from connectors.sandbox.bank_behaviours import STATEMENT_BEHAVIOURS, StatementFault
from connectors.sandbox.bank_ledger import AccountBook, LedgerStatement
from connectors.sandbox.bank_notices import LOCAL
from connectors.sandbox.bank_server import BankServer, CannotDo, LaidOut, StatementForm
from connectors.sandbox.server import PREFIX

CAMT_08: Final = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


@dataclass(frozen=True)
class StatementMovement:
    """A movement; ``details`` are amounts and texts of what it is made of."""

    amount: int
    text: str = "NOP PHI"
    day: date | None = None
    value: date | None = None
    ref: str | None = None
    e2e: str | None = None
    standing: str = "BOOK"
    reversal: bool = False
    details: tuple[tuple[int | None, str], ...] = ()


@dataclass(frozen=True)
class StatementText:
    """A statement as a bank tells it; its closing balance is right unless another one is said."""

    moves: Sequence[StatementMovement]
    opening: int
    day: date
    first: date | None
    account: str
    id: str = "1"
    sequence: int | None = None
    closing: int | None = None
    currency: str = "VND"

    @property
    def end(self) -> int:
        booked = sum(move.amount for move in self.moves if move.standing == "BOOK")
        return self.opening + booked if self.closing is None else self.closing

    def next(self, *moves: StatementMovement, **changes: Any) -> Self:
        """The statement of the day after."""
        following = replace(
            self,
            moves=moves,
            opening=self.end,
            day=self.day + timedelta(days=1),
            first=None,
            id=str(int(self.id) + 1),
            sequence=None if self.sequence is None else self.sequence + 1,
            closing=None,
            currency="VND",
        )
        return replace(following, **changes)


def camt(*statements: StatementText, ns: str | None = CAMT_08, kind: str = "Stmt", encoding: str = "UTF-8") -> bytes:
    """camt.053 (``kind`` Stmt), 052 (Rpt) or 054 (Ntfctn)."""
    message = {"Stmt": "BkToCstmrStmt", "Rpt": "BkToCstmrAcctRpt", "Ntfctn": "BkToCstmrDbtCdtNtfctn"}[kind]
    inside = "\n".join(_camt_statement(one, kind, balances=kind == "Stmt") for one in statements)
    space = f" xmlns={quoteattr(ns)}" if ns else ""
    header = f"<GrpHdr><MsgId>M{statements[0].id}</MsgId><CreDtTm>{statements[0].day}T17:00:00+07:00</CreDtTm></GrpHdr>"
    text = f"<Document{space}>\n<{message}>{header}\n{inside}\n</{message}></Document>"
    return f'<?xml version="1.0" encoding="{encoding}"?>\n{text}'.encode(encoding)


def _camt_statement(statement: StatementText, kind: str, *, balances: bool) -> str:
    sequence = "" if statement.sequence is None else f"<ElctrncSeqNb>{statement.sequence}</ElctrncSeqNb>"
    first = statement.first or statement.day
    entries = "\n".join(_camt_entry(move, statement) for move in statement.moves)
    balance_elements = (
        _balance("OPBD", statement.opening, first, statement)
        + _balance("CLBD", statement.end, statement.day, statement)
        if balances
        else ""
    )
    return (
        f"<{kind}><Id>{statement.id}</Id>{sequence}<CreDtTm>{statement.day}T17:00:00+07:00</CreDtTm>"
        f"<FrToDt><FrDtTm>{first}T00:00:00+07:00</FrDtTm><ToDtTm>{statement.day}T23:59:59+07:00</ToDtTm></FrToDt>"
        f"<Acct><Id><Othr><Id>{statement.account}</Id></Othr></Id><Ccy>{statement.currency}</Ccy></Acct>{balance_elements}\n{entries}</{kind}>"
    )


def _balance(code: str, amount: int, day: date, statement: StatementText) -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>{_amount(amount, statement)}{_way(amount)}"
        f"<Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def _amount(amount: int, statement: StatementText) -> str:
    return f'<Amt Ccy="{statement.currency}">{abs(amount)}</Amt>'


def _way(amount: int) -> str:
    return f"<CdtDbtInd>{'CRDT' if amount >= 0 else 'DBIT'}</CdtDbtInd>"


def _camt_entry(move: StatementMovement, statement: StatementText) -> str:
    day = move.day or statement.day
    reversal = "<RvslInd>true</RvslInd>" if move.reversal else ""
    ref = f"<AcctSvcrRef>{escape(move.ref)}</AcctSvcrRef>" if move.ref else ""
    parts = move.details or ((None, move.text),)
    details = "".join(
        f"<TxDtls><Refs><EndToEndId>{escape(move.e2e or 'NOTPROVIDED')}</EndToEndId></Refs>"
        + ("" if amount is None else _amount(amount, statement) + _way(amount))
        + f"<RmtInf><Ustrd>{escape(text)}</Ustrd></RmtInf></TxDtls>"
        for amount, text in parts
    )
    return (
        f"<Ntry>{_amount(move.amount, statement)}{_way(move.amount)}{reversal}<Sts><Cd>{move.standing}</Cd></Sts>"
        f"<BookgDt><Dt>{day}</Dt></BookgDt><ValDt><Dt>{move.value or day}</Dt></ValDt>{ref}"
        f"<NtryDtls>{details}</NtryDtls></Ntry>"
    )


def mt940(*statements: StatementText) -> bytes:
    """MT940, a message a statement."""
    return "".join(_message(one) for one in statements).encode()


def _message(statement: StatementText) -> str:
    first = statement.first or statement.day
    lines = "".join(_line_61(move, statement) for move in statement.moves)
    return (
        f":20:STMT\n:25:{statement.account}\n:28C:{statement.sequence or statement.id}/1\n"
        f":60F:{_swift_balance(statement.opening, first, statement)}\n{lines}"
        f":62F:{_swift_balance(statement.end, statement.day, statement)}\n-\n"
    )


def _swift_balance(amount: int, day: date, statement: StatementText) -> str:
    return f"{'C' if amount >= 0 else 'D'}{day:%y%m%d}{statement.currency}{abs(amount)},"


def _line_61(move: StatementMovement, statement: StatementText) -> str:
    day = move.day or statement.day
    mark = ("RD" if move.amount >= 0 else "RC") if move.reversal else ("C" if move.amount >= 0 else "D")
    ref = f"//{move.ref}" if move.ref else ""
    wrapped = "\n".join(move.text[at : at + 65] for at in range(0, len(move.text), 65))
    details = f":86:{wrapped}\n" if move.text else ""
    value = move.value or day
    return f":61:{value:%y%m%d}{day:%m%d}{mark}{abs(move.amount)},NTRF{move.e2e or 'NONREF'}{ref}\n{details}"


Row = list[str]
_BYTE_ORDER_MARK: Final = "\ufeff"


def rows(statement: StatementText, profile: Table) -> list[Row]:
    """The statement with what stands around its lines, under the bank's own labels."""
    days = [statement.first or statement.day, statement.day]
    labelled_rows: list[list[str | None]] = [
        [profile.account, statement.account],
        [profile.period, *(_day(day, profile) for day in days)],
        [profile.opening, _money(statement.opening, profile)],
    ]
    table = [["SAO KÊ TÀI KHOẢN"], *(list(filter(None, row)) for row in labelled_rows if row[0]), []]
    table.append([heading for _, heading in _columns(profile)])
    table += _lines(statement, profile)
    if profile.total:
        table.append(_total(statement, profile))
    return [*table, [profile.closing, _money(statement.end, profile)]] if profile.closing else table


def csv(statement: StatementText, profile: Table) -> bytes:
    lines = [
        profile.delimiter.join(_quoted(cell, profile.delimiter) for cell in row) for row in rows(statement, profile)
    ]
    mark = _BYTE_ORDER_MARK if profile.encoding == "utf-8" else ""
    return (mark + "\r\n".join(lines) + "\r\n").encode(profile.encoding)


def xlsx(statement: StatementText, profile: Table) -> bytes:
    """A workbook of texts, as internet banking makes them."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        sheet = book.add_worksheet(profile.sheet or "Sao kê")
        for number, row in enumerate(rows(statement, profile)):
            for column, cell in enumerate(row):
                sheet.write_string(number, column, cell)
    return buffer.getvalue()


def _columns(profile: Table) -> list[tuple[str, str]]:
    """What stands in each column, and its heading; the texts come last."""
    names = ("booking_date", "value_date", "bank_ref", "e2e", "amount", "direction", "debit", "credit", "balance")
    named = [(name, heading) for name in (*names, "currency") if (heading := getattr(profile.columns, name))]
    return [*named, *((f"text{number}", heading) for number, heading in enumerate(profile.columns.text))]


def _lines(statement: StatementText, profile: Table) -> list[Row]:
    balance, lines = statement.opening, []
    for move in statement.moves:
        balance += move.amount
        cells = _cells(move, balance, statement, profile)
        lines.append([cells.get(name, "") for name, _ in _columns(profile)])
    return lines[::-1] if profile.newest_first else lines


def _cells(move: StatementMovement, balance: int, statement: StatementText, profile: Table) -> dict[str, str]:
    day, is_debit = move.day or statement.day, move.amount < 0
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
        "currency": statement.currency,
        "text0": move.text,
    }


def _debit_sign(profile: Table) -> int:
    return 1 if profile.negative_debits else -1


def _total(statement: StatementText, profile: Table) -> Row:
    amounts = [move.amount for move in statement.moves]
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
    "camt": ("xml", lambda text, _: camt(text)),
    "mt940": ("sta", lambda text, _: mt940(text)),
    "csv": ("csv", csv),
    "xlsx": ("xlsx", xlsx),
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
        if form.fate not in {fate.fault for fate in STATEMENT_BEHAVIOURS}:
            raise CannotDo(f"no statement has the fate {form.fate}")
        book, fault = self._server.book(form.account), StatementFault(form.fate)
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
