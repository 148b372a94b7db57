"""Bank statements as a sandbox bank writes them: camt (ISO 20022) and MT940 (SWIFT). Tables too: CSV and XLSX."""

import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, Self
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter

from config.statements import Table

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
