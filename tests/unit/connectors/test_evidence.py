"""Evidence shows what was said and proves its bytes, and never shows who somebody is."""

import base64
import hashlib
import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.catalogue import Tls
from connectors.errors import ConnectorCode, ContractBroken, Unavailable
from connectors.transport.exchange import (
    KEEP_LIMIT,
    MASK,
    READ_LIMIT,
    Exchange,
    RecordedMessage,
    recording,
    redacted_body,
    redacted_headers,
    without_secrets,
)
from connectors.transport.http import Transport
from tests.unit.connectors.partner import OK, answering, partner

JSON = "application/json"
XML = "text/xml; charset=utf-8"


def exchanges_of(reply: bytes, *, times: int = 1, error: type[Exception] | None = None) -> list[Exchange]:
    with (
        partner(answering(reply)) as server,
        Transport("department.test", timeout=5, tls=Tls(), folder=Path()) as transport,
        recording() as exchanges,
    ):
        for _ in range(times):
            if error is None:
                transport.post(f"{server.url}/dossiers?key=1", b'{"id":"hd_1"}', {"Content-Type": JSON})
            else:
                with pytest.raises(error):
                    transport.post(f"{server.url}/dossiers?key=1", b'{"id":"hd_1"}', {"Content-Type": JSON})
    return exchanges


@pytest.mark.parametrize(
    ("media_type", "body", "as_base64"),
    [
        (JSON, b'{"detail":"Thi\\u1ebfu\\u0000"}', True),
        (JSON, b'{"reports":[{"note":"\\ud800"}]}', True),
        (JSON, '{"note":"Bi\u0300nh"}'.encode(), True),
        (XML, "<a><b>Bi\u0300nh</b></a>".encode(), True),
        (JSON, '{"note":"Bình"}'.encode(), False),
        (JSON, b'{"note":"plain"}', False),
        (JSON, b'{"note":"\\u0000', False),
        ("text/html", "Bi\u0300nh".encode(), False),
    ],
)
def test_bytes_whose_texts_are_used_cleaned_are_kept_as_they_came(
    media_type: str, body: bytes, as_base64: bool
) -> None:
    raw = RecordedMessage.of({"Content-Type": media_type}, body).raw
    assert (base64.b64decode(raw) if raw else None) == (body if as_base64 else None)


def test_an_exchange_keeps_both_sides_and_the_proof_of_their_bytes() -> None:
    (exchange,) = exchanges_of(OK)

    assert exchange.id.startswith("xc_")
    assert (exchange.counterparty, exchange.method, exchange.status) == ("department.test", "POST", 200)
    assert exchange.url.endswith(f"/dossiers?key={MASK}")
    assert exchange.sent
    assert exchange.error is None
    assert exchange.request.body == '{"id": "hd_1"}'
    assert exchange.request.sha256 == hashlib.sha256(b'{"id":"hd_1"}').hexdigest()
    assert exchange.reply == RecordedMessage.of({"Content-Type": JSON, "Content-Length": "2"}, b"{}")
    assert 0 <= exchange.duration_ms < 5000


def test_every_exchange_is_kept_under_an_id_of_its_own() -> None:
    assert len({exchange.id for exchange in exchanges_of(OK, times=3)}) == 3


def test_a_failed_exchange_says_why_and_whether_the_request_had_left() -> None:
    (exchange,) = exchanges_of(b"HTTP/1.1 302 Go\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", error=ContractBroken)

    assert (exchange.error, exchange.status, exchange.sent, exchange.reply) == (ConnectorCode.CONTRACT, 302, True, None)


def test_each_try_of_a_partner_that_is_away_is_kept() -> None:
    with (
        Transport("department.test", timeout=5, tls=Tls(), folder=Path()) as transport,
        recording() as exchanges,
        pytest.raises(Unavailable),
    ):
        transport.post("http://127.0.0.1:1/", b"{}", {})

    assert [(exchange.error, exchange.sent) for exchange in exchanges] == [(ConnectorCode.UNREACHABLE, False)] * 3


def test_recordings_end_and_nest() -> None:
    with (
        partner(answering(OK)) as server,
        Transport("department.test", timeout=5, tls=Tls(), folder=Path()) as transport,
    ):
        with recording() as outer:
            transport.get(server.url, {})
            with recording() as inner:
                transport.get(server.url, {})
        transport.get(server.url, {})

    assert (len(outer), len(inner)) == (1, 1)


@pytest.mark.parametrize(
    ("url", "redacted"),
    [
        ("https://user:word@host:8443/a/b?x=1&y=&z#part", f"https://host:8443/a/b?x={MASK}&y={MASK}&z={MASK}"),
        ("http://host/", "http://host/"),
        ("", ""),
    ],
)
def test_addresses_are_kept_without_what_could_be_a_secret(url: str, redacted: str) -> None:
    assert without_secrets(url) == redacted


def test_credentials_and_signatures_are_masked_and_harmless_headers_are_not() -> None:
    headers = redacted_headers(
        {
            "Authorization": "Bearer abc",
            "Signature": "hub=:abc=:",
            "webhook-signature": "v1,abc",
            "Set-Cookie": "abc",
            "X-Anything": "abc",
            "Content-Type": JSON,
            "Idempotency-Key": "tr_1",
            "Location": "https://u:abc@host/x?token=abc",
            "Server": "ab\x00c",
        }
    )
    assert "abc" not in str(headers.values())
    assert headers["Content-Type"] == JSON
    assert headers["Idempotency-Key"] == "tr_1"
    assert headers["Location"] == f"https:{MASK}host/x{MASK}"


def test_codes_moments_and_shape_stay_readable_in_json() -> None:
    handoff = {
        "id": "hd_01M85SMWS20E6G2XCP78BXP9SG",
        "dossier_code": "000.00.16.H42-261124-0001",
        "procedure": "1.004227.000.00.00.H42",
        "due_at": "2026-12-01T16:30:00+07:00",
        "leg": 1,
        "applicant": {"kind": "citizen", "code": "C-1"},
        "fees": [{"code": "LP-01", "kind": "le_phi", "amount": 20_000}],
        "summary": "Xin cấp bản sao",
    }
    assert json.loads(redacted_body(JSON, json.dumps(handoff).encode()) or "") == handoff | {
        "applicant": MASK,
        "summary": MASK,
    }


def test_codes_and_shape_stay_readable_in_xml() -> None:
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        '<report xmlns="urn:lienthong:hub:1" id="R-1"><dossierCode>000.00.16.H42-261124-0001</dossierCode>'
        "<status>20</status><!-- Ông Mẫu --><note>Ông Mẫu</note> Ông Mẫu</report></s:Body></s:Envelope>"
    )
    redacted = redacted_body(XML, body.encode()) or ""

    assert "<dossierCode>000.00.16.H42-261124-0001</dossierCode><status>20</status>" in redacted
    assert f"<note>{MASK}</note>{MASK}" in redacted
    assert 'id="R-1"' in redacted
    assert "Mẫu" not in redacted


@pytest.mark.parametrize(
    ("media_type", "body"),
    [
        (JSON, b""),
        (JSON, b"{"),
        (JSON, b"\xff\xfe"),
        (JSON, b"[" * 100_000),
        (JSON, b"1" * 5000),
        (JSON, b" " * READ_LIMIT + b"{}"),
        (XML, b"<a>"),
        (XML, b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>'),
        (XML, b"<a>" * 1000 + b"</a>" * 1000),
        ("text/html", b"<html></html>"),
        ("application/pdf", b"%PDF-1.7"),
        ("", b"{}"),
    ],
)
def test_what_cannot_be_read_is_kept_as_its_hash_only(media_type: str, body: bytes) -> None:
    message = RecordedMessage.of({"Content-Type": media_type}, body)

    assert message.body is None
    assert (message.size, message.sha256) == (len(body), hashlib.sha256(body).hexdigest())


def test_long_evidence_is_cut() -> None:
    body = json.dumps([{"id": f"hd_{number}"} for number in range(20_000)]).encode()

    assert len(redacted_body(JSON, body) or "") == KEEP_LIMIT


@given(media_type=st.sampled_from([JSON, XML, "application/problem+json", "application/soap+xml"]), body=st.binary())
def test_redaction_raises_on_no_bytes(media_type: str, body: bytes) -> None:
    RecordedMessage.of({"Content-Type": media_type}, body)


MARKERS = ("Nguyễn Văn Dấu", "079200000001", "0912345678", "dau@example.vn", "Số 1 đường Dấu", "bí mật")
NAMES = st.sampled_from(
    ["name", "number", "phone", "email", "detail", "summary", "reason", "note", "hoTen", "so_dinh_danh", "CaseRef", "x"]
) | st.sampled_from(["id", "code", "status", "dossier_code", "kind", "applicant", "papers", "content"])
VALUES = st.sampled_from(MARKERS) | st.sampled_from(["DA_TIEP_NHAN", 7, None, True, "2026-11-24T08:15:00+07:00"])
DOCUMENTS = st.recursive(
    VALUES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=20
)


@given(document=DOCUMENTS)
def test_no_person_survives_in_json_whatever_the_fields_are_called(document: Any) -> None:
    for escaped in (True, False):
        redacted = redacted_body(JSON, json.dumps(document, ensure_ascii=escaped).encode())
        assert redacted is not None
        assert not any(marker in redacted or json.dumps(marker)[1:-1] in redacted for marker in MARKERS)


@given(document=DOCUMENTS)
def test_no_person_survives_in_xml_whatever_the_elements_are_called(document: Any) -> None:
    redacted = redacted_body(XML, f'<a xmlns:p="urn:x">{_as_xml(document)}</a>'.encode())

    assert redacted is not None
    assert not any(marker in redacted for marker in MARKERS)


def _as_xml(value: Any) -> str:
    if isinstance(value, dict):
        return "".join(
            f'<p:{name} {name}="{escape(str(item))}">{_as_xml(item)}</p:{name}>{escape(str(item))}'
            for name, item in value.items()
        )
    if isinstance(value, list):
        return "".join(f"<item>{_as_xml(item)}</item>" for item in value)
    return escape(str(value))
