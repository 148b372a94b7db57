"""Receipts by VNPT's services: PublishService, BusinessService and PortalService, SOAP 1.1, answers in strings of text.

``ImportAndPublishInv`` issues, and the issuer counts the numbers of a series itself; its answer says which one it gave.
A receipt's name there is the fkey, which is our id: an fkey that is there is not issued twice (ERR:13), and
``listInvByCusFkey`` says what is there under it. What was read, and where it is our reading: docs/integrators/receipts.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from lxml import etree

from config.catalogue import Catalogue, Issuer
from connectors.errors import ConnectorCode, ConnectorError, ContractBroken, Duplicate, Unavailable
from connectors.transport import xml
from connectors.transport.contract import contract
from connectors.transport.http import Transport
from connectors.transport.soap import SoapSecurity, SOAPService
from connectors.transport.xml import Element
from schemas.fee_receipt import FeeReceipt, Issued, ReceiptLine, Voided, Voiding
from schemas.portal import FeeKind

PAID_ONLINE: Final = "CK"
"""by transfer (chuyển khoản)"""
KIND: Final = {FeeKind.PHI: "0", FeeKind.LE_PHI: "1"}
"""Extra2 of a product"""


def invoices(receipt: FeeReceipt) -> str:
    """<Invoices> with the one receipt."""
    root = etree.Element("Invoices")
    inv = etree.SubElement(root, "Inv")
    _add(inv, key=receipt.fkey)
    invoice = etree.SubElement(inv, "Invoice")
    amount = str(receipt.amount)
    _add(
        invoice,
        CusCode=receipt.dossier_code,
        ArisingDate=f"{date.fromisoformat(receipt.issued_on):%d/%m/%Y}",
        CusName=f"Người nộp hồ sơ {receipt.dossier_code}",
        Total=amount,
        Amount=amount,
        AmountInWords=receipt.amount_in_words,
        VATAmount="0",
        VATRate="0",
        CusAddress="",
        PaymentMethod=PAID_ONLINE,
        PaymentStatus="1",
        Extra=receipt.reference,
    )
    products = etree.SubElement(invoice, "Products")
    for line in receipt.lines:
        _product(products, receipt, line)
    return str(etree.tostring(root, encoding="unicode"))


def _product(products: Element, receipt: FeeReceipt, line: ReceiptLine) -> None:
    amount = str(line.amount)
    _add(
        etree.SubElement(products, "Product"),
        Code=receipt.procedure,
        ProdName=line.title,
        ProdUnit="Lần",
        ProdQuantity="1",
        ProdPrice=amount,
        Total=amount,
        Amount=amount,
        Extra2=KIND[receipt.kind],
    )


def _add(element: Element, **parts: str) -> None:
    for name, text in parts.items():
        etree.SubElement(element, name).text = text


NAMESPACE: Final = "http://tempuri.org/"
FOLDER: Final = "vnpt"
"""in schemas/wire"""
SERVICES: Final = {"publish": "PublishService.asmx", "business": "BusinessService.asmx", "portal": "PortalService.asmx"}
NOBODY: Final = "lienthonghub-kiem-tra"
"""an fkey that no receipt has"""
_ERROR: Final = re.compile(r"ERR:(-?[0-9]{0,3})(?![0-9]).*", re.DOTALL)
_NUMBER: Final = re.compile(r"[0-9]{1,8}")

MEANINGS: Final[Mapping[str, str]] = {
    "1": "the account is wrong or may not do this",
    "2": "there is no such receipt",
    "3": "the XML is not as the issuer has it",
    "4": "no template is registered",
    "5": "it could not be issued",
    "6": "the series has no numbers left",
    "7": "the user belongs to no company",
    "8": "the receipt is void or replaced already",
    "9": "the receipt's state does not allow it",
    "10": "too many at once",
    "13": "the fkey is there already",
    "20": "template and symbol are not registered",
    "21": "the number is there already",
    "29": "the issuer's certificate has expired",
    "30": "an older day than that of a receipt which is issued",
}
"""ERR:n, as public clients of these services describe it"""
_CREDENTIALS: Final = frozenset({"1", "7"})
_UNCERTAIN: Final = frozenset({"", "5"})
"""Something failed at the issuer: the outcome is unknown, so it is asked before the receipt is sent again."""


class VNPTIssuer:
    """A receipt port over VNPT's services. Threads may share it."""

    def __init__(
        self, issuer: Issuer, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None
    ) -> None:
        """``url``: below which the services are. Raises ValueError or OSError where that cannot be used."""
        self._issuer = issuer
        self._account = {"Account": issuer.account, "ACpass": catalogue.secret(issuer.account_password)}
        self._password = catalogue.secret(issuer.password)
        transport = Transport(
            issuer.counterparty,
            timeout=issuer.timeout_seconds,
            tls=issuer.tls,
            folder=catalogue.folder,
            on_sent=on_sent,
        )
        base = url.rstrip("/")
        self._services = {
            name: SOAPService(
                contract(f"{FOLDER}/{name}-service.wsdl"),
                f"{base}/{issuer.services.get(name, path)}",  # type: ignore[call-overload]  # the keys are its own
                transport,
                SoapSecurity(),
            )
            for name, path in SERVICES.items()
        }

    def issue(self, receipt: FeeReceipt, key: str) -> Issued:  # noqa: ARG002 - the fkey is what it knows us by
        """Duplicate for ERR:13. ERR:5 leaves the outcome unknown; any other ERR waits for a person: nothing was done.

        None is a refusal of the receipt itself: what follows it in its series waits behind it, so that numbers stay
        the same on both sides.
        """
        result = self._ask(
            "publish",
            "ImportAndPublishInv",
            {
                **self._account,
                "xmlInvData": invoices(receipt),
                "username": self._issuer.username,
                "password": self._password,
                "pattern": receipt.template,
                "serial": receipt.symbol,
                "convert": 0,
            },
        )
        if result == "ERR:13":
            raise Duplicate(ConnectorCode.DUPLICATE, MEANINGS["13"])
        _raise_error(result)
        head = f"OK:{receipt.template};{receipt.symbol}-{receipt.fkey}_"
        number = result.removeprefix(head)
        if number == result or not _NUMBER.fullmatch(number) or not int(number):
            raise ContractBroken(
                ConnectorCode.CONTRACT, "the answer is neither OK with this fkey and its number, nor ERR"
            )
        return Issued(template=receipt.template, symbol=receipt.symbol, number=int(number))

    def find(self, receipt: FeeReceipt, key: str) -> Issued | None:  # noqa: ARG002 - as above
        """listInvByCusFkey. What is there under the fkey with another amount is a broken contract."""
        items = self._listed(receipt.fkey)
        if not items:
            return None
        item = items[0]
        number = item.get("invNum", "")
        if len(items) > 1 or item.get("amount") != str(receipt.amount) or not _NUMBER.fullmatch(number):
            raise ContractBroken(ConnectorCode.CONTRACT, "what is there under this fkey is not this receipt")
        return Issued(template=item.get("pattern", ""), symbol=item.get("serial", ""), number=int(number))

    def void(self, voiding: Voiding, key: str) -> Voided:  # noqa: ARG002 - as above
        """cancelInvNoPay. Duplicate for ERR:8: it is void there already."""
        message = {**self._account, "fkey": voiding.fkey, "userName": self._issuer.username, "userPass": self._password}
        result = self._ask("business", "cancelInvNoPay", message)
        done = Voided(receipt_id=voiding.receipt_id)
        if result == "ERR:8":
            raise Duplicate(ConnectorCode.DUPLICATE, MEANINGS["8"], reply=done)
        _raise_error(result)
        if not result.startswith("OK:"):
            raise ContractBroken(ConnectorCode.CONTRACT, "the answer is neither OK nor ERR")
        return done

    def check(self) -> str:
        """Asks for an fkey that nobody has: address and the service's credentials."""
        self._listed(NOBODY)
        return f"{self._issuer.name}: answers listInvByCusFkey; address, connection and credentials are accepted"

    def _listed(self, fkey: str) -> list[dict[str, str]]:
        """What the issuer has under ``fkey``, by the names of its list."""
        message = {
            "key": fkey,
            "fromDate": "",
            "toDate": "",
            "userName": self._issuer.username,
            "userPass": self._password,
        }
        result = self._ask("portal", "listInvByCusFkey", message, idempotent=True)
        if result == "ERR:6":
            return []
        _raise_error(result, idempotent=True)
        try:
            data = xml.parse(result.encode())
        except xml.UnsafeXML as error:
            raise ContractBroken(ConnectorCode.CONTRACT, f"the list cannot be read: {error}") from None
        items = [{etree.QName(part).localname: part.text or "" for part in item} for item in data if item.tag == "Item"]
        return [item for item in items if item.get("fkey", fkey) == fkey]

    def _ask(self, service: str, operation: str, message: Mapping[str, Any], *, idempotent: bool = False) -> str:
        answer = self._services[service].call(operation, message, idempotent=idempotent)
        return (answer.findtext(f"{{{NAMESPACE}}}{operation}Result") or "").strip()


def _raise_error(result: str, *, idempotent: bool = False) -> None:
    """Raises the error that an ERR:n means; nothing for any other result."""
    match = _ERROR.fullmatch(result)
    if match is None:
        return
    number = match[1]
    words = f"ERR:{number}" + (f", {MEANINGS[number]}" if number in MEANINGS else "")
    raise _error_of(number, words, idempotent=idempotent)


def _error_of(number: str, words: str, *, idempotent: bool) -> ConnectorError:
    if number in _UNCERTAIN:
        return Unavailable(ConnectorCode.ERROR, words, outcome_unknown=not idempotent)
    return ContractBroken(ConnectorCode.AUTH if number in _CREDENTIALS else ConnectorCode.ISSUER, words)
