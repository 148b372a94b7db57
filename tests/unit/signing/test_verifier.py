"""The strict verifier: whatever is bent, in the file or beside it, is refused, and the reason is named."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from asn1crypto import cms as asn1crypto_cms
from asn1crypto import core
from cryptography.hazmat.primitives import hashes
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import now
from hub.signing import asn1, cms, der, verifier
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided
from tests.unit.signing.authority import BEGINS, DAY, ENDS, KeyHolder, SigningAuthority

CONTENT = b'{"seq":3}'
ROOT = SigningAuthority()
ISSUING = SigningAuthority("Issuing CA", ROOT)
SIGNER = ISSUING.issue()
TRUST = ROOT.trust(ISSUING.crl(), ROOT.crl())
SIGNATURE = cms.sign(CONTENT, SIGNER, DAY)
DATA = der.oid(cms.DATA)


def refusal(content: bytes, signature: bytes, **changed: Any) -> str:
    trust, at = changed.get("trust", TRUST), changed.get("at", DAY)
    with pytest.raises(Invalid) as invalid:
        verifier.verify(content, signature, trust, at=at)
    assert invalid.value.sentence
    return invalid.value.code


def holds(content: bytes, signature: bytes, trust: Trust, at: datetime) -> bool:
    return verifier.verify(content, signature, trust, at=at).chain[-1] in trust.roots


def rebuilt(**parts: bytes) -> bytes:
    """SIGNATURE with parts of its container replaced."""
    signed = asn1.read_signed_data(SIGNATURE)
    content = parts.get("content", b"")
    return der.sequence(
        der.oid(asn1.SIGNED_DATA),
        der.context(
            0,
            der.sequence(
                parts.get("version", der.integer(1)),
                der.set_of([signed.digest_algorithm]),
                der.sequence(DATA, content),
                parts.get("certificates", der.set_of(map(cms.encoded, signed.certificates), 0xA0)),
                parts.get("crls", b""),
                parts.get("signers", der.tlv(der.SET, signed.signer, parts.get("unsigned", b""))),
            ),
        ),
    )


def signed_over(attributes: dict[str, bytes], *, sort: bool = True, signer: KeyHolder = SIGNER) -> bytes:
    """A signature by SIGNER over whatever attributes, in DER's order or against it."""
    encoded = [der.sequence(der.oid(kind), der.set_of([value])) for kind, value in attributes.items()]
    encoded.sort(reverse=not sort)
    sha256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
    info = der.sequence(
        der.integer(1),
        cms.sid(signer.certificate),
        sha256,
        der.tlv(0xA0, *encoded),
        der.sequence(der.oid(cms.ECDSA_SHA256)),
        der.tlv(der.OCTETS, signer.sign(der.tlv(der.SET, *encoded))),
    )
    return cms.detached(sha256, [cms.encoded(one) for one in signer.chain], info)


def attributes() -> dict[str, bytes]:
    return dict(asn1.read_signed_data(SIGNATURE).attributes)


def test_these_tests_bend_a_signature_that_holds() -> None:
    assert verifier.verify(CONTENT, SIGNATURE, TRUST, at=DAY).certificate == SIGNER.certificate
    assert rebuilt() == SIGNATURE
    assert holds(CONTENT, signed_over(attributes()), TRUST, at=DAY)


@given(st.integers(0, len(SIGNATURE) * 8 - 1))
def test_no_bit_of_the_file_can_be_flipped(bit: int) -> None:
    bent = (int.from_bytes(SIGNATURE) ^ 1 << bit).to_bytes(len(SIGNATURE))
    with pytest.raises((Invalid, Undecided)):
        verifier.verify(CONTENT, bent, TRUST, at=DAY)


def test_no_byte_of_the_file_can_be_changed() -> None:
    for place in range(len(SIGNATURE)):
        bent = bytearray(SIGNATURE)
        bent[place] ^= 1 << place % 8
        with pytest.raises((Invalid, Undecided)):
            verifier.verify(CONTENT, bytes(bent), TRUST, at=DAY)


@given(st.integers(0, len(CONTENT) * 8 - 1))
def test_no_bit_of_the_content_can_be_flipped(bit: int) -> None:
    bent = (int.from_bytes(CONTENT) ^ 1 << bit).to_bytes(len(CONTENT))
    assert refusal(bent, SIGNATURE) == "content-changed"


@given(st.binary(max_size=3000))
def test_any_bytes_are_refused_and_never_an_accident(data: bytes) -> None:
    assert refusal(CONTENT, data)


@given(st.integers(1, len(SIGNATURE)))
def test_a_file_cut_off_anywhere_is_refused(lost: int) -> None:
    assert refusal(CONTENT, SIGNATURE[:-lost]) == "not-a-signature"


def test_bytes_behind_the_file_are_refused() -> None:
    assert refusal(CONTENT, SIGNATURE + b"\x00") == "not-a-signature"


@pytest.mark.parametrize(
    ("code", "signature"),
    [
        ("not-detached", lambda: rebuilt(content=der.context(0, der.tlv(der.OCTETS, CONTENT)))),
        ("not-der", lambda: rebuilt(version=der.integer(3))),
        ("unsigned-parts", lambda: rebuilt(crls=der.context(1))),
        ("not-one-signer", lambda: rebuilt(signers=der.tlv(der.SET))),
        ("not-one-signer", lambda: rebuilt(signers=der.tlv(der.SET, *[asn1.read_signed_data(SIGNATURE).signer] * 2))),
        ("certificate-absent", lambda: rebuilt(certificates=der.context(0))),
        ("not-a-signature", lambda: der.sequence(DATA, der.context(0, der.tlv(der.OCTETS, b"")))),
    ],
)
def test_a_file_of_another_form_is_refused(code: str, signature: Callable[[], bytes]) -> None:
    assert refusal(CONTENT, signature()) == code


def test_an_attribute_without_a_type_is_refused() -> None:
    """An OID of no bytes has no dotted form; found by tests/fuzz."""
    signed = asn1.read_signed_data(SIGNATURE)
    kind = der.oid(cms.SIGNING_TIME)
    assert kind in signed.signer
    bent = signed.signer.replace(kind, b"\x06\x00\x04" + bytes((len(kind) - 3,)) + bytes(len(kind) - 4), 1)
    assert refusal(CONTENT, rebuilt(signers=der.tlv(der.SET, bent))) == "not-a-signature"


def test_an_unsigned_attribute_is_refused() -> None:
    signed: Any = asn1crypto_cms.ContentInfo.load(SIGNATURE)
    info = signed["content"]["signer_infos"][0]
    attribute = {"type": "1.2.3.4", "values": [core.Integer(1)]}
    info["unsigned_attrs"] = asn1crypto_cms.CMSAttributes([asn1crypto_cms.CMSAttribute(attribute)])
    bent = der.tlv(der.SET, info.dump())
    assert refusal(CONTENT, rebuilt(signers=bent)) == "unsigned-parts"


def test_the_certificates_may_stand_in_any_order_since_others_do_not_sort_them() -> None:
    certificates = sorted(map(cms.encoded, SIGNER.chain), reverse=True)
    assert holds(CONTENT, rebuilt(certificates=der.tlv(0xA0, *certificates)), TRUST, at=DAY)


def test_the_same_certificate_twice_is_refused() -> None:
    certificates = [*map(cms.encoded, SIGNER.chain), cms.encoded(SIGNER.certificate)]
    assert refusal(CONTENT, rebuilt(certificates=der.set_of(certificates, 0xA0))) == "not-der"


def test_an_embedded_certificate_has_one_form_too() -> None:
    # A BIT STRING that ends in a zero bit may claim to be one bit shorter, and is the same certificate to many readers.
    while cms.encoded((issuing := SigningAuthority("Issuing CA", ROOT)).certificate)[-1] & 1:
        pass
    signer = issuing.issue()
    whole = cms.encoded(issuing.certificate)
    bent = bytearray(whole)
    bent[-len(issuing.certificate.signature) - 1] = 1
    signature = cms.sign(CONTENT, signer, DAY)
    assert whole in signature
    known = ROOT.trust(issuing.crl())
    assert holds(CONTENT, signature, known, at=DAY)
    assert refusal(CONTENT, signature.replace(whole, bytes(bent)), trust=known) == "certificate-unreadable"


def test_a_length_in_more_bytes_than_it_needs_is_refused() -> None:
    # The outer length takes two bytes (0x82 hi lo); three say the same in BER.
    assert SIGNATURE[1] == 0x82
    assert refusal(CONTENT, b"\x30\x83\x00" + SIGNATURE[2:]) in ("not-der", "not-a-signature")


def test_a_certificate_that_has_no_part_in_it_is_refused() -> None:
    stranger = ISSUING.issue("Stranger").certificate
    certificates = [cms.encoded(one) for one in (*SIGNER.chain, stranger)]
    assert refusal(CONTENT, rebuilt(certificates=der.set_of(certificates, 0xA0))) == "certificates-superfluous"


@pytest.mark.parametrize(
    ("missing", "code"),
    [
        (cms.CONTENT_TYPE, "content-type"),
        (cms.MESSAGE_DIGEST, "content-changed"),
        (cms.SIGNING_TIME, "signing-time"),
        (cms.SIGNING_CERTIFICATE_V2, "signing-certificate-absent"),
    ],
)
def test_a_signature_without_one_of_the_four_attributes_is_refused(missing: str, code: str) -> None:
    remaining = attributes()
    del remaining[missing]
    assert refusal(CONTENT, signed_over(remaining)) == code


def test_signed_attributes_out_of_order_are_refused_though_they_are_signed() -> None:
    assert refusal(CONTENT, signed_over(attributes(), sort=False)) == "not-der"


def test_a_signature_bound_to_another_certificate_of_the_same_key_is_refused() -> None:
    other = ISSUING.issue("The same key, another certificate", key=SIGNER.private)
    bound = asn1.read_signed_data(cms.sign(CONTENT, other, DAY)).attributes
    assert refusal(CONTENT, signed_over(bound)) == "signing-certificate-wrong"


def test_a_signature_by_another_key_under_ones_name_is_refused() -> None:
    forger = KeyHolder(ISSUING.issue().private, SIGNER.certificate, SIGNER.issuers)
    assert refusal(CONTENT, cms.sign(CONTENT, forger, DAY)) == "signature-wrong"


def test_a_digest_by_sha_1_is_refused() -> None:
    sha1 = der.sequence(der.oid("1.3.14.3.2.26"), der.NULL)
    signed = asn1.read_signed_data(SIGNATURE)
    info = signed.signer.replace(signed.digest_algorithm, sha1)
    resized = der.sequence(info[len(info) - len(info[_header(info) :]) :])
    assert refusal(CONTENT, rebuilt(signers=der.tlv(der.SET, resized))) in ("algorithm-refused", "not-der")


def _header(encoded: bytes) -> int:
    return 2 + (encoded[1] & 0x7F if encoded[1] & 0x80 else 0)


@pytest.mark.parametrize("hash_", [hashes.SHA384(), hashes.SHA512()])
def test_an_algorithm_that_does_not_fit_the_key_s_word_is_refused(hash_: hashes.HashAlgorithm) -> None:
    other = KeyHolder(SIGNER.private, SIGNER.certificate, SIGNER.issuers, hash_)
    assert refusal(CONTENT, cms.sign(CONTENT, other, DAY)) == "signature-wrong"


def test_a_signature_from_the_future_is_refused() -> None:
    ahead = cms.sign(CONTENT, SIGNER, DAY + timedelta(minutes=6))
    assert refusal(CONTENT, ahead) == "signing-time"
    slightly = cms.sign(CONTENT, SIGNER, DAY + timedelta(minutes=4))
    assert holds(CONTENT, slightly, TRUST, at=DAY)


@pytest.mark.parametrize("at", [BEGINS - timedelta(days=1), ENDS + timedelta(days=1)])
def test_a_signature_said_to_be_made_outside_its_certificate_s_life_is_refused(at: Any) -> None:
    assert refusal(CONTENT, cms.sign(CONTENT, SIGNER, at), at=ENDS + timedelta(days=2)) == "signing-time"


def test_what_is_wrong_in_itself_is_invalid_even_where_nobody_is_trusted() -> None:
    assert refusal(b"other", SIGNATURE, trust=SigningAuthority("Other root").trust()) == "content-changed"


def test_a_revoked_signer_is_refused_and_undecided_where_nothing_proves_when_he_signed() -> None:
    signer = ISSUING.issue(begins=now() - timedelta(days=9))
    signature = cms.sign(CONTENT, signer, now() - timedelta(hours=5))
    crl = ISSUING.crl(now() - timedelta(hours=1), revoked={signer.certificate: now() - timedelta(hours=2)})
    trust = ROOT.trust(crl)
    assert refusal(CONTENT, signature, trust=trust, at=now()) == "revoked"
    assert holds(CONTENT, signature, trust, at=now() - timedelta(hours=4))
    with pytest.raises(Undecided) as undecided:
        verifier.verify(CONTENT, signature, trust, at=None)
    assert undecided.value.code == "revoked"


def test_an_unknown_root_and_a_missing_list_leave_it_undecided() -> None:
    for trust, code in ((SigningAuthority("Other").trust(), "no-path"), (ROOT.trust(ROOT.crl()), "crl-missing")):
        with pytest.raises(Undecided) as undecided:
            verifier.verify(CONTENT, SIGNATURE, trust, at=DAY)
        assert undecided.value.code == code


def test_the_signer_may_leave_out_the_issuer_that_the_verifier_knows() -> None:
    alone = cms.sign(CONTENT, KeyHolder(SIGNER.private, SIGNER.certificate), DAY)
    assert holds(CONTENT, alone, TRUST.extended([ISSUING.certificate]), at=DAY)
    with pytest.raises(Undecided):
        verifier.verify(CONTENT, alone, TRUST, at=DAY)


def test_a_self_signed_certificate_of_ones_own_making_proves_nothing() -> None:
    own = SigningAuthority("Officer")
    forged = KeyHolder(own.key, own.certificate)
    with pytest.raises(Undecided):
        verifier.verify(CONTENT, cms.sign(CONTENT, forged, DAY), TRUST, at=DAY)
