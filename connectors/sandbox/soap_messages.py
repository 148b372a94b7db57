"""The department's WSDL, spoken from the department's side: its messages as elements, a handoff read from one."""

import base64
import json
import re
from typing import Any, Final

from lxml import etree

from connectors.transport.xml import Element
from schemas import strict
from schemas.custody import WitnessedCheckpoint, WitnessReceipt
from schemas.department import Changes, Handoff, HandoffReceipt, StatusReport
from schemas.handoff import CounterRecord
from schemas.settlement import HandedTable, TableReceipt

WSDL: Final = "department.wsdl"
NAMESPACE: Final = "urn:lienthong:department:1"

_NUMBERS: Final = frozenset({"leg", "size", "amount"})
_BASE64: Final = frozenset({"content", "record", "signature", "seal", "salt"})
_LISTS: Final = frozenset({"papers", "fees"})


def tag(name: str) -> str:
    """The name of an element of the contract in Clark notation."""
    return f"{{{NAMESPACE}}}{name}"


def text_of(message: Element, name: str) -> str:
    """The text of the child ``name``; the schema has said that it is there."""
    return message.findtext(tag(name)) or ""


def handoff_in(message: Element) -> Handoff:
    """The handoff in a SubmitDossier. Raises schemas.strict.Refused where our schema is stricter than the XSD."""
    element = message.find(tag("handoff"))
    assert element is not None  # noqa: S101 - the message was held against the schema before
    return strict.read(Handoff, json.dumps(_value(element), ensure_ascii=False).encode())


def checkpoint_in(message: Element) -> WitnessedCheckpoint:
    """The checkpoint in a DeliverCheckpoint."""
    return WitnessedCheckpoint(
        checkpoint="".join(text_of(message, "checkpoint").split()),
        signature="".join(text_of(message, "signature").split()),
        held=int(text_of(message, "held")),
        consistency=[element.text or "" for element in message.iterfind(tag("consistency"))],
    )


def table_in(message: Element) -> HandedTable:
    """The table in a DeliverSettlement, its parts put together."""
    parts = [base64.b64decode(part.text or "") for part in message.iterfind(tag("table"))]
    return HandedTable(
        table=base64.b64encode(b"".join(parts)).decode(), signature="".join(text_of(message, "signature").split())
    )


def submit_response(dossier_code: str, receipt: HandoffReceipt) -> Element:
    return _element("SubmitDossierResponse", _element("dossierCode", dossier_code), _receipt(receipt))


def find_response(dossier_code: str, receipt: HandoffReceipt | None) -> Element:
    return _element(
        "FindDossierResponse", _element("dossierCode", dossier_code), *([_receipt(receipt)] if receipt else [])
    )


def changes_response(page: Changes) -> Element:
    return _element(
        "ListChangesResponse", *(_report(report) for report in page.reports), _element("cursor", page.cursor)
    )


def ping_response(system: str) -> Element:
    return _element("PingResponse", _element("system", system))


def checkpoint_response(receipt: WitnessReceipt) -> Element:
    return _element(
        "DeliverCheckpointResponse",
        _element("size", str(receipt.size)),
        _element("root", receipt.root),
        _element("receivedAt", receipt.received_at.isoformat()),
        *([_element("signature", receipt.signature)] if receipt.signature is not None else []),
    )


def checkpoint_refused(reason: str) -> Element:
    return _element("CheckpointRefused", _element("reason", reason))


def settlement_response(receipt: TableReceipt) -> Element:
    return _element(
        "DeliverSettlementResponse",
        _element("settlementId", receipt.settlement_id),
        _element("sha256", receipt.sha256),
        _element("receivedAt", receipt.received_at.isoformat()),
    )


def settlement_refused(reason: str) -> Element:
    return _element("SettlementRefused", _element("reason", reason))


def refused(dossier_code: str, reason: str) -> Element:
    return _element(
        "DossierRefused", _element("dossierCode", dossier_code), _element("code", "TU-CHOI"), _element("reason", reason)
    )


def exists(dossier_code: str, receipt: HandoffReceipt) -> Element:
    return _element("DossierExists", _element("dossierCode", dossier_code), _receipt(receipt))


def busy(seconds: int) -> Element:
    return _element("ServiceBusy", _element("retryAfterSeconds", str(seconds)))


def _element(name: str, *content: Element | str) -> Element:
    element = etree.Element(tag(name), nsmap={"d": NAMESPACE})
    for item in content:
        if isinstance(item, str):
            element.text = item
        else:
            element.append(item)
    return element


def _receipt(receipt: HandoffReceipt) -> Element:
    return _element(
        "receipt",
        _element("number", receipt.number),
        _element("receivedAt", receipt.received_at.isoformat()),
        *_signed(receipt.signed),
    )


def _report(report: StatusReport) -> Element:
    return _element(
        "report",
        _element("reportId", report.report_id),
        _element("dossierCode", report.dossier_code),
        _element("status", report.status),
        _element("at", report.at.isoformat()),
        *([_element("note", report.note)] if report.note is not None else []),
        *_signed(report.signed),
    )


def _signed(signed: CounterRecord | None) -> list[Element]:
    if signed is None:
        return []
    parts = {name: value for name, value in signed.model_dump().items() if value is not None}
    return [_element("signed", *(_element(name, value) for name, value in parts.items()))]


def _value(element: Element) -> Any:
    """An element as our JSON has it: papers and fees are lists, three names are numbers, camelCase is snake_case."""
    name = element.tag.rpartition("}")[2]
    if name in _LISTS:
        return [_value(child) for child in element]
    if len(element):
        return {_snake(child): _value(child) for child in element}
    text = element.text or ""
    if name in _NUMBERS:
        return int(text)
    return "".join(text.split()) if name in _BASE64 else text


def _snake(element: Element) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", r"_\1", element.tag.rpartition("}")[2]).lower()
