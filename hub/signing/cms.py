"""Signatures as files: detached CMS (RFC 5652) at the CAdES-B level (ETSI EN 319 122-1), as ``openssl cms`` reads it.

Four signed attributes: content-type, message-digest, signing-time, and signing-certificate-v2, which binds the
signature to one certificate (RFC 5035). One signer, no unsigned attributes: nothing is in the file unprotected.
"""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from hub.signing import der

DATA: Final = "1.2.840.113549.1.7.1"
SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
ECDSA_SHA256: Final = "1.2.840.10045.4.3.2"
RSA_SHA256: Final = "1.2.840.113549.1.1.11"

_ONE: Final = der.integer(1)
_SHA256: Final = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
_ECDSA_SHA256: Final = der.sequence(der.oid(ECDSA_SHA256))
_RSA_SHA256: Final = der.sequence(der.oid(RSA_SHA256), der.NULL)


class SigningKey(Protocol):
    """A private key, wherever it is kept, with the certificate that says whose it is."""

    @property
    def certificate(self) -> x509.Certificate: ...

    @property
    def chain(self) -> Sequence[x509.Certificate]:
        """``certificate`` first, then its issuers; the root may be left out."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Over SHA-256 of ``data``: ECDSA (P-256, P-384) in DER, or RSA PKCS#1 v1.5."""
        ...


def sign(content: bytes, key: SigningKey, at: datetime) -> bytes:
    """A detached signature over exactly these bytes, said to be made at ``at`` (aware). Raises what the key raises."""
    if at.tzinfo is None:
        raise ValueError("a moment without a zone could mean any hour; give an aware one")
    attributes = (
        _CONTENT_TYPE,
        _attribute(MESSAGE_DIGEST, der.tlv(der.OCTETS, hashlib.sha256(content).digest())),
        _attribute(SIGNING_TIME, der.time(at)),
        _signing_certificate(key.certificate),
    )
    # What is signed is the attributes as a SET OF; what is stored says [0] in place of that tag (RFC 5652 5.4).
    signature = key.sign(der.set_of(attributes))
    rsa_key = isinstance(key.certificate.public_key(), rsa.RSAPublicKey)
    signer = der.sequence(
        _ONE,
        sid(key.certificate),
        _SHA256,
        der.set_of(attributes, 0xA0),
        _RSA_SHA256 if rsa_key else _ECDSA_SHA256,
        der.tlv(der.OCTETS, signature),
    )
    return detached(_SHA256, sorted({_encoded(one) for one in (key.certificate, *key.chain)}), signer)


def detached(digest_algorithm: bytes, certificates: Sequence[bytes], signer: bytes) -> bytes:
    """The file around one SignerInfo, with the certificates in this order: its only form, so a reader can compare."""
    return container(1, digest_algorithm, der.sequence(der.oid(DATA)), certificates, signer)


def container(
    version: int, digest_algorithm: bytes, content: bytes, certificates: Sequence[bytes], signer: bytes
) -> bytes:
    """A ContentInfo with a SignedData of one signer. ``content``: its EncapsulatedContentInfo."""
    return der.sequence(
        der.oid(SIGNED_DATA),
        der.context(
            0,
            der.sequence(
                der.integer(version),
                der.set_of([digest_algorithm]),
                content,
                der.context(0, *certificates),
                der.set_of([signer]),
            ),
        ),
    )


def _attribute(kind: str, value: bytes) -> bytes:
    return der.sequence(der.oid(kind), der.set_of([value]))


_CONTENT_TYPE: Final = _attribute(CONTENT_TYPE, der.oid(DATA))


@lru_cache(maxsize=256)
def _signing_certificate(certificate: x509.Certificate) -> bytes:
    """ESSCertIDv2 with the algorithm's default, SHA-256, left out as DER wants, and with the issuerSerial."""
    names = der.sequence(der.context(4, certificate.issuer.public_bytes()))
    identified = der.sequence(
        der.tlv(der.OCTETS, hashlib.sha256(_encoded(certificate)).digest()),
        der.sequence(names, der.integer(certificate.serial_number)),
    )
    return _attribute(SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(identified)))


@lru_cache(maxsize=256)
def sid(certificate: x509.Certificate) -> bytes:
    """IssuerAndSerialNumber: how a SignerInfo names its certificate."""
    return der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number))


@lru_cache(maxsize=256)
def _encoded(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
