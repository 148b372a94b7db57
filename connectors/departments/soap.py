"""The SOAP dialect of departments: our own, schemas/wire/department.wsdl. The natural key is the dossier code.

Two pure directions (``encode``, ``decode_…``) and a table of typed faults; the call between them is transport.soap's.
Every answer names the dossier that it is about, so that an older answer, signed and replayed, is not taken for its own.
"""

import base64
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from lxml import etree
from pydantic import BaseModel

from config.catalogue import Catalogue, Department
from connectors.errors import ConnectorCode, ConnectorError, ContractBroken, Duplicate, Rejected, Unavailable
from connectors.transport import xml
from connectors.transport.contract import contract
from connectors.transport.http import Transport
from connectors.transport.soap import SoapSecurity, SOAPService, TypedFault
from connectors.transport.xml import Element, value_of
from schemas import replies
from schemas.custody import WitnessedCheckpoint, WitnessReceipt
from schemas.department import Changes, Handoff, HandoffReceipt, ReadChanges, StatusReport
from schemas.identifiers import DossierCode
from schemas.replies import UnreadableEntry
from schemas.settlement import HandedTable, TableReceipt
from schemas.strict import Refused

NAMESPACE: Final = "urn:lienthong:department:1"
OPERATIONS: Final = {
    "submit": "SubmitDossier",
    "find": "FindDossier",
    "changes": "ListChanges",
    "witness": "DeliverCheckpoint",
    "settle": "DeliverSettlement",
    "check": "Ping",
}
"""What we ask = the name of the operation, where the department's [operations] has no other."""
TABLE_PART: Final = 4 * 1024 * 1024
"""bytes of a table in one element: libxml2 reads no text of more than 10 MB"""
_SHOWN: Final = 3
"""faults of a reply that the error's sentence names"""

Model = TypeVar("Model", bound=BaseModel)


class SOAPDepartment:
    """A department port over SOAP. Threads may share it."""

    def __init__(
        self, department: Department, catalogue: Catalogue, url: str, on_sent: Callable[[], None] | None = None
    ) -> None:
        """``url``: where the service is. Raises ValueError or OSError where the catalogue names what cannot be used."""
        terms = contract(department.wsdl or "")
        self._name = department.name
        self._operations = OPERATIONS | {str(what): name for what, name in department.operations.items()}
        unknown = set(self._operations.values()) - terms.operations.keys()
        if terms.namespace != NAMESPACE or unknown or department.fields:
            raise ValueError(
                f"department {department.code}: the soap dialect speaks {NAMESPACE} as it stands; other messages, "
                f"operations ({', '.join(sorted(unknown)) or 'none'}) or [fields] need a dialect of their own"
            )
        transport = Transport(
            department.counterparty,
            timeout=department.timeout_seconds,
            tls=department.tls,
            folder=catalogue.folder,
            on_sent=on_sent,
        )
        self._terms = terms
        self._service = SOAPService(terms, url, transport, security_of(department, catalogue.secret))

    def submit(self, handoff: Handoff, key: str) -> HandoffReceipt:
        """DossierExists is Duplicate with the first receipt, DossierRefused is Rejected, ServiceBusy is Unavailable."""
        code = handoff.dossier_code
        answer = self._ask("submit", {"key": key, "handoff": encode(handoff)}, about=code, idempotent=False)
        return decode_receipt(answer)

    def find(self, handoff: Handoff, key: str) -> HandoffReceipt | None:  # noqa: ARG002 - the dossier code is asked for
        code = handoff.dossier_code
        answer = self._ask("find", {"dossierCode": code}, about=code, idempotent=True)
        return None if answer.find(_tag("receipt")) is None else decode_receipt(answer)

    def changes(self, cursor: str) -> ReadChanges:
        """A report that is none is set aside by itself."""
        with self._typed_faults():
            answer, odd = self._service.page(self._operations["changes"], {"after": cursor}, _tag("report"))
        return decode_changes(answer, odd)

    def entry(self, document: str) -> StatusReport | UnreadableEntry:
        """One report of a page, by itself."""
        try:
            report = xml.parse(document.encode())
        except xml.UnsafeXML as error:
            return UnreadableEntry.entry(document, error.code)
        page = etree.Element(self._terms.operations[self._operations["changes"]].answer)
        page.append(report)
        etree.SubElement(page, _tag("cursor")).text = ""
        return _report(report, document, is_odd=bool(self._terms.take_out_invalid(page, report.tag)))

    def witness(self, checkpoint: WitnessedCheckpoint, key: str) -> WitnessReceipt:
        """CheckpointRefused is Rejected: the log does not go on from the checkpoint that the department holds."""
        message = {
            "key": key,
            "checkpoint": base64.b64decode(checkpoint.checkpoint),
            "signature": base64.b64decode(checkpoint.signature),
            "held": checkpoint.held,
            "consistency": checkpoint.consistency,
        }
        answer = _snake(self._ask("witness", message, idempotent=True))
        signature = {"signature": "".join(answer["signature"].split())} if "signature" in answer else {}
        return _read(WitnessReceipt, {**answer, "size": int(answer["size"]), **signature})

    def settle(self, handed: HandedTable, key: str) -> TableReceipt:
        """SettlementRefused is Rejected."""
        table = handed.content
        message = {
            "key": key,
            "table": [table[at : at + TABLE_PART] for at in range(0, len(table), TABLE_PART)],
            "signature": base64.b64decode(handed.signature),
        }
        answer = self._ask("settle", message, idempotent=True)
        receipt = _read(TableReceipt, _snake(answer))
        if not receipt.is_for(table):
            raise ContractBroken(ConnectorCode.CONTRACT, "the receipt is about another table")
        return receipt

    def check(self) -> str:
        """Ping: address, certificate, credentials, and whether the replies are signed as agreed."""
        self._ask("check", {}, idempotent=True)
        return f"{self._name}: answers Ping; address, connection and credentials are accepted"

    def _ask(self, what: str, message: Mapping[str, Any], *, about: str | None = None, idempotent: bool) -> Element:
        """The payload of the answer. Raises the errors of connectors.errors, also for typed faults."""
        with self._typed_faults(about):
            answer = self._service.call(self._operations[what], message, idempotent=idempotent)
        _check_subject(answer, about)
        return answer

    @contextmanager
    def _typed_faults(self, about: str | None = None) -> Iterator[None]:
        """Map a typed fault to one of connectors.errors."""
        try:
            yield
        except TypedFault as fault:
            _check_subject(fault.element, about)
            raise error_of(fault.element) from None


def security_of(department: Department, secret: Callable[[str], str]) -> SoapSecurity:
    """What the department's [ws_security] asks for. Raises UnusableKeyError for keys that cannot be used."""
    asked = department.ws_security
    if asked is None:
        return SoapSecurity()
    return SoapSecurity.from_pem(
        username=asked.username,
        password=secret(asked.password) if asked.password else None,
        key=secret(asked.sign_key) if asked.sign_key else None,
        certificate=secret(asked.sign_certificate) if asked.sign_certificate else None,
        theirs=[secret(name) for name in asked.their_certificates],
    )


def encode(handoff: Handoff) -> dict[str, Any]:
    """``handoff`` as the WSDL has it: what is unset is left out, inline papers as bytes."""
    message: dict[str, Any] = _camel(handoff.model_dump(exclude_none=True))
    message["papers"] = {"paper": [_with_bytes(paper) for paper in message["papers"]]}
    message["fees"] = {"fee": message["fees"]}
    if "signed" in message:
        message["signed"] = {name: base64.b64decode(part) for name, part in message["signed"].items()}
    return message


def decode_receipt(answer: Element) -> HandoffReceipt:
    """The receipt in SubmitDossierResponse, FindDossierResponse or DossierExists."""
    receipt = answer.find(_tag("receipt"))
    return _read(HandoffReceipt, {} if receipt is None else _snake(receipt))


def decode_changes(answer: Element, odd: Sequence[Element] = ()) -> ReadChanges:
    """A page of reports, in their order and in their codes. ``odd``: reports of it that the WSDL does not allow."""
    read = [_report(report, _alone(report)) for report in answer.iter(_tag("report"))]
    read += [_report(report, _alone(report), is_odd=True) for report in odd]
    page = _read(Changes, {"reports": [], "cursor": answer.findtext(_tag("cursor"))})
    return ReadChanges(
        reports=[one for one in read if isinstance(one, StatusReport)],
        unreadable=[one for one in read if isinstance(one, UnreadableEntry)],
        cursor=page.cursor,
    )


def _alone(report: Element) -> str:
    """The report as a document: canonical XML is the same whenever and in whatever envelope it is told again.

    By Canonical XML 2.0, since 1.0 refuses the relative namespaces that some stacks declare and nobody uses.
    """
    document: str = etree.canonicalize(etree.tostring(report, with_tail=False, encoding="unicode"))
    return document


def _report(report: Element, document: str, *, is_odd: bool = False) -> StatusReport | UnreadableEntry:
    if is_odd:
        return UnreadableEntry.entry(document, "not as the WSDL has it")
    try:
        return _read(StatusReport, _snake(report))
    except ContractBroken as broken:
        return UnreadableEntry.entry(document, broken.detail)


def error_of(fault: Element) -> ConnectorError:
    """The error of connectors.errors that a typed fault of our WSDL means."""
    match etree.QName(fault).localname:
        case "DossierRefused":
            code, reason = fault.findtext(_tag("code")), fault.findtext(_tag("reason"))
            return Rejected(ConnectorCode.REJECTED, f"their reason {code}", reason=reason or "")
        case "CheckpointRefused":
            return Rejected(
                ConnectorCode.REJECTED, "the log does not go on", reason=fault.findtext(_tag("reason")) or ""
            )
        case "SettlementRefused":
            return Rejected(
                ConnectorCode.REJECTED, "the table is not taken", reason=fault.findtext(_tag("reason")) or ""
            )
        case "DossierExists":
            return Duplicate(ConnectorCode.DUPLICATE, reply=decode_receipt(fault))
        case "ServiceBusy":
            return Unavailable(ConnectorCode.BUSY, retry_after=float(fault.findtext(_tag("retryAfterSeconds")) or 0))
    return ContractBroken(ConnectorCode.CONTRACT, "a typed fault that this dialect does not have")


def _check_subject(answer: Element, code: str | None) -> None:
    """Raises ContractBroken if ``answer`` is about another dossier than ``code``."""
    named = answer.findtext(_tag("dossierCode"))
    if code is None or named is None:
        return
    try:
        same = DossierCode.received(named).normalised == DossierCode.received(code).normalised
    except ValueError:
        same = False
    if not same:
        raise ContractBroken(ConnectorCode.CONTRACT, "the answer is about another dossier")


def _read(model: type[Model], document: dict[str, Any]) -> Model:
    """As in JSON: text and moments pass the same gate, whatever they travelled in."""
    try:
        return replies.read(model, document)
    except Refused as refused:
        places = ", ".join(f"{fault.pointer or '/'} {fault.code}" for fault in refused.faults[:_SHOWN])
        raise ContractBroken(ConnectorCode.CONTRACT, f"the reply is no {model.__name__}: {places}") from None


def _with_bytes(paper: dict[str, Any]) -> dict[str, Any]:
    return {**paper, "content": base64.b64decode(paper["content"])} if "content" in paper else paper


def _camel(value: Any) -> Any:
    """The same document with Python's names as the WSDL writes them."""
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {_camel_name(name): _camel(item) for name, item in value.items()}


def _camel_name(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def _snake(element: Element) -> dict[str, Any]:
    """What is in ``element`` under our names; what is empty is empty text, not missing."""
    return {
        "".join(f"_{char.lower()}" if char.isupper() else char for char in etree.QName(child).localname): value_of(
            child
        )
        for child in element
    }


def _tag(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"
