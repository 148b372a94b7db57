"""Which replies are believed: only what is signed by the department, fresh, and as the WSDL has it."""

from datetime import timedelta

import pytest

from connectors.errors import ConnectorCode, ContractBroken, Unavailable
from connectors.transport import envelope as soap
from connectors.transport import xml
from hub.clock import now
from tests.unit.connectors.forgeries import OTHERS, WRAPPING
from tests.unit.connectors.lures import BILLION_LAUGHS, WIDE, a_listener
from tests.unit.connectors.soap_office import (
    BUSY,
    CODE,
    EXISTS,
    FOUND,
    RECEIPT,
    REFUSED,
    SUBMITTED,
    SoapOffice,
    answer,
    body_in,
    http,
    outcome,
    refusal,
)


@pytest.mark.parametrize("detail", [None, REFUSED, EXISTS, BUSY])
def test_an_unsigned_fault_leaves_the_outcome_unknown(office: SoapOffice, detail: str | None) -> None:
    failed = outcome(office, refusal("Client", detail, signer=None))
    assert isinstance(failed, Unavailable)
    assert (failed.code, failed.outcome_unknown) == (ConnectorCode.UNSIGNED_FAULT, True)


@pytest.mark.parametrize("signer", [None, "SOAP_B", "SOAP_SIGN"])
def test_a_success_that_is_not_signed_by_the_department_is_not_believed(office: SoapOffice, signer: str | None) -> None:
    failed = outcome(office, answer(SUBMITTED, signer=signer))
    assert isinstance(failed, ContractBroken)
    assert failed.code == ConnectorCode.SIGNATURE


def test_an_old_answer_replayed_is_not_believed(office: SoapOffice) -> None:
    assert outcome(office, answer(SUBMITTED, at=now() - timedelta(minutes=6))).code == ConnectorCode.SIGNATURE


HARMLESS = "a comment inside a value"
"""Our parser drops it and reads the value whole: see test_wsse."""


@pytest.mark.parametrize("move", [*WRAPPING, *(what for what in OTHERS if what != HARMLESS)])
def test_a_forged_answer_is_not_believed(office: SoapOffice, move: str) -> None:
    forge = OTHERS.get(move) or WRAPPING[move][0]
    signed = xml.parse(body_in(answer(SUBMITTED)))
    forge(signed)
    assert isinstance(outcome(office, http(200, soap.to_bytes(signed))), ContractBroken)


UNREADABLE = {
    "a login page": http(200, b"<html><body>Dang nhap</body></html>", "text/html"),
    "text": http(200, b"OK", "text/plain"),
    "nothing": http(200, b""),
    "nothing at all": http(204, b""),
    "half an envelope": http(200, b'<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Bo'),
    "SOAP 1.2": http(200, b'<e:Envelope xmlns:e="http://www.w3.org/2003/05/soap-envelope"><e:Body/></e:Envelope>'),
    "an empty Body": http(
        200, b'<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body/></e:Envelope>'
    ),
    "a page that says conflict": http(409, b"<html/>", "text/html"),
    "a problem+json refusal": http(422, b'{"detail":"no"}', "application/problem+json"),
    "a page that says not found": http(404, b"<html/>", "text/html"),
    "a redirect": http(302, b"", "text/html", "Location: http://127.0.0.1:1/"),
    "billion laughs": http(200, BILLION_LAUGHS),
    "90000 attributes": http(200, WIDE),
    "300 levels": http(200, b"<a>" * 300 + b"</a>" * 300),
    "more than a mebibyte": http(200, b"<a>" + b" " * 1_100_000 + b"</a>"),
    "a file by entity": http(200, b'<!DOCTYPE a [<!ENTITY f SYSTEM "file:///etc/passwd">]><a>&f;</a>'),
}


MISSPOKEN = {
    "a moment without a zone": SUBMITTED.replace("+07:00", ""),
    "a moment that is none": SUBMITTED.replace("11-24T", "02-30T"),
    "an empty number": SUBMITTED.replace("31/2026-7", ""),
    "a number of blanks": SUBMITTED.replace("31/2026-7", "  "),
    "no receipt": SUBMITTED.replace(RECEIPT, ""),
    "two receipts": SUBMITTED.replace(RECEIPT, RECEIPT * 2),
    "an element too many": SUBMITTED.replace("</receipt>", "<more/></receipt>"),
    "the answer to another question": FOUND,
    "our own message": f"<FindDossier><dossierCode>{CODE}</dossierCode></FindDossier>",
}


def waits_for_a_person(office: SoapOffice, reply: bytes) -> bool:
    failed = outcome(office, reply)
    return isinstance(failed, ContractBroken) and failed.code == ConnectorCode.CONTRACT


@pytest.mark.parametrize("what", UNREADABLE)
def test_a_reply_that_cannot_be_read_waits_for_a_person(office: SoapOffice, what: str) -> None:
    assert waits_for_a_person(office, UNREADABLE[what])


@pytest.mark.parametrize("what", MISSPOKEN)
def test_a_signed_reply_that_the_contract_does_not_have_waits_for_a_person(office: SoapOffice, what: str) -> None:
    assert waits_for_a_person(office, answer(MISSPOKEN[what]))


def test_a_signed_fault_that_the_contract_does_not_have_waits_for_a_person(office: SoapOffice) -> None:
    assert waits_for_a_person(office, refusal("Client", REFUSED.replace("<code>TP-07</code>", "")))


def test_nothing_that_a_reply_points_to_is_fetched(office: SoapOffice) -> None:
    with a_listener() as (port, visits):
        lure = f'<!DOCTYPE a SYSTEM "http://127.0.0.1:{port}/evil.dtd"><a/>'
        assert isinstance(outcome(office, http(200, lure.encode())), ContractBroken)
        assert next(visits) is None
