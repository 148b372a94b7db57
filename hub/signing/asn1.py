"""Read ASN.1 that others wrote: signatures, time stamps and certificates, in the structures of asn1crypto.

No other module of the hub imports asn1crypto, whose last release is of 2022-03 (docs/decisions/0027): it parses lazily
and raises half a dozen built-in errors at the first access to a damaged part. So each function here touches every part
that it returns, returns plain values, and raises Invalid for whatever the bytes are; tests/fuzz spoils them.

Written is with hub.signing.der. The last section makes the objects that pyHanko takes, of bytes that are ours or were
read here before.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, ClassVar, Final

from asn1crypto import cms, core, crl, parser, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from hub.signing import algorithms, der
from hub.signing.verdicts import Invalid

SIGNED_DATA: Final = "1.2.840.113549.1.7.2"
MOST_CERTIFICATES: Final = 10
LARGEST: Final = 64 * 1024
"""bytes of a signature file"""
_DAMAGED: Final = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, OverflowError, UnsupportedAlgorithm,
    x509.InvalidVersion,
)  # fmt: skip
"""what asn1crypto and cryptography raise for bytes that are not what they should be"""


@contextmanager
def _reading(code: str, sentence: str) -> Iterator[None]:
    """Raise Invalid for what the libraries raise."""
    try:
        yield
    except _DAMAGED:
        raise Invalid(code, sentence) from None


def _oid(value: Any) -> str:
    """Dotted form. Raises ValueError for an encoding that is not that of the dotted form, such as an empty one."""
    dotted: str = value.dotted
    if der.oid(dotted) != value.untag().dump():
        raise ValueError(dotted)
    return dotted


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


def read_signed_data(data: bytes) -> SignedData:
    """Parse a SignedData (DER). Raises Invalid unless it has exactly one signer, with signed attributes."""
    if len(data) > LARGEST:
        raise Invalid("not-a-signature", "larger than a signature can be")
    with _reading("not-a-signature", "not a CMS SignedData, or a damaged one"):
        return _parsed(cms.ContentInfo.load(data, strict=True))


def _parsed(outer: Any) -> SignedData:
    if _oid(outer["content_type"]) != SIGNED_DATA:
        raise Invalid("not-a-signature", "not a CMS SignedData")
    signed = outer["content"]
    if len(signed["signer_infos"]) != 1:
        raise Invalid("not-one-signer", "the file has to hold exactly one signature")
    signer = signed["signer_infos"][0]
    inner = signed["encap_content_info"]
    content = inner["content"]
    attributes = signer["signed_attrs"]
    return SignedData(
        content_type=_oid(inner["content_type"]),
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
    with _reading("certificate-unreadable", "a certificate in the file cannot be read"):
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
    if whole != data:  # the outer SEQUENCE is not covered by the issuer's signature, so it must be DER too
        raise Invalid("certificate-unreadable", "a certificate in the file is not in the form of DER")
    return certificate


def _attributes(attributes: Any) -> dict[str, bytes]:
    by_oid: dict[str, bytes] = {}
    for attribute in attributes:
        oid = _oid(attribute["type"])
        values = attribute["values"]
        if oid in by_oid or len(values) != 1:
            raise Invalid("attribute-twice", "a signed attribute stands twice, or not with one value")
        by_oid[oid] = values[0].dump()
    return by_oid


def read_time(value: bytes) -> datetime:
    """Read a Time (DER), as it is in signing-time. Raises Invalid, also for what is not DER."""
    with _reading("signing-time", "the signing time cannot be read"):
        time = cms.Time.load(value, strict=True).native.astimezone(UTC)
        is_der = der.time(time) == value
    if not is_der:
        raise Invalid("signing-time", "the signing time cannot be read")
    return time  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class CertificateIdentifier:
    """The first ESSCertID or ESSCertIDv2 of a signing-certificate attribute (RFC 5035)."""

    hash: str
    """dotted OID; empty in the older attribute, which knows SHA-1 only"""
    digest: bytes
    issuer_serial: tuple[list[bytes], int] | None
    """the issuer's directory names (DER) and the serial number; it may be left out"""


def read_certificate_identifier(value: bytes, *, by_sha1: bool) -> CertificateIdentifier:
    """Read a signing-certificate-v2 attribute, or the older one ``by_sha1``. Raises Invalid."""
    kind: Any = tsp.SigningCertificate if by_sha1 else tsp.SigningCertificateV2
    with _reading("signing-certificate-wrong", "the signature is bound to another certificate"):
        identifier = kind.load(value, strict=True)["certs"][0]
        serial = identifier["issuer_serial"]
        issuer_serial = None
        if not isinstance(serial, core.Void) and serial.dump():
            names = [name.chosen.untag().dump() for name in serial["issuer"] if name.name == "directory_name"]
            issuer_serial = (names, serial["serial_number"].native)
        return CertificateIdentifier(
            hash="" if by_sha1 else _oid(identifier["hash_algorithm"]["algorithm"]),
            digest=identifier["cert_hash"].native,
            issuer_serial=issuer_serial,
        )


def read_nonce(request: bytes) -> int:
    """The nonce of a TimeStampReq (hub.signing.stamps.request). Raises Invalid."""
    with _reading("not-a-stamp", "the request is no TimeStampReq"):
        return int(tsp.TimeStampReq.load(request, strict=True)["nonce"].native)


class _Reply(core.Sequence):  # type: ignore[misc]  # asn1crypto is untyped
    """TimeStampResp; in asn1crypto's own the token is not optional, and a refusal has none."""

    _fields: ClassVar = [
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


def read_stamp_reply(reply: bytes) -> bytes:
    """The token (DER) in a TimeStampResp (RFC 3161 section 2.4.2). Raises Invalid, also if the authority refused."""
    with _reading("not-a-stamp", "the reply is no TimeStampResp"):
        answer = _Reply.load(reply, strict=True)
        status = answer["status"]["status"].native
        granted = status in {"granted", "granted_with_mods"}
        token: bytes = answer["time_stamp_token"].dump() if granted else b""
    if not granted:
        raise Invalid("stamp-refused", f"the time stamping authority answered: {status}")
    return token


@dataclass(frozen=True, slots=True)
class StampInfo:
    """A TSTInfo (RFC 3161 section 2.4.2)."""

    hash: str
    """dotted OID of the algorithm of ``digest``"""
    digest: bytes
    at: datetime
    """UTC"""
    serial: int
    policy: str
    """dotted OID"""
    nonce: int | None


def read_stamp_info(content: bytes) -> StampInfo:
    """Read a TSTInfo (DER). Raises Invalid, also for a critical extension: none is supported."""
    with _reading("not-a-stamp", "the file holds no TSTInfo that can be read"):
        info = tsp.TSTInfo.load(content, strict=True)
        understood = info["version"].native == "v1" and not any(
            extension["critical"] for extension in info["extensions"].native or ()
        )
        imprint = info["message_imprint"]
        stamp_info = StampInfo(
            hash=_oid(imprint["hash_algorithm"]["algorithm"]),
            digest=imprint["hashed_message"].native,
            at=info["gen_time"].native.astimezone(UTC),
            serial=info["serial_number"].native,
            policy=_oid(info["policy"]),
            nonce=info["nonce"].native,
        )
    if not understood:
        raise Invalid("not-a-stamp", "the file holds no TSTInfo of a kind that is understood here")
    return stamp_info


def read_unsigned_attributes(signed: SignedData) -> list[tuple[str, bytes]]:
    """OID and first value (DER) of each unsigned attribute. Raises Invalid."""
    if not signed.has_unsigned:
        return []
    with _reading("unsigned-parts", "the signature holds parts that cannot be read"):
        attributes = cms.CMSAttributes.load(b"\x31" + signed.unsigned_attributes[1:])
        return [(_oid(attribute["type"]), attribute["values"][0].dump()) for attribute in attributes]


def length_of(data: bytes) -> int:
    """Number of bytes of the first value (BER) in ``data``, which may go on. Raises Invalid."""
    with _reading("not-a-signature", "not a CMS SignedData, or a damaged one"):
        return int(parser.peek(data))


# Objects for pyHanko, which takes and gives asn1crypto's.


def pyhanko_certificate(certificate: x509.Certificate) -> Any:
    """Certificate as an asn1crypto object."""
    return asn1_x509.Certificate.load(certificate.public_bytes(Encoding.DER))


def pyhanko_crl(revocations: x509.CertificateRevocationList) -> Any:
    """Revocation list as an asn1crypto object."""
    return crl.CertificateList.load(revocations.public_bytes(Encoding.DER))


def pyhanko_stamp_reply(token: bytes) -> Any:
    """TimeStampResp (asn1crypto) around a token that hub.signing.stamps normalised."""
    return tsp.TimeStampResp({"status": {"status": "granted"}, "time_stamp_token": cms.ContentInfo.load(token)})
