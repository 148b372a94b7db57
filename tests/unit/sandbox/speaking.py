"""What a test says to the SOAP departments: by zeep and the WSDL that they serve, or as bare bytes."""

import re
from typing import Any

import pytest
import requests
import zeep
import zeep.exceptions
import zeep.transports

from connectors.clock import now
from connectors.transport import wsse, wsse_verifier
from connectors.transport.contract import contract
from connectors.transport.envelope import CONTENT_TYPE, to_bytes
from connectors.transport.wsse import WsseKey
from connectors.transport.wsse_verifier import PinnedCertificate
from connectors.transport.xml import Element
from schemas.department import Handoff
from tests.catalogue_secrets import environment
from tests.unit.sandbox.running import Running, call

SIGNED, KNOWN = "department.soap-a", "department.soap-b"
SECRETS = {name.removeprefix("HUB_SECRET_TEST_"): value for name, value in environment().items()}


class HubSignature:
    """What zeep asks of a WS-Security plug-in: our signature on what goes out, the department's on what comes in."""

    def __init__(self, key: str = "SOAP_SIGN_KEY", certificate: str = "SOAP_SIGN_CERTIFICATE") -> None:
        self._key = WsseKey.from_pem(SECRETS[key].encode(), SECRETS[certificate].encode())
        self._theirs = PinnedCertificate.from_pem(SECRETS["SOAP_A_CERTIFICATE"].encode())

    def apply(self, envelope: Element, headers: dict[str, str]) -> tuple[Element, dict[str, str]]:
        wsse.sign(envelope, self._key, now())
        return envelope, headers

    def verify(self, envelope: Element) -> None:
        wsse_verifier.verify(envelope, [self._theirs], now())


def client(running: Running, counterparty: str, security: object, timeout: float = 10) -> Any:
    session = requests.Session()
    session.trust_env = False
    transport = zeep.transports.Transport(session=session, operation_timeout=timeout)
    return zeep.Client(f"{running.urls[counterparty]}?wsdl", wsse=security, transport=transport)


def as_zeep(handoff: Handoff) -> dict[str, Any]:
    """A handoff as zeep takes it."""
    document = _camel(handoff.model_dump(exclude_none=True))
    return {**document, "papers": {"paper": document["papers"]}, "fees": {"fee": document["fees"]}}


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("_(.)", lambda match: match[1].upper(), name): _camel(item) for name, item in value.items()}


def fault_of(handing_over: Any, handoff: Handoff) -> tuple[str, Element | None]:
    """The fault with which the department answers: its code without the prefix, and its typed detail."""
    with pytest.raises(zeep.exceptions.Fault) as caught:
        handing_over(key="tr_1", handoff=as_zeep(handoff))
    detail = caught.value.detail
    return caught.value.code.rpartition(":")[2], detail[0] if detail is not None and len(detail) else None


def message(handoff: Handoff) -> Element:
    """The signed envelope of a hand-over."""
    message = contract("department.wsdl").envelope("SubmitDossier", {"key": "tr_1", "handoff": as_zeep(handoff)})
    key = WsseKey.from_pem(SECRETS["SOAP_SIGN_KEY"].encode(), SECRETS["SOAP_SIGN_CERTIFICATE"].encode())
    wsse.sign(message, key, now())
    return message


def posted(soap: Running, handoff: Handoff) -> requests.Response:
    return post(soap, to_bytes(message(handoff)))


def post(soap: Running, body: bytes) -> requests.Response:
    return call("POST", soap.urls[SIGNED], data=body, headers={"Content-Type": CONTENT_TYPE})
