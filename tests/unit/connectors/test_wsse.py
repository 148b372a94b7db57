"""WS-Security: who is believed, and that no forgery of a signed message is."""

import base64
import hashlib
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import xmlsec
from lxml import etree
from xmlsec import constants, template
from zeep.exceptions import SignatureVerificationFailed
from zeep.wsse.signature import BinarySignature, Signature, verify_envelope
from zeep.wsse.utils import WSU as ZEEP_WSU
from zeep.wsse.utils import get_security_header

from connectors.transport import wsse, xml
from connectors.transport.envelope import BODY, HEADER, payload_of, to_bytes, wrap
from connectors.transport.wsse import DS, SECURITY, TIMESTAMP, TOKEN, WSSE, WSU, WSU_ID, SigningKey
from connectors.transport.wsse_parts import Untrusted
from connectors.transport.wsse_verifier import PinnedCertificate, verify
from connectors.transport.xml import Element
from hub.clock import now
from tests.unit.connectors.forgeries import OTHERS, WRAPPING, part
from tests.unit.connectors.keys import Pair, a_pair, an_outdated_pair

CODE = "000.00.16.H42-261124-0001"


def a_message() -> Element:
    return wrap(
        xml.parse(
            f'<FindDossier xmlns="urn:lienthong:department:1"><dossierCode>{CODE}</dossierCode></FindDossier>'.encode()
        )
    )


def signed(pair: Pair, at: datetime | None = None) -> Element:
    envelope = a_message()
    wsse.sign(envelope, SigningKey.from_pem(pair.key, pair.certificate), at or now())
    return over_the_wire(envelope)


def over_the_wire(envelope: Element) -> Element:
    return xml.parse(to_bytes(envelope))


def pinned(*pairs: Pair) -> list[PinnedCertificate]:
    return [PinnedCertificate.from_pem(pair.certificate) for pair in pairs]


def code_in(body: Element) -> str | None:
    return payload_of(body).findtext("{urn:lienthong:department:1}dossierCode")


def refusal(envelope: Element, at: datetime | None = None) -> str:
    """The reason for which the message is refused when hub's RSA certificate is pinned."""
    with pytest.raises(Untrusted) as refused:
        verify(envelope, pinned(a_pair("hub")), at or now())
    assert CODE not in str(refused.value)
    return refused.value.reason


class FromZeep:
    """Messages as zeep's own plug-ins make them."""

    def __init__(self, pair: Pair, folder: Path) -> None:
        self.key, self.certificate = folder / "key.pem", folder / "certificate.pem"
        self.key.write_bytes(pair.key)
        self.certificate.write_bytes(pair.certificate)

    def signed(self, plugin: type[Signature] = BinarySignature, *algorithms: object) -> Element:
        envelope = a_message()
        timestamp = ZEEP_WSU.Timestamp(
            ZEEP_WSU.Created(now().isoformat()), ZEEP_WSU.Expires((now() + timedelta(minutes=1)).isoformat())
        )
        get_security_header(envelope).append(timestamp)
        plugin(str(self.key), str(self.certificate), None, *algorithms).apply(envelope, {})
        return over_the_wire(envelope)

    def accepts(self, envelope: Element) -> bool:
        """What zeep's own verification says."""
        try:
            verify_envelope(envelope, str(self.certificate))
        except SignatureVerificationFailed:
            return False
        return True


@pytest.fixture
def zeep_hub(tmp_path: Path) -> FromZeep:
    """zeep with the hub's RSA key."""
    return FromZeep(a_pair("hub"), tmp_path)


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


def as_npm_signs(pair: Pair) -> Element:
    """enveloped-signature before exclusive c14n, and ``Id`` without a namespace."""
    envelope = signed(pair)
    part(envelope, SECURITY).remove(part(envelope, f"{{{DS}}}Signature"))
    signature = template.create(envelope, constants.TransformExclC14N, constants.TransformRsaSha256, ns="ds")
    part(envelope, SECURITY).append(signature)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pair.key, constants.KeyDataFormatPem, None)
    for number, tag in enumerate((BODY, TIMESTAMP)):
        element = part(envelope, tag)
        del element.attrib[WSU_ID]
        element.set("Id", f"_{number}")
        context.register_id(element, "Id", None)
        reference = template.add_reference(signature, constants.TransformSha256, uri=f"#_{number}")
        template.add_transform(reference, constants.TransformEnveloped)
        template.add_transform(reference, constants.TransformExclC14N)
    holder = etree.SubElement(template.ensure_key_info(signature), wsse.TOKEN_REFERENCE)
    etree.SubElement(holder, wsse.REFERENCE, {"URI": f"#{part(envelope, TOKEN).get(WSU_ID)}"})
    context.sign(signature)
    return over_the_wire(envelope)


@pytest.mark.parametrize("move", WRAPPING)
def test_a_wrapped_message_is_refused(move: str) -> None:
    envelope = signed(a_pair("hub"))
    WRAPPING[move][0](envelope)
    assert refusal(over_the_wire(envelope)) == "structure"


@pytest.mark.parametrize("move", WRAPPING)
def test_zeep_alone_would_believe_most_of_them(move: str, zeep_hub: FromZeep) -> None:
    forge, accepted = WRAPPING[move]
    envelope = signed(a_pair("hub"))
    forge(envelope)
    assert zeep_hub.accepts(over_the_wire(envelope)) is accepted


@pytest.mark.parametrize("what", OTHERS)
def test_what_is_ambiguous_or_changed_is_refused(what: str) -> None:
    envelope = signed(a_pair("hub"))
    OTHERS[what](envelope)
    assert refusal(envelope) in {"structure", "signature"}


def test_a_comment_that_our_parser_has_dropped_leaves_the_value_whole() -> None:
    data = to_bytes(signed(a_pair("hub"))).replace(CODE.encode(), CODE[:9].encode() + b"<!-- x -->" + CODE[9:].encode())
    assert code_in(verify(xml.parse(data), pinned(a_pair("hub")), now())) == CODE


@pytest.mark.parametrize("what", ["an attribute", "Expires", "Created"])
def test_a_changed_timestamp_breaks_the_signature(what: str) -> None:
    envelope = signed(a_pair("hub"))
    if what == "an attribute":
        part(envelope, TIMESTAMP).set("{urn:x}y", "z")
    else:
        moment = part(envelope, f"{{{WSU}}}{what}")
        moment.text = (moment.text or "").replace("Z", "0Z")
    assert refusal(over_the_wire(envelope)) == "signature"


def test_only_sha256_is_believed(zeep_hub: FromZeep) -> None:
    assert refusal(zeep_hub.signed()) == "algorithm"  # zeep's defaults are SHA-1
    assert (
        refusal(zeep_hub.signed(BinarySignature, constants.TransformRsaSha256, constants.TransformSha1)) == "algorithm"
    )
    assert (
        refusal(zeep_hub.signed(BinarySignature, constants.TransformRsaSha1, constants.TransformSha256)) == "algorithm"
    )


def test_a_key_that_travels_beside_the_token_is_not_believed(zeep_hub: FromZeep) -> None:
    assert refusal(zeep_hub.signed(Signature, constants.TransformRsaSha256, constants.TransformSha256)) == "structure"


@pytest.mark.parametrize("algorithm", ["CanonicalizationMethod", "SignatureMethod", "Transform", "DigestMethod"])
def test_an_algorithm_that_is_not_on_the_list_is_refused(algorithm: str) -> None:
    envelope = signed(a_pair("hub"))
    part(envelope, f"{{{DS}}}{algorithm}").set("Algorithm", "http://www.w3.org/TR/1999/REC-xpath-19991116")
    assert refusal(envelope) == "algorithm"


@pytest.mark.parametrize(
    "uri", ["", "#", "#nowhere", "#xpointer(/)", "http://127.0.0.1:1/", "#xpointer(id('x'))", "body"]
)
def test_a_reference_names_an_element_of_the_message_by_its_id(uri: str) -> None:
    envelope = signed(a_pair("hub"))
    part(envelope, f"{{{DS}}}Reference").set("URI", uri)
    assert refusal(envelope) == "structure"


@pytest.mark.parametrize("missing", ["Security", "Signature", "BinarySecurityToken", "Timestamp", "Header", "Body"])
def test_a_part_that_is_missing_is_missed(missing: str) -> None:
    envelope = signed(a_pair("hub"))
    tags = {"Signature": f"{{{DS}}}Signature", "Timestamp": TIMESTAMP, "Header": HEADER, "Body": BODY}
    element = part(envelope, tags.get(missing, f"{{{WSSE}}}{missing}"))
    parent = element.getparent()
    assert parent is not None
    parent.remove(element)
    assert refusal(envelope) == ("unsigned" if missing in {"Security", "Header"} else "structure")


def test_a_signature_over_the_body_alone_is_refused() -> None:
    envelope = signed(a_pair("hub"))
    info = part(envelope, f"{{{DS}}}SignedInfo")
    info.remove(info[-1])
    assert refusal(envelope) == "structure"


def test_a_certificate_that_nobody_gave_us_is_refused() -> None:
    assert refusal(signed(a_pair("stranger"))) == "certificate"
    assert refusal(signed(a_pair("hub", "ec"))) == "certificate"


def test_a_stranger_cannot_sign_behind_a_certificate_that_we_know() -> None:
    envelope = signed(a_pair("stranger"))
    part(envelope, TOKEN).text = SigningKey.from_pem(a_pair("hub").key, a_pair("hub").certificate).token
    assert refusal(envelope) == "signature"


@pytest.mark.parametrize("text", ["", "no base64!", "ÀÀÀÀ"])
def test_a_token_that_is_no_certificate_is_refused(text: str) -> None:
    envelope = signed(a_pair("hub"))
    part(envelope, TOKEN).text = text
    assert refusal(envelope) in {"structure", "certificate"}


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
        SigningKey.from_pem(key, certificate)


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
    wsse.sign(envelope, SigningKey.from_pem(pair.key, pair.certificate), now())
    assert code_in(verify(over_the_wire(envelope), pinned(pair), now())) == CODE


def token_of(envelope: Element) -> dict[str, str]:
    return {child.tag.rpartition("}")[2]: child.text or "" for child in part(envelope, wsse.USERNAME_TOKEN)}
