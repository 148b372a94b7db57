"""The department's WSDL and WS-Security, from the department's side: who may speak to it, its messages as elements.

The catalogue names certificates; a department's private key is nobody's business but its own. The sandbox, which plays
the department, finds it in the environment beside the certificate: HUB_SECRET_…_CERTIFICATE, HUB_SECRET_…_KEY.
"""

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from lxml import etree

from config.catalogue import Catalogue, Department, SecretName
from connectors.clock import now
from connectors.transport import wsse, wsse_verifier
from connectors.transport.envelope import HEADER, body_of
from connectors.transport.wsse import PASSWORD_DIGEST, SECURITY, USERNAME_TOKEN, WINDOW, WSSE, WsseKey
from connectors.transport.wsse_verifier import PinnedCertificate, Untrusted
from connectors.transport.xml import Element
from schemas import strict
from schemas.custody import WitnessedCheckpoint, WitnessReceipt
from schemas.department import Changes, Handoff, HandoffReceipt, StatusReport
from schemas.handoff import CounterRecord
from schemas.settlement import HandedTable, TableReceipt


@dataclass(frozen=True, slots=True)
class DepartmentSoapSecurity:
    """What a department asks of the hub's messages, and the key with which it signs its own, if it signs."""

    hub: PinnedCertificate | None
    username: str | None
    password: str
    own_key: WsseKey | None

    @classmethod
    def of(
        cls, department: Department, catalogue: Catalogue, environment: Mapping[str, str]
    ) -> "DepartmentSoapSecurity":
        """Raises ValueError when the department's key is not in the environment, or is not usable."""
        asked = department.ws_security
        if asked is None:
            return cls(None, None, "", None)
        certificate = catalogue.secret(asked.sign_certificate).encode() if asked.sign_certificate else None
        return cls(
            hub=PinnedCertificate.from_pem(certificate) if certificate else None,
            username=asked.username,
            password=catalogue.secret(asked.password) if asked.password else "",
            own_key=signing_key(asked.their_certificates[0], catalogue, environment)
            if asked.their_certificates
            else None,
        )

    def body_of(self, envelope: Element) -> Element:
        """The Body that may be believed. Raises Untrusted, NotSOAP."""
        if self.username is not None:
            self._check_password(envelope, now())
        if self.hub is None:
            return body_of(envelope)
        return wsse_verifier.verify(envelope, [self.hub], now())

    def sign(self, envelope: Element) -> None:
        """Sign, if this department signs."""
        if self.own_key is not None:
            wsse.sign(envelope, self.own_key, now())

    def _check_password(self, envelope: Element, moment: datetime) -> None:
        """UsernameToken Profile 1.1 with PasswordDigest: SHA-1 over nonce, created and password."""
        tokens = envelope.findall(f"{HEADER}/{SECURITY}/{USERNAME_TOKEN}")
        if len(tokens) != 1:
            raise Untrusted("unsigned", "the message carries no UsernameToken, or several")
        token = tokens[0]
        password = token.find(f"{{{WSSE}}}Password")
        created = token.findtext(wsse.CREATED) or ""
        if password is None or password.get("Type") != PASSWORD_DIGEST or not _is_fresh(created, moment):
            raise Untrusted("stale", "the UsernameToken is not a fresh PasswordDigest")
        nonce, shown = _decoded(token.findtext(f"{{{WSSE}}}Nonce")), _decoded(password.text)
        digest = hashlib.sha1(nonce + created.encode() + self.password.encode()).digest()  # noqa: S324 - the profile's
        if token.findtext(f"{{{WSSE}}}Username") != self.username or not hmac.compare_digest(digest, shown):
            raise Untrusted("signature", "unknown user or wrong password")


def signing_key(certificate: SecretName, catalogue: Catalogue, environment: Mapping[str, str]) -> WsseKey:
    """The private key beside ``certificate``. Raises ValueError when it is missing or does not belong to it."""
    name = certificate.removesuffix("CERTIFICATE") + "KEY"
    if not environment.get(name):
        raise ValueError(f"the environment has no {name}: the sandbox signs with it as the department")
    return WsseKey.from_pem(environment[name].encode(), catalogue.secret(certificate).encode())


def _decoded(text: str | None) -> bytes:
    """Base64; what is none is nothing, and fits no password."""
    try:
        return base64.b64decode(text or "", validate=True)
    except ValueError:
        return b""


def _is_fresh(created: str, moment: datetime) -> bool:
    try:
        return abs(moment - datetime.fromisoformat(created)) <= WINDOW
    except (ValueError, TypeError):
        return False


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
