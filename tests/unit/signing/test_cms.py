"""Signatures as we make them, in the eyes of others; and others' signatures in ours."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms as asn1
from asn1crypto import core
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from hub.clock import VIETNAM, now
from hub.signing import cms, der, verifier
from tests.self_signed import rsa_key
from tests.unit.signing.authority import DAY, KeyHolder, PrivateKey, SigningAuthority
from tests.unit.signing.judges import needs_openssl, openssl, openssl_accepts, pyhanko_accepts, pyhanko_signs

CONTENT = b'{"dossier":"000.00.01.H26-261124-0001","typ":"vn.hub.handoff"}\r\n'
ROOT = SigningAuthority()
ISSUING = SigningAuthority("Issuing CA", ROOT)
KEYS: dict[str, PrivateKey] = {
    "P-256": ec.generate_private_key(ec.SECP256R1()),
    "P-384": ec.generate_private_key(ec.SECP384R1()),
    "RSA-2048": rsa_key(),
}
each_key = pytest.mark.parametrize("kind", KEYS)


def holder(kind: str) -> KeyHolder:
    return ISSUING.issue(key=KEYS[kind])


@each_key
@needs_openssl
def test_openssl_accepts_what_we_sign_and_not_a_byte_less(kind: str, tmp_path: Path) -> None:
    signature = cms.sign(CONTENT, holder(kind), DAY)
    assert openssl_accepts(CONTENT, signature, ROOT.certificate, [ISSUING.crl()], tmp_path)
    assert not openssl_accepts(CONTENT[:-1], signature, ROOT.certificate, [ISSUING.crl()], tmp_path)


@each_key
def test_pyhanko_accepts_what_we_sign_and_not_a_byte_less(kind: str) -> None:
    signature = cms.sign(CONTENT, holder(kind), DAY)
    assert pyhanko_accepts(CONTENT, signature, ROOT.certificate)
    assert not pyhanko_accepts(CONTENT[:-1], signature, ROOT.certificate)


@each_key
def test_our_own_verifier_accepts_it_and_names_the_signer(kind: str) -> None:
    signer = holder(kind)
    trust = ROOT.trust(ISSUING.crl())
    signed = verifier.verify(CONTENT, cms.sign(CONTENT, signer, DAY), trust, at=DAY)
    assert signed.certificate == signer.certificate
    assert signed.chain == (signer.certificate, ISSUING.certificate, ROOT.certificate)
    assert signed.signing_time == DAY


@each_key
def test_a_signature_that_pyhanko_made_is_accepted(kind: str) -> None:
    signature = pyhanko_signs(CONTENT, holder(kind))
    signed = verifier.verify(CONTENT, signature, ROOT.trust(ISSUING.crl(now() - timedelta(hours=1))), at=now())
    assert signed.chain[-1] == ROOT.certificate


@each_key
@needs_openssl
def test_a_signature_that_openssl_made_is_accepted(kind: str, tmp_path: Path) -> None:
    signer = holder(kind)
    key, certificate = signer.write(tmp_path)
    outcome = openssl(
        *("cms", "-sign", "-cades", "-binary", "-md", "sha384", "-outform", "DER"),
        *("-signer", certificate, "-inkey", key),
        stdin=CONTENT,
    )
    assert outcome.returncode == 0, outcome.stderr
    trust = ROOT.trust(ISSUING.crl(now() - timedelta(hours=1))).extended([ISSUING.certificate])
    assert verifier.verify(CONTENT, outcome.stdout, trust, at=now()).certificate == signer.certificate


def test_asn1crypto_reads_the_four_attributes() -> None:
    signer = holder("P-256")
    signed: Any = asn1.ContentInfo.load(cms.sign(CONTENT, signer, DAY), strict=True)["content"]
    (info,) = signed["signer_infos"]
    attributes = {attribute["type"].native: attribute["values"][0].native for attribute in info["signed_attrs"]}
    assert set(attributes) == {"content_type", "message_digest", "signing_time", "signing_certificate_v2"}
    assert attributes["content_type"] == "data"
    assert attributes["signing_time"] == DAY
    (named,) = attributes["signing_certificate_v2"]["certs"]
    assert named["issuer_serial"]["serial_number"] == signer.certificate.serial_number


def test_the_same_moment_in_another_zone_is_the_same_time() -> None:
    at = datetime(2026, 11, 24, 15, 15, 2, tzinfo=VIETNAM)
    assert der.time(at) == der.time(DAY)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        cms.sign(CONTENT, holder("P-256"), DAY.replace(tzinfo=None))


@given(st.integers(0, 2**200))
def test_integers_are_written_as_asn1crypto_writes_them(value: int) -> None:
    assert der.integer(value) == core.Integer(value).dump()


@given(st.binary(max_size=70_000))
def test_lengths_are_written_as_asn1crypto_writes_them(value: bytes) -> None:
    assert der.tlv(der.OCTETS, value) == core.OctetString(value).dump()


@given(st.lists(st.integers(0, 2**40), max_size=8))
def test_oids_are_written_as_asn1crypto_writes_them(arcs: list[int]) -> None:
    dotted = ".".join(["1", "2", *map(str, arcs)])
    assert der.oid(dotted) == core.ObjectIdentifier(dotted).dump()


@given(st.datetimes(datetime(1970, 1, 1), datetime(2049, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis
def test_times_before_2050_are_written_as_asn1crypto_writes_them(at: datetime) -> None:
    assert der.time(at) == core.UTCTime(at.replace(microsecond=0)).dump()


@given(st.datetimes(datetime(2050, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis
def test_times_from_2050_are_written_as_asn1crypto_writes_them(at: datetime) -> None:
    assert der.time(at) == core.GeneralizedTime(at.replace(microsecond=0)).dump()
