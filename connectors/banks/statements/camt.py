"""ISO 20022 camt.053, camt.052 and camt.054, any version: read by local names, an entry at a time.

With or without namespace, and inside whatever envelope (BizMsgEnvlp). A DOCTYPE is refused, no entity is resolved and
nothing is fetched. Elements are freed as soon as they are read, so a large file takes no more memory than a small one.
https://www.iso20022.org/catalogue-messages/iso-20022-messages-archive?search=camt.053
"""

import io
import re
from collections.abc import Iterator
from datetime import date
from itertools import chain
from typing import Any, Final

from lxml import etree
from pydantic import ValidationError

from config.statements import Camt
from connectors.banks.statements.amounts import iso_date, plain
from connectors.banks.statements.camt_entry import EntryReader, line_of
from schemas.statement import EntryKind, Head, Portion, StatementCode, StatementEntry, Totals, UnreadableFile, misfit

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


def read_head(container: Element) -> Head:
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


PROLOG: Final = 64 * 1024
"""bytes that are looked through for a DOCTYPE before the parser sees anything"""
_MESSAGE: Final = re.compile(r"\{urn:iso:std:iso:20022:tech:xsd:camt\.05[234]\.001\.[0-9]{2}\}")
_DOCTYPES: Final = tuple("<!DOCTYPE".encode(encoding) for encoding in ("ascii", "utf-16-le", "utf-16-be"))


def read(raw: bytes, _: Camt) -> Iterator[Portion]:
    """The statements in ``raw``. Raises UnreadableFile."""
    return stream(io.BytesIO(raw))


def stream(source: io.BufferedIOBase) -> Iterator[Portion]:
    """The statements of a file that is read as it goes; memory does not grow with it. Raises UnreadableFile."""
    beginning = source.read(PROLOG)
    if any(doctype in beginning for doctype in _DOCTYPES):
        raise UnreadableFile(StatementCode.UNPARSABLE, "the document has a DOCTYPE")
    source.seek(0)
    events = _events(source)
    for element in events:
        parent = element.getparent()
        is_entry = local(element) == "Ntry" and parent is not None
        container = parent if is_entry and parent is not None else element
        if local(container) not in CONTAINERS:
            raise UnreadableFile(
                StatementCode.UNPARSABLE, "an entry stands outside of every statement", line_of(element)
            )
        entries = _Entries(container, element if is_entry else None, events)
        head = read_head(container)
        yield Portion(head, entries.read(EntryReader(container, head)))
        entries.finish()
        _free(container)


class _Entries:
    """The entries of one container: the one at which it was found, and those that follow until it ends."""

    def __init__(self, container: Element, first: Element | None, events: Iterator[Element]) -> None:
        self._container = container
        self._first = first
        self._events = events
        self._ended = first is None

    def read(self, reader: EntryReader) -> Iterator[StatementEntry]:
        if self._first is None:
            return
        for element in chain((self._first,), self._events):
            if element is self._container:
                self._ended = True
                check_end(element)
                return
            entry = reader.read(element)
            _free(element)
            yield entry

    def finish(self) -> None:
        if not self._ended:
            raise RuntimeError("the entries of a statement were not used up")


def _free(element: Element) -> None:
    """Give back what ``element`` holds, and what stands before it: all of that has been read."""
    element.clear()
    parent = element.getparent()
    if parent is not None:
        while element.getprevious() is not None:
            del parent[0]


def _events(source: io.BufferedIOBase) -> Iterator[Element]:
    """Entries and their containers, at their ends. Raises UnreadableFile."""
    tags = ["{*}Ntry", *(f"{{*}}{name}" for name in CONTAINERS)]
    checked = False
    try:
        for _, element in _parser(source, tags):
            if not checked:
                _check(element.getroottree())
                checked = True
            yield element
    except etree.XMLSyntaxError as error:
        # libxml2's own sentence quotes the document, so only what it is about is told.
        about = "is not in the encoding that it names" if "ncod" in str(error) else "is not well-formed"
        raise UnreadableFile(
            StatementCode.UNPARSABLE, f"the XML breaks off, or {about}", error.lineno or None
        ) from None
    if not checked:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the document holds no account statement (camt.052, 053, 054)")


def _parser(source: io.BufferedIOBase, tags: list[str]) -> Any:
    return etree.iterparse(
        source,
        events=("end",),
        tag=tags,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        remove_blank_text=True,
    )


def _check(tree: Any) -> None:
    """What can be told from the document's beginning."""
    if tree.docinfo.doctype:
        raise UnreadableFile(StatementCode.UNPARSABLE, "the document has a DOCTYPE")
    root = tree.getroot()
    for element in chain((root,), root.iter("{*}Document")):
        if local(element) == "Document" and element.tag != "Document" and not _MESSAGE.match(element.tag):
            raise UnreadableFile(
                StatementCode.UNPARSABLE, "the document is not of camt.052, 053 or 054", line_of(element)
            )
