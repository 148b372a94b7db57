"""An issuer of receipts behind VNPT's three services (SOAP 1.1): it checks who asks, and issues each fkey once.

Every message is held against the vendored WSDLs, in both directions; ``xmlInvData`` is read by its own reading.
"""

import asyncio
import hmac
import logging
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path
from typing import Final, Literal

from lxml import etree
from pydantic import AwareDatetime
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from config.catalogue import Issuer
from connectors.clock import now
from connectors.sandbox.department import RETRY_AFTER
from connectors.sandbox.effects import DurableLines
from connectors.sandbox.receipt_behaviours import IssueAnswer, ReceiptBehaviour, receipt_behaviour_of
from connectors.sandbox.runtime_settings import RuntimeControl, SandboxSettings
from connectors.sandbox.server import NoAnswer, Obstacles, control
from connectors.transport.envelope import CONTENT_TYPE, NotSOAP, body_of, fault, payload_of, to_bytes, wrap
from connectors.transport.xml import Element, UnsafeXML, parse, schema_of
from schemas.strict import Strict


class Entered(Strict):
    """A line of the book: a receipt was issued, or became void. What says how it reads is left out of it."""

    effect: Literal["issued", "voided"]
    at: AwareDatetime
    fkey: str
    pattern: str
    serial: str
    number: int
    amount: int
    dossier_code: str
    words: str


class ReceiptBook:
    """Issues each fkey once; numbers of a series follow one another."""

    def __init__(self, path: Path) -> None:
        self._lines = DurableLines(path)
        self._issued: dict[str, Entered] = {}
        self._void: set[str] = set()
        self._last: dict[tuple[str, str], int] = {}
        self.all: list[Entered] = []
        for text in self._lines.loaded:
            self._enter(Entered.model_validate_json(text))

    def find(self, fkey: str) -> Entered | None:
        return self._issued.get(fkey)

    def is_void(self, fkey: str) -> bool:
        return fkey in self._void

    async def issue(
        self, fkey: str, *, pattern: str, serial: str, amount: int, dossier_code: str, words: str, skip: int = 0
    ) -> Entered:
        """The receipt under the next number of its series, ``skip`` further on. Returns when it is on the disk."""
        number = self._last.get((pattern, serial), 0) + 1 + skip
        entered = Entered(
            effect="issued",
            at=now(),
            fkey=fkey,
            pattern=pattern,
            serial=serial,
            number=number,
            amount=amount,
            dossier_code=dossier_code,
            words=words,
        )
        await self._lines.append(entered.model_dump_json())
        self._enter(entered)
        return entered

    async def void(self, fkey: str) -> None:
        """Raises KeyError for what is not there."""
        entered = self._issued[fkey].model_copy(update={"effect": "voided", "at": now()})
        await self._lines.append(entered.model_dump_json())
        self._enter(entered)

    def close(self) -> None:
        self._lines.close()

    def _enter(self, entered: Entered) -> None:
        self.all.append(entered)
        if entered.effect == "voided":
            self._void.add(entered.fkey)
        else:
            self._issued[entered.fkey] = entered
            series = entered.pattern, entered.serial
            self._last[series] = max(self._last.get(series, 0), entered.number)


def receipts_path(data: Path, counterparty: str) -> Path:
    """Where an issuer keeps them."""
    return data / f"{counterparty}.receipts.jsonl"


NAMESPACE: Final = "http://tempuri.org/"
WSDLS: Final = {
    "ImportAndPublishInv": "vnpt/publish-service.wsdl",
    "cancelInvNoPay": "vnpt/business-service.wsdl",
    "listInvByCusFkey": "vnpt/portal-service.wsdl",
}
PUBLISHED, CANCELLED = "1", "5"
"""status of an item in the list"""
_BEFORE: Final = frozenset({IssueAnswer.FAULT, IssueAnswer.BUSY, IssueAnswer.EXPIRED, IssueAnswer.FAILED})
"""answers that are given before anything is issued"""

log = logging.getLogger(__name__)


class ReceiptIssuer:
    """One issuer and its book. ``secrets``: the password of the account, and that of the service."""

    def __init__(self, issuer: Issuer, data: Path, settings: SandboxSettings, secrets: tuple[str, str]) -> None:
        self._issuer = issuer
        self._account_password, self._password = secrets
        self._book = ReceiptBook(receipts_path(data, issuer.counterparty))
        self._turned_away: Counter[str] = Counter()
        self._one_at_a_time = asyncio.Lock()
        self.runtime = RuntimeControl(settings)
        self.app = Starlette(
            routes=[
                control(self.runtime, receipts=lambda: self._book.all),
                Route("/{service}.asmx", self._answer, methods=["POST"]),
            ],
            middleware=[Middleware(Obstacles, runtime=self.runtime)],
            lifespan=lambda _: self._open(),
        )

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._book.close()

    async def _answer(self, request: Request) -> Response:
        try:
            message = payload_of(body_of(parse(await request.body())))
            operation = etree.QName(message).localname
            finding = schema_of(WSDLS[operation], NAMESPACE).fault(message) if operation in WSDLS else "no operation"
        except (UnsafeXML, NotSOAP) as error:
            finding = str(error)
        if finding:
            log.warning("%s refused a message: %s", self._issuer.counterparty, finding)
            return _sent(fault("Client", finding), HTTPStatus.INTERNAL_SERVER_ERROR)
        fields = {etree.QName(part).localname: part.text or "" for part in message}
        match operation:
            case "ImportAndPublishInv":
                return await self._publish(fields)
            case "cancelInvNoPay":
                return _result(operation, await self._cancel(fields))
            case _:
                return _result(operation, self._list(fields))

    async def _publish(self, fields: Mapping[str, str]) -> Response:
        if not self._may_publish(fields) or not self._serves(fields["username"], fields.get("password", "")):
            return _result("ImportAndPublishInv", "ERR:1")
        try:
            invoice = _invoice(fields["xmlInvData"])
        except (UnsafeXML, LookupError, ValueError):
            return _result("ImportAndPublishInv", "ERR:3")
        async with self._one_at_a_time:
            if self._book.find(invoice["key"]):
                return _result("ImportAndPublishInv", "ERR:13")
            behaviour = receipt_behaviour_of(invoice["CusCode"])
            if behaviour.answer in _BEFORE and self._turned_away[invoice["key"]] < behaviour.times:
                self._turned_away[invoice["key"]] += 1
                return _without_effect(behaviour)
            skip = 1 if behaviour.answer is IssueAnswer.OTHER_NUMBER else 0
            entered = await self._book.issue(
                invoice["key"],
                pattern=fields["pattern"],
                serial=fields["serial"],
                amount=int(invoice["Amount"]),
                dossier_code=invoice["CusCode"],
                words=invoice["AmountInWords"],
                skip=skip,
            )
        return self._with_effect(behaviour, entered)

    def _with_effect(self, behaviour: ReceiptBehaviour, entered: Entered) -> Response:
        match behaviour.answer:
            case IssueAnswer.SILENCE:
                return NoAnswer(self.runtime, self.runtime.environment.hang_seconds)
            case IssueAnswer.GARBLED:
                return Response(b'<?xml version="1.0"?><soap:Envelope xmlns:soap="http://sch', media_type="text/xml")
            case IssueAnswer.ALREADY:
                return _result("ImportAndPublishInv", "ERR:13")
        ok = f"OK:{entered.pattern};{entered.serial}-{entered.fkey}_{entered.number}"
        return _result("ImportAndPublishInv", ok)

    async def _cancel(self, fields: Mapping[str, str]) -> str:
        if not self._may_publish(fields) or not self._serves(fields["userName"], fields.get("userPass", "")):
            return "ERR:1"
        async with self._one_at_a_time:
            if not self._book.find(fields["fkey"]):
                return "ERR:2"
            if self._book.is_void(fields["fkey"]):
                return "ERR:8"
            await self._book.void(fields["fkey"])
        return "OK:"

    def _list(self, fields: Mapping[str, str]) -> str:
        if not self._serves(fields["userName"], fields.get("userPass", "")):
            return "ERR:1"
        data = etree.Element("Data")
        entered = self._book.find(fields["key"])
        if entered is not None:
            _item(data, entered, CANCELLED if self._book.is_void(entered.fkey) else PUBLISHED)
        return str(etree.tostring(data, encoding="unicode"))

    def _may_publish(self, fields: Mapping[str, str]) -> bool:
        right = hmac.compare_digest(fields.get("ACpass", "").encode(), self._account_password.encode())
        return right and fields.get("Account") == self._issuer.account

    def _serves(self, username: str, password: str) -> bool:
        return hmac.compare_digest(password.encode(), self._password.encode()) and username == self._issuer.username


def _invoice(text: str) -> dict[str, str]:
    """The one invoice in ``xmlInvData`` with its key. Raises UnsafeXML, LookupError, ValueError."""
    root = parse(text.encode())
    ((key, invoice),) = (list(inv) for inv in root.iterfind("Inv"))
    parts = {part.tag: part.text or "" for part in invoice if part.tag != "Products"}
    prices = [int(product.findtext("Amount") or "") for product in invoice.iterfind("Products/Product")]
    if key.tag != "key" or not key.text or sum(prices) != int(parts["Amount"]):
        raise ValueError("no key, or products that are not the sum")
    return {**parts, "key": key.text}


def _item(data: Element, entered: Entered, status: str) -> None:
    item = etree.SubElement(data, "Item")
    for name, text in {
        "index": "1",
        "cusCode": entered.dossier_code,
        "invToken": f"{entered.pattern};{entered.serial};{entered.number}",
        "publishDate": f"{entered.at:%d/%m/%Y}",
        "signStatus": "1",
        "pattern": entered.pattern,
        "serial": entered.serial,
        "invNum": f"{entered.number:08}",
        "amount": str(entered.amount),
        "status": status,
        "payment": "1",
        "fkey": entered.fkey,
    }.items():
        etree.SubElement(item, name).text = text


def _without_effect(behaviour: ReceiptBehaviour) -> Response:
    match behaviour.answer:
        case IssueAnswer.FAULT:
            return _sent(fault("Server", "something went wrong; nothing was done"), HTTPStatus.INTERNAL_SERVER_ERROR)
        case IssueAnswer.BUSY:
            response = _sent(fault("Server", "come back later"), HTTPStatus.SERVICE_UNAVAILABLE)
            response.headers["Retry-After"] = str(RETRY_AFTER)
            return response
        case IssueAnswer.EXPIRED:
            return _result("ImportAndPublishInv", "ERR:29")
    return _result("ImportAndPublishInv", "ERR:5")


def _result(operation: str, text: str) -> Response:
    answer = etree.Element(f"{{{NAMESPACE}}}{operation}Response", nsmap={"t": NAMESPACE})
    etree.SubElement(answer, f"{{{NAMESPACE}}}{operation}Result").text = text
    return _sent(wrap(answer), HTTPStatus.OK)


def _sent(envelope: Element, status: HTTPStatus) -> Response:
    return Response(to_bytes(envelope), status, headers={"Content-Type": CONTENT_TYPE})
