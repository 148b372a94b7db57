"""WS-Security: what is signed, who is believed, and when."""

import base64
import hashlib
from datetime import timedelta

import pytest
from xmlsec import constants
from zeep.wsse.signature import BinarySignature

from connectors.transport import wsse
from connectors.transport.envelope import BODY, to_bytes
from connectors.transport.wsse import WsseKey
from connectors.transport.wsse_verifier import PinnedCertificate, Untrusted, verify
from connectors.transport.xml import Element
from hub.clock import now
from tests.self_signed import a_pair, an_outdated_pair
from tests.unit.connectors.forgeries import part
from tests.unit.connectors.signed_messages import (
    CODE,
    FromZeep,
    a_message,
    as_npm_signs,
    code_in,
    over_the_wire,
    pinned,
    refusal,
    signed,
)


@pytest.mark.parametrize("kind", ["rsa", "ec"])
def test_what_we_sign_is_believed_by_whoever_pins_our_certificate(kind: str) -> None:
    body = verify(signed(a_pair("hub", kind)), pinned(a_pair("other"), a_pair("hub", kind)), now())
    assert body.tag == BODY
    assert code_in(body) == CODE


def test_zeep_believes_what_we_sign(zeep_hub: FromZeep) -> None:
    assert zeep_hub.accepts(signed(a_pair("hub")))


def test_a_message_signed_by_zeep_with_a_binary_token_is_believed(zeep_hub: FromZeep) -> None:
    envelope = zeep_hub.signed(BinarySignature, constants.TransformRsaSha256, constants.TransformSha256)
    assert code_in(verify(envelope, pinned(a_pair("hub")), now())) == CODE


def test_the_longer_transforms_and_plain_ids_of_the_npm_client_are_believed() -> None:
    assert code_in(verify(as_npm_signs(a_pair("hub")), pinned(a_pair("hub")), now())) == CODE


@pytest.mark.parametrize("seconds", [-3600, -301, 301, 3600])
def test_a_message_from_another_time_is_stale(seconds: int) -> None:
    assert refusal(signed(a_pair("hub"), at=now() + timedelta(seconds=seconds))) == "stale"


def test_clocks_may_differ_a_little() -> None:
    envelope = signed(a_pair("hub"), at=now() + timedelta(seconds=250))
    assert code_in(verify(envelope, pinned(a_pair("hub")), now())) == CODE


@pytest.mark.parametrize(
    ("created", "expires", "reason"),
    [
        ("2026-11-24T08:00:00", None, "structure"),
        ("yesterday", None, "structure"),
        (None, "2001-01-01T00:00:00Z", "stale"),
        ("0001-01-01T00:00:00+14:00", None, "stale"),
    ],
)
def test_a_timestamp_says_when_with_its_zone_and_has_not_run_out(
    created: str | None, expires: str | None, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    moments = iter([created, expires])
    zulu = wsse._zulu
    monkeypatch.setattr(wsse, "_zulu", lambda moment: next(moments) or zulu(moment))
    assert refusal(signed(a_pair("hub"))) == reason


def test_a_certificate_that_has_run_out_neither_signs_nor_is_believed() -> None:
    pair = an_outdated_pair()
    with pytest.raises(wsse.UnusableKeyError):
        signed(pair)
    yesterday = now() - timedelta(days=2)
    envelope = signed(pair, at=yesterday)
    assert code_in(verify(envelope, pinned(pair), yesterday)) == CODE
    with pytest.raises(Untrusted) as refused:
        verify(envelope, pinned(pair), now())
    assert refused.value.reason == "certificate"


@pytest.mark.parametrize(
    ("key", "certificate"),
    [
        (a_pair("hub").key, a_pair("other").certificate),
        (a_pair("hub").key, a_pair("hub", "ec").certificate),
        (a_pair("hub", "weak").key, a_pair("hub", "weak").certificate),
        (b"no key", a_pair("hub").certificate),
        (a_pair("hub").key, b"no certificate"),
        (b"", b""),
    ],
)
def test_a_weak_or_foreign_key_is_not_used(key: bytes, certificate: bytes) -> None:
    with pytest.raises(wsse.UnusableKeyError):
        WsseKey.from_pem(key, certificate)


@pytest.mark.parametrize("certificate", [a_pair("hub", "weak").certificate, b"no certificate", a_pair("hub").key])
def test_a_weak_certificate_is_not_pinned(certificate: bytes) -> None:
    with pytest.raises(wsse.UnusableKeyError):
        PinnedCertificate.from_pem(certificate)


def test_a_username_token_proves_the_password_without_carrying_it() -> None:
    envelope = a_message()
    wsse.username_token(envelope, "trung-tam", "a long password", now())
    wsse.username_token(again := a_message(), "trung-tam", "a long password", now())
    token, other = token_of(envelope), token_of(again)
    digested = base64.b64decode(token["Nonce"]) + token["Created"].encode() + b"a long password"
    digest = hashlib.sha1(digested).digest()  # noqa: S324 - the profile's
    assert token["Password"] == base64.b64encode(digest).decode()
    assert token["Nonce"] != other["Nonce"]
    assert b"a long password" not in to_bytes(envelope)


def test_a_message_may_carry_a_password_and_a_signature() -> None:
    envelope, pair = a_message(), a_pair("hub")
    wsse.username_token(envelope, "trung-tam", "a long password", now())
    wsse.sign(envelope, WsseKey.from_pem(pair.key, pair.certificate), now())
    assert code_in(verify(over_the_wire(envelope), pinned(pair), now())) == CODE


def token_of(envelope: Element) -> dict[str, str]:
    return {child.tag.rpartition("}")[2]: child.text or "" for child in part(envelope, wsse.USERNAME_TOKEN)}
