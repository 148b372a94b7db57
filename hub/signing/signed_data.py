"""Reading the CMS file (RFC 5652) around one signer's signature: what our signatures and time stamps have in common."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from asn1crypto import cms as asn1
from asn1crypto import core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from hub.signing import algorithms, cms, der
from hub.signing.verdicts import Invalid, Undecided

MOST_CERTIFICATES: Final = 10
LARGEST: Final = 64 * 1024
"""bytes"""
_UNREADABLE: Final = (ValueError, TypeError, KeyError, UnsupportedAlgorithm, x509.InvalidVersion)
"""All that the libraries raise for a certificate that is none"""
SIGNING_CERTIFICATE: Final = "1.2.840.113549.1.9.16.2.12"
"""RFC 2634: the older attribute, which names the certificate by its SHA-1; time stamping authorities still write it."""


@dataclass(frozen=True, slots=True)
class SignedData:
    """A SignedData with one SignerInfo, taken apart; encodings as they stand in the file."""

    content_type: str
    content: bytes | None
    certificates: tuple[x509.Certificate, ...]
    has_crls: bool
    signer: bytes
    sid: bytes
    digest_algorithm: bytes
    attributes: dict[str, bytes]
    """OID of a signed attribute → its one value"""
    signed_attributes: bytes
    """as a SET OF: what the signature is over"""
    signature_algorithm: bytes
    signature: bytes
    unsigned_attributes: bytes
    """as they stand in the file, under [1]; empty where there are none"""

    @property
    def has_unsigned(self) -> bool:
        return bool(self.unsigned_attributes)

    @property
    def hash(self) -> hashes.HashAlgorithm:
        """Raises Invalid."""
        return algorithms.digest(self.digest_algorithm)


def read(data: bytes) -> SignedData:
    """Raises Invalid unless ``data`` is a SignedData with exactly one signer and signed attributes."""
    if len(data) > LARGEST:
        raise Invalid("not-a-signature", "larger than a signature can be")
    try:
        return _taken_apart(asn1.ContentInfo.load(data, strict=True))
    except Invalid:
        raise
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError):
        raise Invalid("not-a-signature", "not a CMS SignedData, or a damaged one") from None


def _taken_apart(outer: Any) -> SignedData:
    if outer["content_type"].dotted != cms.SIGNED_DATA:
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
    encoded = [choice.chosen.dump() for choice in choices]
    if len(encoded) > MOST_CERTIFICATES:
        raise Invalid("certificates-superfluous", f"more than {MOST_CERTIFICATES} certificates are in the file")
    return tuple(certificate_of(one) for one in encoded)


@lru_cache(maxsize=256)
def certificate_of(encoded: bytes) -> x509.Certificate:
    """Read as far as it is used before its issuer's signature is checked: the library puts reading off.

    Extensions are not among that, so a stranger's are never looked at.
    """
    try:
        parts = asn1_x509.Certificate.load(encoded, strict=True)
        if parts["tbs_certificate"]["serial_number"].native <= 0:  # RFC 5280 4.1.2.2
            raise Invalid("certificate-unreadable", "a certificate in the file has no serial number")
        certificate = x509.load_der_x509_certificate(encoded)
        for name in (certificate.issuer, certificate.subject):
            name.public_bytes()
        for part in ("version", "signature_hash_algorithm", "not_valid_before_utc", "not_valid_after_utc"):
            getattr(certificate, part)
        certificate.public_key()
        signature = der.tlv(der.BITS, b"\x00", certificate.signature)
        whole = der.sequence(certificate.tbs_certificate_bytes, parts["signature_algorithm"].dump(), signature)
    except _UNREADABLE:
        raise Invalid("certificate-unreadable", "a certificate in the file cannot be read") from None
    if whole != encoded:  # what its issuer did not sign has one form too
        raise Invalid("certificate-unreadable", "a certificate in the file is not in the form of DER")
    return certificate


def _attributes(attributes: Any) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for attribute in attributes:
        oid = attribute["type"].dotted
        values = attribute["values"]
        if oid in found or len(values) != 1:
            raise Invalid("attribute-twice", "a signed attribute stands twice, or not with one value")
        found[oid] = values[0].dump()
    return found


def signer_certificate(signed: SignedData) -> x509.Certificate:
    """The one that the signer is named by. Raises Invalid."""
    for certificate in signed.certificates:
        if signed.sid == cms.sid(certificate):
            return certificate
    raise Invalid("certificate-absent", "the signer's certificate is not in the file")


@dataclass(frozen=True, slots=True)
class Gone:
    """Content that is not there any more (its time has expired), and that is known by its hash."""

    sha256: bytes


def check_signature(
    signed: SignedData, certificate: x509.Certificate, content_type: str, content: bytes | Gone
) -> None:
    """That ``certificate``'s key signed the attributes, and these speak of ``content``. Raises Invalid, Undecided."""
    if signed.attributes.get(cms.MESSAGE_DIGEST) != der.tlv(der.OCTETS, _digest(signed.hash, content)):
        raise Invalid("content-changed", "the content is not what was signed")
    if signed.attributes.get(cms.CONTENT_TYPE) != der.oid(content_type):
        raise Invalid("content-type", "the signed content type is not the content's")
    key = certificate.public_key()
    algorithms.check_agreement(signed.signature_algorithm, signed.hash, key)
    algorithms.verify(key, signed.hash, signed.signature, signed.signed_attributes)


def _digest(algorithm: hashes.HashAlgorithm, content: bytes | Gone) -> bytes:
    if isinstance(content, Gone):
        if not isinstance(algorithm, hashes.SHA256):
            raise Undecided("content-gone", "the content is gone, and the signature is over another hash than we have")
        return content.sha256
    digest = hashes.Hash(algorithm)
    digest.update(content)
    return digest.finalize()


def check_signing_certificate(signed: SignedData, certificate: x509.Certificate, *, older: bool = False) -> None:
    """That the signature is bound to ``certificate`` (RFC 5035; with ``older`` RFC 2634 will do). Raises Invalid."""
    value = signed.attributes.get(cms.SIGNING_CERTIFICATE_V2)
    kind: Any = tsp.SigningCertificateV2
    if value is None and older:
        value, kind = signed.attributes.get(SIGNING_CERTIFICATE), tsp.SigningCertificate
    if value is None:
        raise Invalid("signing-certificate-absent", "the signature is not bound to a certificate (not CAdES)")
    try:
        named = kind.load(value, strict=True)["certs"][0]
        right = _fingerprint(named, certificate) == named["cert_hash"].native and _is_serial_of(named, certificate)
    except (ValueError, TypeError, KeyError, IndexError):
        right = False
    if not right:
        raise Invalid("signing-certificate-wrong", "the signature is bound to another certificate")


def _fingerprint(named: Any, certificate: x509.Certificate) -> bytes:
    digest: hashes.HashAlgorithm
    if isinstance(named, tsp.ESSCertIDv2):
        digest = algorithms.HASHES[named["hash_algorithm"]["algorithm"].dotted]
    else:
        digest = hashes.SHA1()  # noqa: S303 - it only says which certificate is meant; the signature covers the choice
    return certificate.fingerprint(digest)


def _is_serial_of(named: Any, certificate: x509.Certificate) -> bool:
    told = named["issuer_serial"]
    if isinstance(told, core.Void) or not told.dump():
        return True
    names = [name.chosen.untag().dump() for name in told["issuer"] if name.name == "directory_name"]
    return names == [certificate.issuer.public_bytes()] and told["serial_number"].native == certificate.serial_number


def encoded(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)
