"""A department behind SOAP, played by the test: what it says, signed or not, and what it was told."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from http import HTTPStatus
from socket import socket
from typing import Any

import pytest

from config.catalogue import Catalogue, load
from connectors.departments.soap import NAMESPACE, SOAPDepartment
from connectors.errors import ConnectorError
from connectors.transport import envelope as soap
from connectors.transport import wsse, xml
from connectors.transport.wsse import WsseKey
from connectors.transport.wsse_verifier import PinnedCertificate, verify
from connectors.transport.xml import Element
from hub.clock import now
from schemas.department import Handoff
from tests.builders import a_submission
from tests.catalogue_secrets import CATALOGUE, environment
from tests.unit.connectors.partner import Behaviour, Partner, answering, partner, scripted

CODE = "000.00.31.H42-261124-0001"
RECEIPT = "<receipt><number>31/2026-7</number><receivedAt>2026-11-24T09:00:00+07:00</receivedAt></receipt>"
SUBMITTED = f"<SubmitDossierResponse><dossierCode>{CODE}</dossierCode>{RECEIPT}</SubmitDossierResponse>"
FOUND = f"<FindDossierResponse><dossierCode>{CODE}</dossierCode>{RECEIPT}</FindDossierResponse>"
EXISTS = f"<DossierExists><dossierCode>{CODE}</dossierCode>{RECEIPT}</DossierExists>"
REASON = "Thiếu giấy tờ của ông Nguyễn Văn Thử Nghiệm"
REFUSED = (
    f"<DossierRefused><dossierCode>{CODE}</dossierCode><code>TP-07</code><reason>{REASON}</reason></DossierRefused>"
)
BUSY = "<ServiceBusy><retryAfterSeconds>120</retryAfterSeconds></ServiceBusy>"


@cache
def the_catalogue() -> Catalogue:
    return load(CATALOGUE, environment())


class SoapOffice:
    """The department ``code`` of the test catalogue on a socket, and the hub's port to it.

    soap-a signs its replies and wants ours signed; soap-b knows us by a password and does not sign.
    """

    def __init__(self, server: Partner, code: str) -> None:
        catalogue = the_catalogue()
        entry = catalogue.departments[code].model_copy(update={"timeout_seconds": 1.5})
        self.url = f"{server.url}/soap"
        self.port = SOAPDepartment(entry, catalogue, self.url)
        self.behaviour: Behaviour = answering(http(404, b""))
        self.requests = server.requests

    def will(self, *replies: bytes | Behaviour) -> SOAPDepartment:
        """The port, when the department gives these replies, or does one thing that the test has thought up."""
        self.requests.clear()
        self.behaviour = scripted(replies)
        return self.port


@contextmanager
def an_office(code: str) -> Iterator[SoapOffice]:
    """Opening a port costs a tenth of a second (the system's trusted roots), so one serves many tests."""

    def attend(connection: socket, server: Partner) -> None:
        office.behaviour(connection, server)

    with partner(attend) as server:
        office = SoapOffice(server, code)
        yield office


def a_handoff(**changes: Any) -> Handoff:
    """A handoff with every optional part of a message in it."""
    submission = a_submission("soap-a")
    by_reference = submission["papers"][0]
    inline = {
        "code": "TP-02",
        "name": "Bản chụp",
        "media_type": "application/pdf",
        "size": 4,
        "sha256": "9f6dcadda37783fd0de654616b0196e9f422603d22d54289177946281d704d69",
        "content": "UERGIQ==",
    }
    handoff = {
        "id": "hd_01JDH8R7000000000000000000",
        "dossier_code": CODE,
        "leg": 1,
        "from_agency": "000.00.01.H42",
        "to_agency": "000.00.31.H42",
        "procedure": submission["procedure"],
        "procedure_title": "Cấp giấy xác nhận thử nghiệm",
        "channel": submission["channel"],
        "received_at": "2026-11-24T08:15:00+07:00",
        "due_at": "2026-11-27T17:00:00+07:00",
        "applicant": submission["applicant"],
        "summary": "Đề nghị <xác nhận> & trả kết quả\n\tqua bưu chính",
        "papers": [by_reference, inline],
        "fees": [{"code": "LP-01", "kind": "le_phi", "amount": 8_000}],
        "result": {"method": "post", "address": submission["applicant"]["address"]},
    }
    return Handoff.model_validate_json(json.dumps(handoff | changes))


def payload(text: str) -> Element:
    """A message of the department's WSDL, written without its namespace."""
    return xml.parse(text.replace(">", f' xmlns="{NAMESPACE}">', 1).encode())


def answer(text: str, **how: Any) -> bytes:
    """An HTTP reply with the message ``text``; ``how`` as in ``sent``."""
    return sent(soap.wrap(payload(text)), **how)


def refusal(code: str, detail: str | None = None, **how: Any) -> bytes:
    """An HTTP reply with a soap:Fault."""
    fault = soap.fault(code, "Lỗi của hồ sơ ông Nguyễn Văn Thử Nghiệm", payload(detail) if detail else None)
    return sent(fault, **{"status": 500} | how)


def sent(envelope: Element, *, status: int = 200, signer: str | None = "SOAP_A", at: datetime | None = None) -> bytes:
    """``envelope`` as an HTTP reply, signed by ``signer`` (a name in the test's secrets) unless that is None.

    To be made by the test that uses it: what is signed is believed for five minutes, and a whole run takes longer.
    """
    if signer:
        wsse.sign(envelope, key_of(signer), at or now())
    return http(status, soap.to_bytes(envelope))


def http(status: int, body: bytes, media_type: str = "text/xml", *headers: str) -> bytes:
    """Any HTTP reply."""
    lines = [
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        f"Content-Type: {media_type}; charset=utf-8",
        f"Content-Length: {len(body)}",
        "Connection: close",
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@cache
def key_of(signer: str) -> WsseKey:
    secrets = environment()
    return WsseKey.from_pem(
        secrets[f"HUB_SECRET_TEST_{signer}_KEY"].encode(), secrets[f"HUB_SECRET_TEST_{signer}_CERTIFICATE"].encode()
    )


def heard(request: bytes) -> Element:
    """The message in a request to soap-a, which has to be signed by the hub and as the WSDL has it."""
    hub = PinnedCertificate.from_pem(environment()["HUB_SECRET_TEST_SOAP_SIGN_CERTIFICATE"].encode())
    message = soap.payload_of(verify(xml.parse(body_in(request)), [hub], now()))
    assert xml.schema_of("department.wsdl", NAMESPACE).fault(message) is None
    return message


def body_in(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[2]


def text(message: Element, *path: str) -> str | None:
    """The text of a descendant, by names without the namespace."""
    return message.findtext("/".join(f"{{{NAMESPACE}}}{name}" for name in path))


Ask = Callable[[SOAPDepartment], object]


def submit(port: SOAPDepartment) -> object:
    return port.submit(a_handoff(), "tr_1")


def find(port: SOAPDepartment) -> object:
    return port.find(a_handoff(), "tr_1")


def outcome(office: SoapOffice, reply: bytes | Behaviour, ask: Ask = submit) -> ConnectorError:
    """What ``ask`` raises when the department behaves so. The words of a message are never in the error."""
    with pytest.raises(ConnectorError) as raised:
        ask(office.will(reply))
    assert "Nguyễn" not in str(raised.value)
    return raised.value
