"""CMS SignedData with one signer (RFC 5652): write detached CAdES-B signatures, read signatures and time stamps.

What is written is CAdES baseline level B-B (ETSI EN 319 122-1), as ``openssl cms`` reads it: four signed attributes
(content-type, message-digest, signing-time, and signing-certificate-v2, which binds the signature to one certificate by
RFC 5035), one signer, and no unsigned attributes: nothing is in the file unprotected.

``read`` takes apart what others wrote too; ``check_signature`` and ``check_signing_certificate`` verify it. Whether the
certificate is trusted is decided in hub.signing.trust.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Protocol

from asn1crypto import cms as asn1
from asn1crypto import core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from hub.signing import algorithms, der
from hub.signing.verdicts import Invalid, Undecided

DATA: Final = "1.2.840.113549.1.7.1"
SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
CONTENT_TYPE: Final = "1.2.840.113549.1.9.3"
MESSAGE_DIGEST: Final = "1.2.840.113549.1.9.4"
SIGNING_TIME: Final = "1.2.840.113549.1.9.5"
SIGNING_CERTIFICATE_V2: Final = "1.2.840.113549.1.9.16.2.47"
ECDSA_SHA256: Final = "1.2.840.10045.4.3.2"
RSA_SHA256: Final = "1.2.840.113549.1.1.11"
MOST_CERTIFICATES: Final = 10
LARGEST: Final = 64 * 1024
"""bytes of a signature file"""
_UNREADABLE: Final = (ValueError, TypeError, KeyError, UnsupportedAlgorithm, x509.InvalidVersion)
"""what the libraries raise for bytes that are no certificate"""
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
"""RFC 2634: the older attribute, which names the certificate by its SHA-1; time-stamping authorities still write it"""

_ONE: Final = der.integer(1)
_SHA256: Final = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))
_ECDSA_SHA256: Final = der.sequence(der.oid(ECDSA_SHA256))
_RSA_SHA256: Final = der.sequence(der.oid(RSA_SHA256), der.NULL)


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
        _RSA_SHA256 if rsa_key else _ECDSA_SHA256,
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


@dataclass(frozen=True, slots=True)
class SignedData:
    """A parsed SignedData with one SignerInfo; ``bytes`` are DER as it is in the file, except ``content``."""

    content_type: str
    content: bytes | None
    certificates: tuple[x509.Certificate, ...]
    has_crls: bool
    signer: bytes
    sid: bytes
    digest_algorithm: bytes
    attributes: dict[str, bytes]
    """OID of a signed attribute → its single value (DER)"""
    signed_attributes: bytes
    """as a SET OF: the bytes that the signature is over"""
    signature_algorithm: bytes
    signature: bytes
    unsigned_attributes: bytes
    """under the tag [1]; empty where there are none"""

    @property
    def has_unsigned(self) -> bool:
        return bool(self.unsigned_attributes)

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """Digest algorithm of the signer. Raises Invalid for one that is not accepted."""
        return algorithms.digest(self.digest_algorithm)


def read(data: bytes) -> SignedData:
    """Parse a SignedData (DER). Raises Invalid unless it has exactly one signer, with signed attributes."""
    if len(data) > LARGEST:
        raise Invalid("not-a-signature", "larger than a signature can be")
    try:
        return _parsed(asn1.ContentInfo.load(data, strict=True))
    except Invalid:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError):
        raise Invalid("not-a-signature", "not a CMS SignedData, or a damaged one") from None


def _parsed(outer: Any) -> SignedData:
    if outer["content_type"].dotted != SIGNED_DATA:
        raise Invalid("not-a-signature", "not a CMS SignedData")
    signed = outer["content"]
    if len(signed["signer_infos"]) != 1:
        raise Invalid("not-one-signer", "the file has to hold exactly one signature")
    signer = signed["signer_infos"][0]
    inner = signed["encap_content_info"]
    content = inner["content"]
    attributes = signer["signed_attrs"]
    return SignedData(
        content_type=inner["content_type"].dotted,
        content=None if isinstance(content, core.Void) else bytes(content.contents),
        certificates=_certificates(signed["certificates"]),
        has_crls=not isinstance(signed["crls"], core.Void) and bool(signed["crls"].dump()),
        signer=signer.dump(),
        sid=signer["sid"].dump(),
        digest_algorithm=signer["digest_algorithm"].dump(),
        attributes=_attributes(attributes),
        signed_attributes=b"\x31" + attributes.dump()[1:],
        signature_algorithm=signer["signature_algorithm"].dump(),
        signature=signer["signature"].native,
        unsigned_attributes=signer["unsigned_attrs"].dump(),
    )


def _certificates(choices: Any) -> tuple[x509.Certificate, ...]:
    encodings = [choice.chosen.dump() for choice in choices]
    if len(encodings) > MOST_CERTIFICATES:
        raise Invalid("certificates-superfluous", f"more than {MOST_CERTIFICATES} certificates are in the file")
    return tuple(certificate_of(certificate) for certificate in encodings)


@lru_cache(maxsize=256)
def certificate_of(data: bytes) -> x509.Certificate:
    """Load a certificate (DER) and parse every part that is used before its issuer's signature is checked.

    Raises Invalid for an unreadable one and for one that is not DER. Extensions are not parsed: those of a certificate
    that nobody trusted has signed are never read.
    """
    # cryptography parses lazily, so a broken part would raise in the middle of a later check.
    try:
        parts = asn1_x509.Certificate.load(data, strict=True)
        if parts["tbs_certificate"]["serial_number"].native <= 0:  # RFC 5280 4.1.2.2
            raise Invalid("certificate-unreadable", "a certificate in the file has no serial number")
        certificate = x509.load_der_x509_certificate(data)
        for name in (certificate.issuer, certificate.subject):
            name.public_bytes()
        for part in ("version", "signature_hash_algorithm", "not_valid_before_utc", "not_valid_after_utc"):
            getattr(certificate, part)
        certificate.public_key()
        signature = der.tlv(der.BITS, b"\x00", certificate.signature)
        whole = der.sequence(certificate.tbs_certificate_bytes, parts["signature_algorithm"].dump(), signature)
    except _UNREADABLE:
        raise Invalid("certificate-unreadable", "a certificate in the file cannot be read") from None
    if whole != data:  # the outer SEQUENCE is not covered by the issuer's signature, so it must be DER too
        raise Invalid("certificate-unreadable", "a certificate in the file is not in the form of DER")
    return certificate


def _attributes(attributes: Any) -> dict[str, bytes]:
    by_oid: dict[str, bytes] = {}
    for attribute in attributes:
        oid = attribute["type"].dotted
        values = attribute["values"]
        if oid in by_oid or len(values) != 1:
            raise Invalid("attribute-twice", "a signed attribute stands twice, or not with one value")
        by_oid[oid] = values[0].dump()
    return by_oid


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
    kind: Any = tsp.SigningCertificateV2
    if value is None and older:
        value, kind = signed.attributes.get(SIGNING_CERTIFICATE), tsp.SigningCertificate
    if value is None:
        raise Invalid("signing-certificate-absent", "the signature is not bound to a certificate (not CAdES)")
    try:
        cert_id = kind.load(value, strict=True)["certs"][0]
        digest = cert_id["cert_hash"].native
        matches = digest == _fingerprint(cert_id, certificate) and _is_serial_of(cert_id, certificate)
    except (ValueError, TypeError, KeyError, IndexError):
        matches = False
    if not matches:
        raise Invalid("signing-certificate-wrong", "the signature is bound to another certificate")


def _fingerprint(cert_id: Any, certificate: x509.Certificate) -> bytes:
    digest: hashes.HashAlgorithm
    if isinstance(cert_id, tsp.ESSCertIDv2):
        digest = algorithms.HASHES[cert_id["hash_algorithm"]["algorithm"].dotted]
    else:
        digest = hashes.SHA1()  # noqa: S303 - it only names the certificate; the signature covers the name
    return certificate.fingerprint(digest)


def _is_serial_of(cert_id: Any, certificate: x509.Certificate) -> bool:
    serial = cert_id["issuer_serial"]
    if isinstance(serial, core.Void) or not serial.dump():
        return True
    names = [name.chosen.untag().dump() for name in serial["issuer"] if name.name == "directory_name"]
    return names == [certificate.issuer.public_bytes()] and serial["serial_number"].native == certificate.serial_number


@lru_cache(maxsize=256)
def encoded(certificate: x509.Certificate) -> bytes:
    """DER of a certificate."""
    return certificate.public_bytes(Encoding.DER)
