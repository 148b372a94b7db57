"""The SOAP departments over real sockets: zeep speaks to them by the WSDL that they serve."""

from typing import Any

import pytest
import requests
import zeep.exceptions
from lxml import etree

from connectors.sandbox.department import REASON
from tests.unit.sandbox.hubs import WitnessHub
from tests.unit.sandbox.running import Running, a_handoff, call, until
from tests.unit.sandbox.speaking import KNOWN, SIGNED, HubSignature, as_zeep, client, fault_of, post, posted

DOSSIER_CODE = "000.00.01.H42-261124-0001"


def test_a_signed_handoff_is_answered_with_a_signed_receipt_and_has_an_effect(soap: Running, signed: Any) -> None:
    handoff = a_handoff(9001, "soap-a")
    answer = signed.SubmitDossier(key="tr_1", handoff=as_zeep(handoff))
    (effect,) = soap.effects(SIGNED)
    assert answer.dossierCode == handoff.dossier_code
    assert (answer.receipt.number, answer.receipt.receivedAt) == (effect.number, effect.at)
    assert (effect.key, effect.handoff_id) == ("tr_1", handoff.id)
    assert signed.FindDossier(dossierCode=handoff.dossier_code).receipt == answer.receipt


def test_the_same_dossier_again_has_no_second_effect(soap: Running, signed: Any) -> None:
    handoff = a_handoff(1, "soap-a")
    first = signed.SubmitDossier(key="tr_1", handoff=as_zeep(handoff))
    assert signed.SubmitDossier(key="tr_1", handoff=as_zeep(handoff)) == first
    with pytest.raises(zeep.exceptions.Fault) as exists:
        signed.SubmitDossier(key="tr_2", handoff=as_zeep(handoff))
    assert exists.value.detail[0].findtext("{*}receipt/{*}number") == first.receipt.number
    assert len(soap.effects(SIGNED)) == 1


def test_a_dossier_that_it_does_not_have_is_not_found(signed: Any) -> None:
    assert signed.FindDossier(dossierCode=DOSSIER_CODE).receipt is None


def test_what_is_no_dossier_code_is_a_fault(signed: Any) -> None:
    with pytest.raises(zeep.exceptions.Fault, match="dossier code"):
        signed.FindDossier(dossierCode="hồ sơ")


def test_the_feed_is_told_in_order_and_goes_on_after_its_cursor(signed: Any) -> None:
    signed.SubmitDossier(key="tr_1", handoff=as_zeep(a_handoff(9001, "soap-a")))
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
        hasty.service.SubmitDossier(key="tr_1", handoff=as_zeep(handoff))
    assert [effect.dossier_code for effect in soap.effects(SIGNED)] == [handoff.dossier_code]


def test_two_faults_without_effect_and_then_it_is_accepted(soap: Running, signed: Any) -> None:
    handoff = a_handoff(9004, "soap-a")
    assert [fault_of(signed.SubmitDossier, handoff) for _ in range(2)] == [("Server", None)] * 2
    assert soap.effects(SIGNED) == []
    signed.SubmitDossier(key="tr_1", handoff=as_zeep(handoff))
    assert len(soap.effects(SIGNED)) == 1


def test_a_busy_department_says_when_to_come_back(soap: Running, signed: Any) -> None:
    handoff = a_handoff(9005, "soap-a")
    code, detail = fault_of(signed.SubmitDossier, handoff)
    assert code == "Server"
    assert detail is not None
    assert detail.findtext("{*}retryAfterSeconds") == "2"
    assert soap.effects(SIGNED) == []
    signed.SubmitDossier(key="tr_1", handoff=as_zeep(handoff))


def test_busy_is_also_said_in_http(soap: Running) -> None:
    answer = posted(soap, a_handoff(9005, "soap-a"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_a_duplicate_answer_carries_the_receipt_of_the_dossier_that_it_has(soap: Running, signed: Any) -> None:
    _, detail = fault_of(signed.SubmitDossier, a_handoff(9006, "soap-a"))
    (effect,) = soap.effects(SIGNED)
    assert detail is not None
    assert etree.QName(detail).localname == "DossierExists"
    assert detail.findtext("{*}receipt/{*}number") == effect.number


def test_malformed_xml_comes_after_the_effect(soap: Running) -> None:
    answer = posted(soap, a_handoff(9007, "soap-a"))
    assert answer.status_code == 200
    with pytest.raises(etree.XMLSyntaxError):
        etree.fromstring(answer.content)
    assert len(soap.effects(SIGNED)) == 1


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
    answer = post(soap, body)
    assert answer.status_code == 500
    assert etree.fromstring(answer.content).findtext(".//faultcode") == "soap:Client"


def test_a_message_that_breaks_the_schema_is_a_fault_that_quotes_nothing(soap: Running, known: Any) -> None:
    handoff = as_zeep(a_handoff(1, "soap-b"))
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
    document = as_zeep(handoff)
    document["papers"]["paper"][0]["content"] = b"abc"
    known.SubmitDossier(key="tr_1", handoff=document)
    again = known.SubmitDossier(key="tr_1", handoff=document)
    (effect,) = soap.effects(KNOWN)
    assert again.receipt.number == effect.number


def test_a_department_that_pushes_soap_signs_its_reports(known: Any, witness: WitnessHub) -> None:
    handoff = a_handoff(9001, "soap-b")
    known.SubmitDossier(key="tr_1", handoff=as_zeep(handoff))
    until(lambda: len(witness.of(handoff.dossier_code)) == 4)
    assert [report.status for report in witness.of(handoff.dossier_code)] == ["01", "03", "07", "08"]


def test_the_wsdl_names_the_address_at_which_it_was_asked_for(soap: Running) -> None:
    answer = call("GET", f"{soap.urls[SIGNED]}?wsdl")
    addresses = etree.fromstring(answer.content).iter("{http://schemas.xmlsoap.org/wsdl/soap/}address")
    assert [address.get("location") for address in addresses] == [soap.urls[SIGNED]]
    assert call("GET", soap.urls[SIGNED]).status_code == 404
