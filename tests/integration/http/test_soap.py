"""The SOAP twin: what a department's own SOAP stack sends, and what an attacker sends in its name."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import requests
import zeep
from lxml import etree
from requests import Response

from connectors.transport import envelope, wsse
from connectors.transport.contract import contract
from connectors.transport.envelope import CONTENT_TYPE
from connectors.transport.wsse import WsseKey
from connectors.transport.xml import Element, parse
from hub.clock import now
from schemas.department import StatusReport
from tests.builders import a_code
from tests.catalogue_secrets import environment
from tests.integration.http.caller import PROXY_SECRET, ApiCaller, certificate_of

PATH = "/soap/soap-b"
HUB = {"h": "urn:lienthong:hub:1", "soap": envelope.SOAP}
NOTE = "Ghi chú về bà Dấu Vết"
MOMENT = datetime(2026, 11, 24, 1, 2, 3, tzinfo=UTC)


def key_of(department: str) -> WsseKey:
    name = department.upper().replace("-", "_")
    secrets = environment()
    return WsseKey.from_pem(
        secrets[f"HUB_SECRET_TEST_{name}_KEY"].encode(), secrets[f"HUB_SECRET_TEST_{name}_CERTIFICATE"].encode()
    )


def a_push(**changes: object) -> Element:
    """ReportStatus as the contract has it, not yet signed."""
    message = {"reportId": "BC-1", "dossierCode": a_code(1), "status": "03", "at": MOMENT, "note": NOTE} | changes
    return contract("hub-department.wsdl").envelope("ReportStatus", message)


def signed(message: Element, signer: str = "soap-b", at: datetime | None = None) -> bytes:
    wsse.sign(message, key_of(signer), at or now())
    return envelope.to_bytes(message)


def post(api: ApiCaller, body: bytes, path: str = PATH, **headers: str) -> Response:
    sent = {"Content-Type": CONTENT_TYPE, "SOAPAction": '""', **headers}
    return requests.Session().post(api.url + path, data=body, headers=sent, timeout=20)


def text(answer: Response, path: str) -> str:
    element_text = parse(answer.content).findtext(path, namespaces=HUB)
    assert element_text is not None, answer.text
    return element_text


def refused(api: ApiCaller, answer: Response, code: str, fault: str = "Client") -> None:
    """A fault of the contract under the one status that every stack reads it behind, in SOAP's words; nothing stored;
    one line in the log, and in it nothing of the message."""
    assert answer.headers["Content-Type"] == CONTENT_TYPE
    assert (answer.status_code, text(answer, ".//h:ReportRefused/h:code")) == (500, code)
    assert text(answer, ".//faultcode") == f"soap:{fault}"
    assert not re.search("JSON|Idempotency", answer.text), "the words are SOAP's"
    refusal = parse(answer.content).find(".//h:ReportRefused", HUB)
    assert refusal is not None
    assert contract("hub-department.wsdl").fault(refusal) is None
    assert api.stored()["inbox"] == 0
    (line,) = api.log("refused")
    assert line["problem"] == code
    assert "Dấu" not in api.log_text()
    assert "D\\u1ea5u" not in api.log_text()
    assert NOTE not in answer.text


def test_a_signed_report_is_stored_as_any_other(api: ApiCaller) -> None:
    answer = post(api, signed(a_push()))

    assert answer.status_code == 200
    assert text(answer, ".//h:ReportStatusResponse/h:accepted/h:reportId") == "BC-1"
    (row,) = api.hub.rows("SELECT source, kind, external_id, body FROM inbox")
    assert (row["source"], row["kind"], row["external_id"]) == ("department.soap-b", "department.status", "BC-1")
    report = StatusReport.model_validate_json(row["body"])
    assert (report.dossier_code, report.status, report.at, report.note) == (a_code(1), "03", MOMENT, NOTE)


def test_a_repeated_report_is_answered_as_the_first_time(api: ApiCaller) -> None:
    first, again = post(api, signed(a_push())), post(api, signed(a_push()))

    assert again.content == first.content
    assert api.stored()["inbox"] == 1


def test_the_published_contract_is_enough_for_a_strangers_soap_client(api: ApiCaller, tmp_path: Path) -> None:
    """zeep reads the WSDL from the endpoint and finds this endpoint's address in it."""
    wsdl = requests.Session().get(f"{api.url}{PATH}?wsdl", timeout=10)
    (tmp_path / "hub.wsdl").write_bytes(wsdl.content)

    client = zeep.Client(str(tmp_path / "hub.wsdl"))

    assert client.service._binding_options["address"] == api.url + PATH
    assert requests.Session().head(f"{api.url}{PATH}?wsdl", timeout=10).status_code == 200


@pytest.mark.parametrize("code", ["nobody", "soap-a", "rest-a"])
def test_an_endpoint_without_a_fitting_guard_is_not_found(api: ApiCaller, code: str) -> None:
    for answer in (post(api, signed(a_push()), f"/soap/{code}"), requests.Session().get(f"{api.url}/soap/{code}")):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert api.stored()["inbox"] == 0


def test_a_department_known_by_its_certificate_may_send_soap_unsigned(api: ApiCaller) -> None:
    shown = {"X-Client-Cert": certificate_of("rest-b").escaped, "X-Proxy-Secret": PROXY_SECRET}

    accepted = post(api, envelope.to_bytes(a_push()), "/soap/rest-b", **shown)
    stranger = post(api, envelope.to_bytes(a_push()), "/soap/rest-b")

    assert (accepted.status_code, stranger.status_code) == (200, 500)


ADDRESSING = "http://www.w3.org/2005/08/addressing"


def with_header(message: Element, **attributes: str) -> Element:
    """``message`` with a header block of another specification, as WCF and CXF add them."""
    header = message.find(envelope.HEADER)
    if header is None:
        header = etree.Element(envelope.HEADER)
        message.insert(0, header)
    block = etree.SubElement(header, f"{{{ADDRESSING}}}Action")
    for name, value in attributes.items():
        block.set(f"{{{envelope.SOAP}}}{name}", value)
    return message


@pytest.mark.parametrize("actor", [{}, {"actor": ""}, {"actor": "\n http://schemas.xmlsoap.org/soap/actor/next "}])
def test_a_header_that_must_be_understood_and_is_not_is_refused(api: ApiCaller, actor: dict[str, str]) -> None:
    """SOAP 1.1 §4.2.3: who goes on regardless breaks what the sender relies on. White space names nobody else."""
    answer = post(api, signed(with_header(a_push(), mustUnderstand="1", **actor)))

    refused(api, answer, "soap-header-not-understood", fault="MustUnderstand")


@pytest.mark.parametrize(
    "attributes",
    [{}, {"mustUnderstand": "0"}, {"mustUnderstand": "1", "actor": "urn:a-gateway-on-the-way"}],
)
def test_a_header_that_need_not_be_understood_is_passed_over(api: ApiCaller, attributes: dict[str, str]) -> None:
    assert post(api, signed(with_header(a_push(), **attributes))).status_code == 200


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-11-23T24:00:00+07:00", "2026-11-24T00:00:00+07:00"),
        ("2026-11-24T08:02:03.1234567891234+07:00", "2026-11-24T08:02:03.123456+07:00"),
        (" 2026-11-24T01:02:03Z\n", "2026-11-24T01:02:03+00:00"),
    ],
)
def test_a_moment_may_be_written_in_every_way_that_xml_schema_has(api: ApiCaller, written: str, meant: str) -> None:
    message = a_push()
    moment = message.find(".//h:at", HUB)
    assert moment is not None
    moment.text = written

    assert post(api, signed(message)).status_code == 200
    [row] = api.hub.rows("SELECT convert_from(body, 'UTF8')::jsonb ->> 'at' AS at FROM inbox")
    assert datetime.fromisoformat(row["at"]) == datetime.fromisoformat(meant)


def test_an_unsigned_report_is_refused(api: ApiCaller) -> None:
    refused(api, post(api, envelope.to_bytes(a_push())), "authentication-failed")


def test_another_departments_signature_is_refused(api: ApiCaller) -> None:
    refused(api, post(api, signed(a_push(), "soap-a")), "authentication-failed")


def test_a_report_signed_long_ago_is_refused(api: ApiCaller) -> None:
    refused(api, post(api, signed(a_push(), at=now() - timedelta(seconds=301))), "authentication-failed")


def test_a_report_that_was_changed_after_signing_is_refused(api: ApiCaller) -> None:
    refused(api, post(api, signed(a_push()).replace(b">03<", b">07<")), "authentication-failed")


def test_a_signed_body_that_was_moved_aside_for_another_is_refused(api: ApiCaller) -> None:
    """Signature wrapping: the signed Body still stands in the document, in a place that nobody reads."""
    message = parse(signed(a_push()))
    body = message[-1]
    evil = etree.fromstring(etree.tostring(body))
    status = evil.find(".//h:status", HUB)
    assert status is not None
    status.text = "07"
    evil.attrib.clear()
    wrapper = etree.SubElement(message[0], "{urn:evil}wrapper")
    message.remove(body)
    wrapper.append(body)
    message.append(evil)

    refused(api, post(api, envelope.to_bytes(message)), "authentication-failed")


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY a0 "haha">'
    + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    + f']><soap:Envelope xmlns:soap="{envelope.SOAP}"><soap:Body><x>&a9;</x></soap:Body></soap:Envelope>'
)
LEAK = (
    '<?xml version="1.0"?><!DOCTYPE b [<!ENTITY f SYSTEM "file:///etc/hostname">]>'
    f'<soap:Envelope xmlns:soap="{envelope.SOAP}"><soap:Body><x>&f;</x></soap:Body></soap:Envelope>'
)
EMPTY = f'<soap:Envelope xmlns:soap="{envelope.SOAP}"/>'


@pytest.mark.parametrize("body", [BOMB, LEAK, '<!DOCTYPE html "x"><html/>', "", "not xml", "<a>", "<a>" * 300])
def test_bombs_leaks_and_what_is_no_xml_are_refused_before_anything_else(api: ApiCaller, body: str) -> None:
    refused(api, post(api, body.encode()), "envelope-not-readable")


@pytest.mark.parametrize("body", [EMPTY, "<a/>", f"<x>{EMPTY}</x>"])
def test_xml_that_is_no_signed_envelope_is_refused(api: ApiCaller, body: str) -> None:
    refused(api, post(api, body.encode()), "authentication-failed")


@pytest.mark.parametrize(
    ("element", "value"),
    [
        ("status", "a b"),
        ("at", "2026-11-24T08:00:00"),
        ("at", "yesterday"),
        ("dossierCode", "x" * 49),
        ("reportId", ""),
    ],
)
def test_a_report_that_the_contract_does_not_have_is_refused(api: ApiCaller, element: str, value: str) -> None:
    message = a_push()
    field = message.find(f".//h:{element}", HUB)
    assert field is not None
    field.text = value

    refused(api, post(api, signed(message)), "content-invalid")


def test_a_dossier_code_that_is_none_is_refused_with_its_place(api: ApiCaller) -> None:
    answer = post(api, signed(a_push(dossierCode="khong-phai-ma")))

    refused(api, answer, "content-invalid")
    assert "/dossier_code" in text(answer, ".//h:reason")


def test_another_operation_is_refused(api: ApiCaller) -> None:
    message = a_push()
    payload = envelope.payload_of(message[-1])
    payload.tag = "{urn:lienthong:hub:1}ServiceBusy"

    refused(api, post(api, signed(message)), "content-invalid")


def test_a_reused_report_id_is_refused(api: ApiCaller) -> None:
    post(api, signed(a_push()))

    answer = post(api, signed(a_push(status="07")))

    assert (answer.status_code, text(answer, ".//h:ReportRefused/h:code")) == (500, "reference-reused")
    assert api.stored()["inbox"] == 1


def test_a_large_envelope_is_refused(api: ApiCaller) -> None:
    refused(api, post(api, b" " * 1_048_577), "body-too-large")


def test_json_is_refused_at_the_soap_endpoint(api: ApiCaller) -> None:
    refused(api, post(api, b"{}", **{"Content-Type": "application/json"}), "media-type-not-supported")
