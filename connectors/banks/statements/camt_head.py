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


class Reading:
    """Paths below an element, whatever its namespace."""

    def __init__(self, element: Element) -> None:
        self.element = element
        tag = str(element.tag)
        self._ns = tag[: tag.index("}") + 1] if tag.startswith("{") else ""
        self.line = line_of(element)

    def all(self, path: str) -> list["Reading"]:
        return [Reading(found) for found in self.element.findall(self._path(path))]

    def one(self, path: str) -> "Reading | None":
        found = self.element.find(self._path(path))
        return None if found is None else Reading(found)

    def text(self, path: str) -> str:
        """Empty if it is not there."""
        return (self.element.findtext(self._path(path)) or "").strip()

    def _path(self, path: str) -> str:
        return "/".join(self._ns + step for step in path.split("/"))


def read(container: Element) -> Head:
    """Raises UnreadableFile."""
    said = Reading(container)
    balances = {_type(balance): balance for balance in reversed(said.all("Bal"))}
    opening = next((balances[code] for code in OPENING if code in balances), None)
    closing = next((balances[code] for code in CLOSING if code in balances), None)
    currency = _currency(said, [one for one in (opening, closing) if one])
    from_date, to_date = _period(said, opening, closing)
    try:
        return Head(
            kind=CONTAINERS[local(container)],
            line=said.line,
            account=said.text("Acct/Id/IBAN") or said.text("Acct/Id/Othr/Id") or said.text("Acct/Id/PrtryAcct/Id"),
            bank_id=said.text("Id"),
            sequence=_number(said, "ElctrncSeqNb") or _number(said, "LglSeqNb"),
            currency=currency,
            from_date=from_date,
            to_date=to_date,
            opening=_signed(opening, currency) if opening else None,
            closing=_signed(closing, currency) if closing else None,
            totals=_totals(said, currency),
            whole=said.text("StmtPgntn/PgNb") in ("", "1") and said.text("StmtPgntn/LastPgInd") in ("", "true", "1"),
        )
    except ValidationError as error:
        raise misfit(error, said.line) from None


def check_end(container: Element) -> None:
    """A balance behind the entries was not there when the head was read. Raises UnreadableFile."""
    if Reading(container).one("Bal") is not None:
        raise UnreadableFile(StatementCode.UNPARSABLE, "a balance stands behind the entries", line_of(container))


def _type(balance: Reading) -> str:
    return balance.text("Tp/CdOrPrtry/Cd") or balance.text("Tp/CdOrPrtry/Prtry")


def _currency(said: Reading, balances: list[Reading]) -> str:
    """Of the account, else of the balances, else of the first entry."""
    amounts = [amount for balance in balances if (amount := balance.one("Amt"))]
    told = {currency for amount in amounts if (currency := amount.element.get("Ccy"))}
    if account := said.text("Acct/Ccy"):
        told.add(account)
    if len(told) > 1:
        raise UnreadableFile(StatementCode.WRONG_CURRENCY, f"balances in {' and '.join(sorted(told))}", said.line)
    entry = said.one("Ntry/Amt")
    found = next(iter(told), None) or (entry.element.get("Ccy") if entry else None)
    if not found:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the statement names no currency", said.line)
    return found


def _signed(balance: Reading, currency: str) -> int:
    amount = plain(balance.text("Amt"), currency, balance.line)
    direction = balance.text("CdtDbtInd")
    if direction not in ("CRDT", "DBIT"):
        raise UnreadableFile(StatementCode.UNPARSABLE, "a balance is neither credit nor debit", balance.line)
    return amount if direction == "CRDT" else -amount


def _period(said: Reading, opening: Reading | None, closing: Reading | None) -> tuple[date, date]:
    """The days that it says it covers, else from its opening to its closing balance, else the day it was made."""
    made = said.text("CreDtTm")
    first = _moment(said, "FrToDt/FrDtTm") or _moment(said, "FrToDt/FrDt") or (opening and _dated(opening))
    last = _moment(said, "FrToDt/ToDtTm") or _moment(said, "FrToDt/ToDt") or (closing and _dated(closing))
    if not made and not (first and last):
        raise UnreadableFile(StatementCode.UNPARSABLE, "the statement says nowhere which days it covers", said.line)
    last = last or iso_date(made, said.line)
    return first or last, last


def _moment(said: Reading, path: str) -> date | None:
    text = said.text(path)
    return iso_date(text, said.line) if text else None


def _dated(balance: Reading) -> date | None:
    text = balance.text("Dt/Dt") or balance.text("Dt/DtTm")
    return iso_date(text, balance.line) if text else None


def _number(said: Reading, path: str) -> int | None:
    text = said.text(path)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:  # noqa: PLR2004 - Max18NumericText
        raise UnreadableFile(StatementCode.UNPARSABLE, f"{path.rpartition('/')[2]} is no number", said.line)
    return int(text)


def _sum(said: Reading, path: str, currency: str) -> int | None:
    text = said.text(path)
    return plain(text, currency, said.line) if text else None


def _totals(said: Reading, currency: str) -> Totals:
    """TxsSummry. The net amount stands in TtlNetNtry (since v04) or in TtlNetNtryAmt."""
    net = _sum(said, "TxsSummry/TtlNtries/TtlNetNtry/Amt", currency)
    way = said.text("TxsSummry/TtlNtries/TtlNetNtry/CdtDbtInd")
    if net is None:
        net = _sum(said, "TxsSummry/TtlNtries/TtlNetNtryAmt", currency)
        way = said.text("TxsSummry/TtlNtries/CdtDbtInd")
    return Totals(
        entries=_number(said, "TxsSummry/TtlNtries/NbOfNtries"),
        credits=_number(said, "TxsSummry/TtlCdtNtries/NbOfNtries"),
        credit_sum=_sum(said, "TxsSummry/TtlCdtNtries/Sum", currency),
        debits=_number(said, "TxsSummry/TtlDbtNtries/NbOfNtries"),
        debit_sum=_sum(said, "TxsSummry/TtlDbtNtries/Sum", currency),
        net=-net if net is not None and way == "DBIT" else net,
    )
