"""The head of a camt statement: whose it is, which days, which balances, and what it says about its own entries."""

from datetime import date
from typing import Final

from lxml import etree
from pydantic import ValidationError

from connectors.banks.statements.amounts import iso_date, plain
from connectors.banks.statements.camt_plan import line_of
from schemas.statement import EntryKind, Head, StatementCode, Totals, UnreadableFile, misfit

Element = etree._Element  # noqa: SLF001 - lxml has no public name for its elements
CONTAINERS: Final = {"Stmt": EntryKind.STATEMENT, "Rpt": EntryKind.INTERIM, "Ntfctn": EntryKind.NOTICE}
OPENING: Final = ("OPBD", "PRCD")
"""in this order: the opening balance, or the closing one of the day before"""
CLOSING: Final = ("CLBD",)


def local(element: Element) -> str:
    """The name without its namespace."""
    return str(element.tag).rpartition("}")[2]


class ElementReader:
    """Paths below an element, whatever its namespace."""

    def __init__(self, element: Element) -> None:
        self.element = element
        tag = str(element.tag)
        self._ns = tag[: tag.index("}") + 1] if tag.startswith("{") else ""
        self.line = line_of(element)

    def all(self, path: str) -> list["ElementReader"]:
        return [ElementReader(element) for element in self.element.findall(self._path(path))]

    def one(self, path: str) -> "ElementReader | None":
        element = self.element.find(self._path(path))
        return None if element is None else ElementReader(element)

    def text(self, path: str) -> str:
        """Empty if it is not there."""
        return (self.element.findtext(self._path(path)) or "").strip()

    def _path(self, path: str) -> str:
        return "/".join(self._ns + step for step in path.split("/"))


def read(container: Element) -> Head:
    """Raises UnreadableFile."""
    statement = ElementReader(container)
    balances = {_type(balance): balance for balance in reversed(statement.all("Bal"))}
    opening = next((balances[code] for code in OPENING if code in balances), None)
    closing = next((balances[code] for code in CLOSING if code in balances), None)
    currency = _currency(statement, [one for one in (opening, closing) if one])
    from_date, to_date = _period(statement, opening, closing)
    try:
        return Head(
            kind=CONTAINERS[local(container)],
            line=statement.line,
            account=statement.text("Acct/Id/IBAN")
            or statement.text("Acct/Id/Othr/Id")
            or statement.text("Acct/Id/PrtryAcct/Id"),
            bank_id=statement.text("Id"),
            sequence=_number(statement, "ElctrncSeqNb") or _number(statement, "LglSeqNb"),
            currency=currency,
            from_date=from_date,
            to_date=to_date,
            opening=_signed(opening, currency) if opening else None,
            closing=_signed(closing, currency) if closing else None,
            totals=_totals(statement, currency),
            whole=statement.text("StmtPgntn/PgNb") in ("", "1")
            and statement.text("StmtPgntn/LastPgInd") in ("", "true", "1"),
        )
    except ValidationError as error:
        raise misfit(error, statement.line) from None


def check_end(container: Element) -> None:
    """A balance behind the entries was not there when the head was read. Raises UnreadableFile."""
    if ElementReader(container).one("Bal") is not None:
        raise UnreadableFile(StatementCode.UNPARSABLE, "a balance stands behind the entries", line_of(container))


def _type(balance: ElementReader) -> str:
    return balance.text("Tp/CdOrPrtry/Cd") or balance.text("Tp/CdOrPrtry/Prtry")


def _currency(statement: ElementReader, balances: list[ElementReader]) -> str:
    """Of the account, else of the balances, else of the first entry."""
    amounts = [amount for balance in balances if (amount := balance.one("Amt"))]
    currencies = {currency for amount in amounts if (currency := amount.element.get("Ccy"))}
    if account := statement.text("Acct/Ccy"):
        currencies.add(account)
    if len(currencies) > 1:
        raise UnreadableFile(
            StatementCode.WRONG_CURRENCY, f"balances in {' and '.join(sorted(currencies))}", statement.line
        )
    entry = statement.one("Ntry/Amt")
    chosen = next(iter(currencies), None) or (entry.element.get("Ccy") if entry else None)
    if not chosen:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the statement names no currency", statement.line)
    return chosen


def _signed(balance: ElementReader, currency: str) -> int:
    amount = plain(balance.text("Amt"), currency, balance.line)
    direction = balance.text("CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise UnreadableFile(StatementCode.UNPARSABLE, "a balance is neither credit nor debit", balance.line)
    return amount if direction == "CRDT" else -amount


def _period(
    statement: ElementReader, opening: ElementReader | None, closing: ElementReader | None
) -> tuple[date, date]:
    """The days that it says it covers, else from its opening to its closing balance, else the day it was made."""
    created = statement.text("CreDtTm")
    first = _moment(statement, "FrToDt/FrDtTm") or _moment(statement, "FrToDt/FrDt") or (opening and _dated(opening))
    last = _moment(statement, "FrToDt/ToDtTm") or _moment(statement, "FrToDt/ToDt") or (closing and _dated(closing))
    if not created and not (first and last):
        raise UnreadableFile(
            StatementCode.UNPARSABLE, "the statement says nowhere which days it covers", statement.line
        )
    last = last or iso_date(created, statement.line)
    return first or last, last


def _moment(statement: ElementReader, path: str) -> date | None:
    text = statement.text(path)
    return iso_date(text, statement.line) if text else None


def _dated(balance: ElementReader) -> date | None:
    text = balance.text("Dt/Dt") or balance.text("Dt/DtTm")
    return iso_date(text, balance.line) if text else None


def _number(statement: ElementReader, path: str) -> int | None:
    text = statement.text(path)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - Max18NumericText
        raise UnreadableFile(StatementCode.UNPARSABLE, f"{path.rpartition('/')[2]} is no number", statement.line)
    return int(text)


def _sum(statement: ElementReader, path: str, currency: str) -> int | None:
    text = statement.text(path)
    return plain(text, currency, statement.line) if text else None


def _totals(statement: ElementReader, currency: str) -> Totals:
    """TxsSummry. The net amount stands in TtlNetNtry (since v04) or in TtlNetNtryAmt."""
    net = _sum(statement, "TxsSummry/TtlNtries/TtlNetNtry/Amt", currency)
    direction = statement.text("TxsSummry/TtlNtries/TtlNetNtry/CdtDbtInd")
    if net is None:
        net = _sum(statement, "TxsSummry/TtlNtries/TtlNetNtryAmt", currency)
        direction = statement.text("TxsSummry/TtlNtries/CdtDbtInd")
    return Totals(
        entries=_number(statement, "TxsSummry/TtlNtries/NbOfNtries"),
        credits=_number(statement, "TxsSummry/TtlCdtNtries/NbOfNtries"),
        credit_sum=_sum(statement, "TxsSummry/TtlCdtNtries/Sum", currency),
        debits=_number(statement, "TxsSummry/TtlDbtNtries/NbOfNtries"),
        debit_sum=_sum(statement, "TxsSummry/TtlDbtNtries/Sum", currency),
        net=-net if net is not None and direction == "DBIT" else net,
    )
