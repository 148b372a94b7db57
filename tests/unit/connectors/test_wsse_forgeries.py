"""That no forgery of a signed message is believed, and that zeep alone would believe most."""

import pytest
from xmlsec import constants
from zeep.wsse.signature import BinarySignature, Signature

from connectors.transport import xml
from connectors.transport.envelope import BODY, HEADER, to_bytes
from connectors.transport.wsse import DS, TIMESTAMP, TOKEN, WSSE, WSU, WsseKey
from connectors.transport.wsse_verifier import verify
from hub.clock import now
from tests.self_signed import a_pair
from tests.unit.connectors.forgeries import OTHERS, WRAPPING, part
from tests.unit.connectors.signed_messages import CODE, FromZeep, code_in, over_the_wire, pinned, refusal, signed


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
    part(envelope, TOKEN).text = WsseKey.from_pem(a_pair("hub").key, a_pair("hub").certificate).token
    assert refusal(envelope) == "signature"


@pytest.mark.parametrize("text", ["", "no base64!", "ÀÀÀÀ"])
def test_a_token_that_is_no_certificate_is_refused(text: str) -> None:
    envelope = signed(a_pair("hub"))
    part(envelope, TOKEN).text = text
    assert refusal(envelope) in {"structure", "certificate"}
