"""The SOAP departments over real sockets: zeep speaks to them by the WSDL that they serve."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import zeep
import zeep.exceptions
import zeep.transports
from lxml import etree
from zeep.wsse.username import UsernameToken

from connectors.sandbox.clock import now
from connectors.sandbox.department import REASON
from connectors.transport import wsse, wsse_verifier
from connectors.transport.contract import contract
from connectors.transport.envelope import CONTENT_TYPE, to_bytes
from connectors.transport.wsse import SigningKey
from connectors.transport.wsse_parts import Untrusted
from connectors.transport.wsse_verifier import PinnedCertificate
from connectors.transport.xml import Element
from schemas.department import Handoff
from tests.catalogue_secrets import environment
from tests.unit.sandbox.hubs import WitnessHub
from tests.unit.sandbox.running import Running, a_handoff, call, sandbox, until

SIGNED, KNOWN = "department.soap-a", "department.soap-b"
SECRETS = {name.removeprefix("HUB_SECRET_TEST_"): value for name, value in environment().items()}
DOSSIER_CODE = "000.00.01.H42-261124-0001"


class HubSignature:
    """What zeep asks of a WS-Security plug-in: our signature on what goes out, the department's on what comes in."""

    def __init__(self, key: str = "SOAP_SIGN_KEY", certificate: str = "SOAP_SIGN_CERTIFICATE") -> None:
        self._key = SigningKey.from_pem(SECRETS[key].encode(), SECRETS[certificate].encode())
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


@pytest.fixture
def soap(tmp_path: Path, witness: WitnessHub) -> Iterator[Running]:
    with sandbox(tmp_path, [SIGNED, KNOWN], hub=witness.url) as running:
        yield running


@pytest.fixture
def signed(soap: Running) -> Iterator[Any]:
    """A zeep client that signs as the hub and believes soap-a's certificate only."""
    with client(soap, SIGNED, HubSignature()) as speaking:
        yield speaking.service


@pytest.fixture
def known(soap: Running) -> Iterator[Any]:
    """A zeep client that says the hub's name and password to soap-b."""
    token = UsernameToken("hub", SECRETS["SOAP_B_PASSWORD"], use_digest=True)
    with client(soap, KNOWN, token) as speaking:
        yield speaking.service


def said(handoff: Handoff) -> dict[str, Any]:
    """A handoff as zeep takes it."""
    document = _camel(handoff.model_dump(exclude_none=True))
    return {**document, "papers": {"paper": document["papers"]}, "fees": {"fee": document["fees"]}}


def _camel(value: Any) -> Any:
    if isinstance(value, list):
        return [_camel(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {re.sub("_(.)", lambda found: found[1].upper(), name): _camel(item) for name, item in value.items()}


def fault_of(handing_over: Any, handoff: Handoff) -> tuple[str, Element | None]:
    """The fault with which the department answers: its code without the prefix, and its typed detail."""
    with pytest.raises(zeep.exceptions.Fault) as caught:
        handing_over(key="tr_1", handoff=said(handoff))
    detail = caught.value.detail
    return caught.value.code.rpartition(":")[2], detail[0] if detail is not None and len(detail) else None


def test_a_signed_handoff_is_answered_with_a_signed_receipt_and_has_an_effect(soap: Running, signed: Any) -> None:
    handoff = a_handoff(9001, "soap-a")
    answer = signed.SubmitDossier(key="tr_1", handoff=said(handoff))
    (effect,) = soap.effects(SIGNED)
    assert answer.dossierCode == handoff.dossier_code
    assert (answer.receipt.number, answer.receipt.receivedAt) == (effect.number, effect.at)
    assert (effect.key, effect.handoff_id) == ("tr_1", handoff.id)
    assert signed.FindDossier(dossierCode=handoff.dossier_code).receipt == answer.receipt


def test_the_same_dossier_again_has_no_second_effect(soap: Running, signed: Any) -> None:
    handoff = a_handoff(1, "soap-a")
    first = signed.SubmitDossier(key="tr_1", handoff=said(handoff))
    assert signed.SubmitDossier(key="tr_1", handoff=said(handoff)) == first
    with pytest.raises(zeep.exceptions.Fault) as exists:
        signed.SubmitDossier(key="tr_2", handoff=said(handoff))
    assert exists.value.detail[0].findtext("{*}receipt/{*}number") == first.receipt.number
    assert len(soap.effects(SIGNED)) == 1


def test_a_dossier_that_it_does_not_have_is_not_found(signed: Any) -> None:
    assert signed.FindDossier(dossierCode=DOSSIER_CODE).receipt is None


def test_what_is_no_dossier_code_is_a_fault(signed: Any) -> None:
    with pytest.raises(zeep.exceptions.Fault, match="dossier code"):
        signed.FindDossier(dossierCode="hồ sơ")


def test_the_feed_is_told_in_order_and_goes_on_after_its_cursor(signed: Any) -> None:
    signed.SubmitDossier(key="tr_1", handoff=said(a_handoff(9001, "soap-a")))
    until(lambda: len(signed.ListChanges(after="").report) == 4)
    page = signed.ListChanges(after="")
    assert [report.status for report in page.report] == ["10", "20", "90", "99"]
    assert signed.ListChanges(after=page.cursor).report == []


def test_ping_says_who_answers(signed: Any) -> None:
    assert signed.Ping() == "sandbox: Sở Thử nghiệm SOAP A"


def test_a_refusal_is_a_typed_fault_and_has_no_effect(soap: Running, signed: Any) -> None:
    code, detail = fault_of(signed.SubmitDossier, a_handoff(9002, "soap-a"))
    assert code == "Client"
    assert detail is not None
    assert etree.QName(detail).localname == "DossierRefused"
    assert detail.findtext("{*}reason") == REASON
    assert soap.effects(SIGNED) == []


def test_a_silent_department_has_the_dossier(soap: Running) -> None:
    handoff = a_handoff(9003, "soap-a")
    with client(soap, SIGNED, HubSignature(), timeout=0.3) as hasty, pytest.raises(requests.ReadTimeout):
        hasty.service.SubmitDossier(key="tr_1", handoff=said(handoff))
    assert [effect.dossier_code for effect in soap.effects(SIGNED)] == [handoff.dossier_code]


def test_two_faults_without_effect_and_then_it_is_accepted(soap: Running, signed: Any) -> None:
    handoff = a_handoff(9004, "soap-a")
    assert [fault_of(signed.SubmitDossier, handoff) for _ in range(2)] == [("Server", None)] * 2
    assert soap.effects(SIGNED) == []
    signed.SubmitDossier(key="tr_1", handoff=said(handoff))
    assert len(soap.effects(SIGNED)) == 1


def test_a_busy_department_says_when_to_come_back(soap: Running, signed: Any) -> None:
    handoff = a_handoff(9005, "soap-a")
    code, detail = fault_of(signed.SubmitDossier, handoff)
    assert code == "Server"
    assert detail is not None
    assert detail.findtext("{*}retryAfterSeconds") == "2"
    assert soap.effects(SIGNED) == []
    signed.SubmitDossier(key="tr_1", handoff=said(handoff))


def test_busy_is_also_said_in_http(soap: Running) -> None:
    answer = _posted(soap, a_handoff(9005, "soap-a"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_a_duplicate_answer_carries_the_receipt_of_the_dossier_that_it_has(soap: Running, signed: Any) -> None:
    _, detail = fault_of(signed.SubmitDossier, a_handoff(9006, "soap-a"))
    (effect,) = soap.effects(SIGNED)
    assert detail is not None
    assert etree.QName(detail).localname == "DossierExists"
    assert detail.findtext("{*}receipt/{*}number") == effect.number


def test_malformed_xml_comes_after_the_effect(soap: Running) -> None:
    answer = _posted(soap, a_handoff(9007, "soap-a"))
    assert answer.status_code == 200
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(answer.content)
    assert len(soap.effects(SIGNED)) == 1


def test_every_fault_is_signed_unless_a_gateway_is_to_be_played(soap: Running, signed: Any) -> None:
    refused = a_handoff(9002, "soap-a")
    fault_of(signed.SubmitDossier, refused)
    soap.turn(SIGNED, unsigned_faults=True)
    with pytest.raises(Untrusted, match="no WS-Security header"):
        signed.SubmitDossier(key="tr_1", handoff=said(refused))
    assert signed.Ping()


def test_a_stranger_s_signature_and_none_at_all_have_no_effect(soap: Running) -> None:
    stranger = HubSignature("SOAP_B_KEY", "SOAP_B_CERTIFICATE")
    for security in (stranger, None):
        with client(soap, SIGNED, security) as speaking, pytest.raises(zeep.exceptions.Fault):
            speaking.service.SubmitDossier(key="tr_1", handoff=said(a_handoff(1, "soap-a")))
    assert soap.effects(SIGNED) == []


def test_a_changed_body_is_refused(soap: Running) -> None:
    message = _message(a_handoff(1, "soap-a"))
    answer = _post(soap, to_bytes(message).replace(b"tr_1", b"tr_2"))
    assert answer.status_code == 500
    assert "does not fit" in answer.text
    assert soap.effects(SIGNED) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<a/>",
        b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
        b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>',
    ],
    ids=["nothing", "no envelope", "doctype", "empty body"],
)
def test_what_is_no_soap_is_a_fault(soap: Running, body: bytes) -> None:
    answer = _post(soap, body)
    assert answer.status_code == 500
    assert etree.fromstring(answer.content).findtext(".//faultcode") == "soap:Client"


def test_a_message_that_breaks_the_schema_is_a_fault_that_quotes_nothing(soap: Running, known: Any) -> None:
    handoff = said(a_handoff(1, "soap-b"))
    with pytest.raises(zeep.exceptions.Fault) as caught:
        known.SubmitDossier(key="a key with spaces", handoff=handoff)
    assert "SCHEMAV" in caught.value.message
    assert "spaces" not in caught.value.message
    assert soap.effects(KNOWN) == []


def test_inline_papers_and_all_that_is_optional_arrive(soap: Running, known: Any) -> None:
    handoff = a_handoff(
        1,
        "soap-b",
        papers=[
            {
                "code": "don",
                "name": "Đơn đề nghị",
                "media_type": "text/plain",
                "size": 3,
                "sha256": "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
                "content": "YWJj",
            }
        ],
        fees=[{"code": "phi", "kind": "phi", "amount": 200_000}],
        result={"method": "post", "address": {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": "Số 1"}},
    )
    document = said(handoff)
    document["papers"]["paper"][0]["content"] = b"abc"
    known.SubmitDossier(key="tr_1", handoff=document)
    again = known.SubmitDossier(key="tr_1", handoff=document)
    (effect,) = soap.effects(KNOWN)
    assert again.receipt.number == effect.number


@pytest.mark.parametrize(("user", "password"), [("hub", "wrong"), ("somebody", SECRETS["SOAP_B_PASSWORD"])])
def test_a_wrong_password_or_name_has_no_effect(soap: Running, user: str, password: str) -> None:
    token = UsernameToken(user, password, use_digest=True)
    with client(soap, KNOWN, token) as speaking, pytest.raises(zeep.exceptions.Fault, match="wrong password"):
        speaking.service.Ping()
    with client(soap, KNOWN, None) as speaking, pytest.raises(zeep.exceptions.Fault, match="UsernameToken"):
        speaking.service.Ping()


@pytest.mark.parametrize("nonce", ["không phải base64", "A", ""])
def test_a_nonce_that_is_none_is_a_fault_too(soap: Running, nonce: str) -> None:
    envelope = contract("department.wsdl").envelope("Ping", {})
    wsse.username_token(envelope, "hub", SECRETS["SOAP_B_PASSWORD"], now())
    for element in envelope.iter("{*}Nonce", "{*}Password"):
        element.text = nonce
    answer = call("POST", soap.urls[KNOWN], data=to_bytes(envelope), headers={"Content-Type": CONTENT_TYPE})
    assert answer.status_code == 500
    assert "wrong password" in answer.text


def test_a_department_that_pushes_soap_signs_its_reports(known: Any, witness: WitnessHub) -> None:
    handoff = a_handoff(9001, "soap-b")
    known.SubmitDossier(key="tr_1", handoff=said(handoff))
    until(lambda: len(witness.of(handoff.dossier_code)) == 4)
    assert [report.status for report in witness.of(handoff.dossier_code)] == ["01", "03", "07", "08"]


def test_the_wsdl_names_the_address_at_which_it_was_asked_for(soap: Running) -> None:
    answer = call("GET", f"{soap.urls[SIGNED]}?wsdl")
    addresses = etree.fromstring(answer.content).iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
    assert [address.get("location") for address in addresses] == [soap.urls[SIGNED]]
    assert call("GET", soap.urls[SIGNED]).status_code == 404


def _message(handoff: Handoff) -> Element:
    """The signed envelope of a hand-over."""
    message = contract("department.wsdl").envelope("SubmitDossier", {"key": "tr_1", "handoff": said(handoff)})
    key = SigningKey.from_pem(SECRETS["SOAP_SIGN_KEY"].encode(), SECRETS["SOAP_SIGN_CERTIFICATE"].encode())
    wsse.sign(message, key, now())
    return message


def _posted(soap: Running, handoff: Handoff) -> requests.Response:
    return _post(soap, to_bytes(_message(handoff)))


def _post(soap: Running, body: bytes) -> requests.Response:
    return call("POST", soap.urls[SIGNED], data=body, headers={"Content-Type": CONTENT_TYPE})
