"""CMS SignedData with one signer (RFC 5652): write detached CAdES-B signatures, verify signatures and time stamps.

What is written is CAdES baseline level B-B (ETSI EN 319 122-1), as ``openssl cms`` reads it: four signed attributes
(content-type, message-digest, signing-time, and signing-certificate-v2, which binds the signature to one certificate by
RFC 5035), one signer, and no unsigned attributes: nothing is in the file unprotected.

``check_signature`` and ``check_signing_certificate`` verify what hub.signing.asn1 has read, by whomever it was written.
Whether the certificate is trusted is decided in hub.signing.trust.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Final, Protocol

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from hub.signing import algorithms, asn1, der
from hub.signing.asn1 import SIGNED_DATA, SignedData
from hub.signing.verdicts import Invalid, Undecided

DATA: Final = "1.2.840.113549.1.7.1"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
ECDSA_SHA256: Final = "1.2.840.10045.4.3.2"
RSA_SHA256: Final = "1.2.840.113549.1.1.11"
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
"""RFC 2634: the older attribute, which names the certificate by its SHA-1; time-stamping authorities still write it"""

_ONE: Final = der.integer(1)
_SHA256: Final = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
ECDSA_ALGORITHM: Final = der.sequence(der.oid(ECDSA_SHA256))
RSA_ALGORITHM: Final = der.sequence(der.oid(RSA_SHA256), der.NULL)


class SigningKey(Protocol):
    """A private key (in a file or a token) and its certificate."""

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
    """Sign ``content``: a detached CAdES-B signature with signing-time ``at`` (aware). Raises what the key raises."""
    if at.tzinfo is None:
        raise ValueError("a moment without a zone could mean any hour; give an aware one")
    attributes = (
        _CONTENT_TYPE,
        _attribute(MESSAGE_DIGEST, der.tlv(der.OCTETS, hashlib.sha256(content).digest())),
        _attribute(SIGNING_TIME, der.time(at)),
        _signing_certificate(key.certificate),
    )
    # The signature is over the attributes as a SET OF; the file has the tag [0] in its place (RFC 5652 section 5.4).
    signature = key.sign(der.set_of(attributes))
    rsa_key = isinstance(key.certificate.public_key(), rsa.RSAPublicKey)
    signer = der.sequence(
        _ONE,
        sid(key.certificate),
        _SHA256,
        der.set_of(attributes, 0xA0),
        RSA_ALGORITHM if rsa_key else ECDSA_ALGORITHM,
        der.tlv(der.OCTETS, signature),
    )
    return detached(_SHA256, sorted({encoded(certificate) for certificate in (key.certificate, *key.chain)}), signer)


def detached(digest_algorithm: bytes, certificates: Sequence[bytes], signer: bytes) -> bytes:
    """Write a detached signature around one SignerInfo (DER), with the certificates in this order.

    The form has no choices, so that hub.signing.verifier can compare a file with it byte for byte.
    """
    return container(1, digest_algorithm, der.sequence(der.oid(DATA)), certificates, signer)


def container(
    version: int, digest_algorithm: bytes, content: bytes, certificates: Sequence[bytes], signer: bytes
) -> bytes:
    """Write a ContentInfo with a SignedData of one signer. ``content``: its EncapsulatedContentInfo (DER)."""
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
    """Attribute signing-certificate-v2: one ESSCertIDv2 with issuerSerial; SHA-256, the default, is left out (DER)."""
    names = der.sequence(der.context(4, certificate.issuer.public_bytes()))
    identified = der.sequence(
        der.tlv(der.OCTETS, hashlib.sha256(encoded(certificate)).digest()),
        der.sequence(names, der.integer(certificate.serial_number)),
    )
    return _attribute(SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(identified)))


@lru_cache(maxsize=256)
def sid(certificate: x509.Certificate) -> bytes:
    """IssuerAndSerialNumber (DER), by which a SignerInfo names its certificate."""
    return der.sequence(certificate.issuer.public_bytes(), der.integer(certificate.serial_number))


def signer_certificate(signed: SignedData) -> x509.Certificate:
    """Find the certificate that the SignerInfo names. Raises Invalid if the file does not hold it."""
    for certificate in signed.certificates:
        if signed.sid == sid(certificate):
            return certificate
    raise Invalid("certificate-absent", "the signer's certificate is not in the file")


@dataclass(frozen=True, slots=True)
class ExpiredContent:
    """Content that retention has deleted; only its SHA-256 is known."""

    sha256: bytes


def check_signature(
    signed: SignedData, certificate: x509.Certificate, content_type: str, content: bytes | ExpiredContent
) -> None:
    """Verify the signature over the attributes with ``certificate``'s key, and the attributes against ``content``.

    Raises Invalid; Undecided for expired content that was signed over another hash than SHA-256.
    """
    if signed.attributes.get(MESSAGE_DIGEST) != der.tlv(der.OCTETS, _digest(signed.hash, content)):
        raise Invalid("content-changed", "the content is not what was signed")
    if signed.attributes.get(CONTENT_TYPE) != der.oid(content_type):
        raise Invalid("content-type", "the signed content type is not the content's")
    key = certificate.public_key()
    algorithms.check_agreement(signed.signature_algorithm, signed.hash, key)
    algorithms.verify(key, signed.hash, signed.signature, signed.signed_attributes)


def _digest(algorithm: hashes.HashAlgorithm, content: bytes | ExpiredContent) -> bytes:
    if isinstance(content, ExpiredContent):
        if not isinstance(algorithm, hashes.SHA256):
            raise Undecided("content-gone", "the content is gone, and the signature is over another hash than we have")
        return content.sha256
    digest = hashes.Hash(algorithm)
    digest.update(content)
    return digest.finalize()


def check_signing_certificate(signed: SignedData, certificate: x509.Certificate, *, older: bool = False) -> None:
    """Check the signing-certificate attribute: it names ``certificate`` (RFC 5035). Raises Invalid.

    ``older``: the attribute of RFC 2634 is accepted where the newer one is absent.
    """
    value = signed.attributes.get(SIGNING_CERTIFICATE_V2)
    by_sha1 = value is None and older
    if by_sha1:
        value = signed.attributes.get(SIGNING_CERTIFICATE)
    if value is None:
        raise Invalid("signing-certificate-absent", "the signature is not bound to a certificate (not CAdES)")
    named = asn1.read_certificate_identifier(value, by_sha1=by_sha1)
    digest: hashes.HashAlgorithm | None = algorithms.HASHES.get(named.hash)
    if by_sha1:
        digest = hashes.SHA1()  # noqa: S303 - it only names the certificate; the signature covers the name
    serial = ([certificate.issuer.public_bytes()], certificate.serial_number)
    matches = digest is not None and certificate.fingerprint(digest) == named.digest
    if not matches or named.issuer_serial not in (None, serial):
        raise Invalid("signing-certificate-wrong", "the signature is bound to another certificate")


@lru_cache(maxsize=256)
def encoded(certificate: x509.Certificate) -> bytes:
    """DER of a certificate."""
    return certificate.public_bytes(Encoding.DER)
