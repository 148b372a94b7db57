"""Who may speak to a SOAP department, and what it signs."""

from typing import Any

import pytest
import zeep.exceptions
from zeep.wsse.username import UsernameToken

from connectors.clock import now
from connectors.transport import wsse
from connectors.transport.contract import contract
from connectors.transport.envelope import CONTENT_TYPE, to_bytes
from connectors.transport.wsse_verifier import Untrusted
from tests.unit.sandbox.running import Running, a_handoff, call
from tests.unit.sandbox.speaking import (
    KNOWN,
    SECRETS,
    SIGNED,
    HubSignature,
    as_zeep,
    client,
    fault_of,
    message,
    post,
)


def test_every_fault_is_signed_unless_a_gateway_is_to_be_played(soap: Running, signed: Any) -> None:
    refused = a_handoff(9002, "soap-a")
    fault_of(signed.SubmitDossier, refused)
    soap.turn(SIGNED, unsigned_faults=True)
    with pytest.raises(Untrusted, match="no WS-Security header"):
        signed.SubmitDossier(key="tr_1", handoff=as_zeep(refused))
    assert signed.Ping()


def test_a_stranger_s_signature_and_none_at_all_have_no_effect(soap: Running) -> None:
    stranger = HubSignature("SOAP_B_KEY", "SOAP_B_CERTIFICATE")
    for security in (stranger, None):
        with client(soap, SIGNED, security) as speaking, pytest.raises(zeep.exceptions.Fault):
            speaking.service.SubmitDossier(key="tr_1", handoff=as_zeep(a_handoff(1, "soap-a")))
    assert soap.effects(SIGNED) == []


def test_a_changed_body_is_refused(soap: Running) -> None:
    signed_message = message(a_handoff(1, "soap-a"))
    answer = post(soap, to_bytes(signed_message).replace(b"tr_1", b"tr_2"))
    assert answer.status_code == 500
    assert "does not fit" in answer.text
    assert soap.effects(SIGNED) == []


@pytest.mark.parametrize(
    ("user", "password"), [("hub", "wrong"), ("somebody", SECRETS["SOAP_B_PASSWORD"])], ids=["password", "name"]
)
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
