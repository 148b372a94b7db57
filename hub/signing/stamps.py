"""Time stamps (RFC 3161): request to a time-stamping authority (TSA), its reply, and verification of a stored token.

Tokens are parsed more leniently than our own signatures: some TSAs do not sort the SET of certificates, some still
write the older signing-certificate attribute, some add certificates outside the path. What the TSA signed must be
correct and stays byte for byte; the rest is rewritten when the token arrives (``normalised``), and only that form is
accepted later, so that no unsigned byte of a stored token can be changed.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Final

from asn1crypto import cms as asn1
from asn1crypto import core, tsp
from cryptography import x509

from hub.signing import algorithms, cms, der
from hub.signing.cms import SignedData
from hub.signing.trust import Path, Trust, is_issued_by
from hub.signing.verdicts import Invalid

TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_TIME_STAMPING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_GRANTED: Final = frozenset(("granted", "granted_with_mods"))
_TRUE: Final = b"\x01\x01\xff"


class _Reply(core.Sequence):  # type: ignore[misc]  # asn1crypto is untyped
    """TimeStampResp; in asn1crypto's own the token is not optional, and a refusal has none."""

    _fields: ClassVar = [
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", asn1.ContentInfo, {"optional": True}),
    ]


@dataclass(frozen=True, slots=True)
class Stamp:
    """A verified time stamp: the data existed at ``at`` (UTC), by the TSA that holds ``certificate``."""

    at: datetime
    serial: int
    policy: str
    """dotted OID"""
    certificate: x509.Certificate
    chain: Path
    """from ``certificate`` to the root"""


def request(digest: bytes, nonce: int, policy: str | None = None) -> bytes:
    """Encode a TimeStampReq for a SHA-256 ``digest``, with certReq. ``nonce``: a fresh random number."""
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError("a SHA-256 digest has 32 bytes")
    imprint = der.sequence(der.sequence(der.oid(_SHA256), der.NULL), der.tlv(der.OCTETS, digest))
    return der.sequence(der.integer(1), imprint, *([der.oid(policy)] if policy else []), der.integer(nonce), _TRUE)


def read_reply(reply: bytes, digest: bytes, nonce: int) -> bytes:
    """The normalised token in a TimeStampResp to ``request(digest, nonce)``. Its signature is not checked (``verify``).

    Raises Invalid if the TSA refused, or replied to another request.
    """
    try:
        answer = _Reply.load(reply, strict=True)
        status = answer["status"]["status"].native
        token = answer["time_stamp_token"].dump() if status in _GRANTED else b""
    except (ValueError, TypeError, KeyError):
        raise Invalid("not-a-stamp", "the reply is no TimeStampResp") from None
    if status not in _GRANTED:
        raise Invalid("stamp-refused", f"the time stamping authority answered: {status}")
    token = normalised(token)
    info = _info(cms.read(token))
    if info.nonce != nonce:
        raise Invalid("stamp-nonce", "the time stamp answers another request (nonce)")
    if (info.hash, info.digest) != (_SHA256, digest):
        raise Invalid("stamp-imprint", "the time stamp is for other data")
    return token


def normalised(token: bytes) -> bytes:
    """Rewrite what the signature of ``token`` does not cover, in a single form. Raises Invalid.

    1. Of the certificates only the signer's path is kept, without the root, sorted.
    2. Algorithms are in their preferred encoding; unsigned attributes and revocation lists are dropped.
    """
    # 1.
    signed = cms.read(token)
    path = [cms.signer_certificate(signed)]
    while above := [one for one in signed.certificates if one not in path and is_issued_by(path[-1], one)]:
        path.append(above[0])
    certificates = path[:1] + [one for one in path[1:] if one.subject != one.issuer]  # the reader has his own roots
    # 2.
    digest, signature = algorithms.normalised(signed.digest_algorithm, signed.signature_algorithm)
    return _written(signed, digest, signature, sorted(map(cms.encoded, certificates)))


def _written(signed: SignedData, digest: bytes, signature: bytes, certificates: list[bytes]) -> bytes:
    attributes = b"\xa0" + signed.signed_attributes[1:]
    octets = der.tlv(der.OCTETS, signed.signature)
    signer = der.sequence(der.integer(1), signed.sid, digest, attributes, signature, octets)
    content = der.sequence(der.oid(TST_INFO), der.context(0, der.tlv(der.OCTETS, signed.content or b"")))
    return cms.container(3, digest, content, certificates, signer)


def verify(token: bytes, data: bytes, trust: Trust) -> Stamp:
    """Verify a normalised ``token`` over ``data``; the TSA's certificate is judged as of the stamp's own time.

    1. The token is in normalised form, and its message imprint is the digest of ``data``.
    2. The signature is the signer certificate's, and is bound to that certificate.
    3. The certificate has a path to a trusted root at the stamp's time, and no certificate is superfluous.
    4. The certificate is for time stamping only.

    Raises Invalid or Undecided.
    """
    # 1.
    signed = cms.read(token)
    info = _info(signed)
    if normalised(token) != token:
        raise Invalid("not-der", "the time stamp is not in the one form in which the hub keeps it")
    algorithm = algorithms.HASHES.get(info.hash)
    if algorithm is None or info.digest != hashlib.new(algorithm.name, data).digest():
        raise Invalid("stamp-imprint", "the time stamp is for other data")
    # 2.
    certificate = cms.signer_certificate(signed)
    cms.check_signature(signed, certificate, TST_INFO, signed.content or b"")
    cms.check_signing_certificate(signed, certificate, older=True)
    # 3.
    chain = trust.path(certificate, info.at, signed.certificates)
    if not set(signed.certificates) <= set(chain):
        raise Invalid("certificates-superfluous", "a certificate in the time stamp has no part in it")
    # 4.
    _check_purpose(certificate)
    return Stamp(at=info.at, serial=info.serial, policy=info.policy, certificate=certificate, chain=chain)


@dataclass(frozen=True, slots=True)
class _Info:
    hash: str
    digest: bytes
    at: datetime
    serial: int
    policy: str
    nonce: int | None


def _info(signed: SignedData) -> _Info:
    """Parse the TSTInfo. Raises Invalid, also for a critical extension: none is supported."""
    try:
        info = tsp.TSTInfo.load(signed.content, strict=True)
        understood = info["version"].native == "v1" and not any(
            extension["critical"] for extension in info["extensions"].native or ()
        )
        imprint = info["message_imprint"]
        parsed = _Info(
            hash=imprint["hash_algorithm"]["algorithm"].dotted,
            digest=imprint["hashed_message"].native,
            at=info["gen_time"].native.astimezone(UTC),
            serial=info["serial_number"].native,
            policy=info["policy"].dotted,
            nonce=info["nonce"].native,
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Invalid("not-a-stamp", "the file holds no TSTInfo that can be read") from None
    if signed.content_type != TST_INFO or not understood:
        raise Invalid("not-a-stamp", "the file holds no TSTInfo of a kind that is understood here")
    return parsed


def _check_purpose(certificate: x509.Certificate) -> None:
    """Check that the extended key usage is critical and only time stamping (RFC 3161 section 2.3). Raises Invalid."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        extension = None
    if extension is None or not extension.critical or list(extension.value) != [_TIME_STAMPING]:
        raise Invalid("stamp-purpose", "the certificate is not one of a time stamping authority (extended key usage)")
