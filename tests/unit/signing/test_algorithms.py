"""Raw signatures against Wycheproof, and the list of what is accepted at all."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_der_public_key

from hub.signing import algorithms, der
from hub.signing.verdicts import Invalid
from tests.self_signed import rsa_key
from tests.unit.signing.vectors import vectors

SHA1 = der.sequence(der.oid("1.3.14.3.2.26"), der.NULL)
SHA256 = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
RSA_SHA256 = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.NULL)
RSA_PSS = der.sequence(der.oid("1.2.840.113549.1.1.10"), der.sequence())
ECDSA_SHA1 = der.sequence(der.oid("1.2.840.10045.4.1"))
ECDSA_SHA256 = der.sequence(der.oid("1.2.840.10045.4.3.2"))
ECDSA_SHA512 = der.sequence(der.oid("1.2.840.10045.4.3.4"))
EC_KEY = ec.generate_private_key(ec.SECP256R1()).public_key()
RSA_KEY = rsa_key().public_key()


def cases(name: str) -> list[Any]:
    return [
        pytest.param(group["key"], test, id=f"{test['number']} {test['comment']}")
        for group in vectors(name)["groups"]
        for test in group["tests"]
    ]


@pytest.mark.parametrize(("key", "test"), [*cases("ecdsa_p256_sha256"), *cases("rsa_2048_sha256")])
def test_wycheproof_agrees(key: str, test: dict[str, str]) -> None:
    public = load_der_public_key(bytes.fromhex(key))
    assert isinstance(public, ec.EllipticCurvePublicKey | rsa.RSAPublicKey)
    signature, message = bytes.fromhex(test["signature"]), bytes.fromhex(test["message"])
    if test["result"] == "valid":
        algorithms.verify(public, hashes.SHA256(), signature, message)
        return
    with pytest.raises(Invalid) as invalid:
        algorithms.verify(public, hashes.SHA256(), signature, message)
    assert invalid.value.code == "signature-wrong"


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        ec.generate_private_key(ec.SECP521R1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        rsa.generate_private_key(65537, 1024).public_key(),  # noqa: S505 - what has to be refused
    ],
)
def test_a_weak_or_an_unlisted_key_is_refused(key: Any) -> None:
    with pytest.raises(Invalid) as invalid:
        algorithms.verify(key, hashes.SHA256(), b"", b"")
    assert invalid.value.code == "key-refused"


def test_sha_1_is_refused() -> None:
    with pytest.raises(Invalid):
        algorithms.digest(SHA1)


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [
        (ECDSA_SHA1, EC_KEY),
        (ECDSA_SHA512, EC_KEY),
        (RSA_SHA256, EC_KEY),
        (ECDSA_SHA256, RSA_KEY),
        (RSA_PSS, RSA_KEY),
        (b"", RSA_KEY),
    ],
)
def test_an_algorithm_that_is_not_the_keys_and_the_digests_is_refused(algorithm: bytes, key: Any) -> None:
    with pytest.raises(Invalid) as invalid:
        algorithms.check_agreement(algorithm, algorithms.digest(SHA256), key)
    assert invalid.value.code == "algorithm-refused"
