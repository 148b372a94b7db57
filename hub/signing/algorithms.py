"""Accepted signature and digest algorithms, as exact AlgorithmIdentifiers (DER); all others, SHA-1 too, are refused."""

from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes

from hub.signing import der
from hub.signing.verdicts import Invalid

SMALLEST_RSA: Final = 2048
"""bits"""
HASHES: Final[Mapping[str, hashes.HashAlgorithm]] = {
    "2.16.840.1.101.3.4.2.1": hashes.SHA256(),
    "2.16.840.1.101.3.4.2.2": hashes.SHA384(),
    "2.16.840.1.101.3.4.2.3": hashes.SHA512(),
}
DIGESTS: Final[Mapping[bytes, hashes.HashAlgorithm]] = {
    der.sequence(der.oid(oid), parameters): algorithm
    for oid, algorithm in HASHES.items()
    for parameters in (b"", der.NULL)  # RFC 5754 section 2: absent is right, NULL must be read as well
}
"""AlgorithmIdentifier → hash"""
_ECDSA: Final = {
    f"1.2.840.10045.4.3.{arc}": algorithm for arc, algorithm in zip((2, 3, 4), HASHES.values(), strict=True)
}
_RSA: Final = {
    f"1.2.840.113549.1.1.{arc}": algorithm for arc, algorithm in zip((11, 12, 13), HASHES.values(), strict=True)
}
_RSA_OF_ANY_HASH: Final = der.sequence(der.oid("1.2.840.113549.1.1.1"), der.NULL)
_BY_ECDSA: Final = {der.sequence(der.oid(oid)): algorithm for oid, algorithm in _ECDSA.items()}
_BY_RSA: Final = {der.sequence(der.oid(oid), der.NULL): algorithm for oid, algorithm in _RSA.items()}
OF_CERTIFICATES: Final = frozenset(_ECDSA) | frozenset(_RSA)
"""OIDs of signature algorithms accepted on certificates and revocation lists"""


def digest(algorithm: bytes) -> hashes.HashAlgorithm:
    """The hash that an AlgorithmIdentifier (DER) names. Raises Invalid."""
    hash_ = DIGESTS.get(algorithm)
    if hash_ is None:
        raise Invalid("algorithm-refused", "the digest algorithm is not SHA-256, SHA-384 or SHA-512")
    return hash_


def normalised(digest_algorithm: bytes, signature_algorithm: bytes) -> tuple[bytes, bytes]:
    """Both AlgorithmIdentifiers in their preferred encoding: no NULL parameters, RSA with its hash. Raises Invalid."""
    hash_ = digest(digest_algorithm)
    digests = [encoded for encoded, known in DIGESTS.items() if known.name == hash_.name]
    if signature_algorithm == _RSA_OF_ANY_HASH:
        signature_algorithm = next(encoded for encoded, known in _BY_RSA.items() if known.name == hash_.name)
    return min(digests, key=len), signature_algorithm


def check_agreement(algorithm: bytes, hash_: hashes.HashAlgorithm, key: CertificatePublicKeyTypes) -> None:
    """Check that a signature ``algorithm`` is accepted, for this kind of key and with this hash. Raises Invalid."""
    if isinstance(key, rsa.RSAPublicKey):
        named = hash_ if algorithm == _RSA_OF_ANY_HASH else _BY_RSA.get(algorithm)
    else:
        named = _BY_ECDSA.get(algorithm)
    if named is None or named.name != hash_.name:
        raise Invalid("algorithm-refused", "the signature algorithm is not one for this key and this digest")


def check_strength(key: CertificatePublicKeyTypes) -> None:
    """Raises Invalid unless the key is EC on P-256 or P-384, or RSA of 2048 bits or more."""
    if isinstance(key, rsa.RSAPublicKey):
        strong = key.key_size >= SMALLEST_RSA
    else:
        strong = isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1))
    if not strong:
        raise Invalid("key-refused", "the key is neither EC on P-256 or P-384 nor RSA of 2048 bits or more")


def verify(key: CertificatePublicKeyTypes, hash_: hashes.HashAlgorithm, signature: bytes, data: bytes) -> None:
    """Verify a signature: ECDSA (DER) or RSA PKCS#1 v1.5, by the kind of key. Raises Invalid."""
    check_strength(key)
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, data, ec.ECDSA(hash_))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, data, padding.PKCS1v15(), hash_)
    except InvalidSignature:
        raise Invalid("signature-wrong", "the signature was not made by this certificate's key") from None
