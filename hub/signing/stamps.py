"""Time stamps (RFC 3161): request to a time-stamping authority (TSA), its reply, and verification of a stored token.

Tokens are parsed more leniently than our own signatures: some TSAs do not sort the SET of certificates, some still
write the older signing-certificate attribute, some add certificates outside the path. What the TSA signed must be
correct and stays byte for byte; the rest is rewritten when the token arrives (``normalised``), and only that form is
accepted later, so that no unsigned byte of a stored token can be changed.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography import x509

from hub.signing import algorithms, asn1, cms, der
from hub.signing.asn1 import SignedData, StampInfo
from hub.signing.trust import Path, Trust, is_issued_by
from hub.signing.verdicts import Invalid

TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_TIME_STAMPING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_TRUE: Final = b"\x01\x01\xff"


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
    token = normalised(asn1.read_stamp_reply(reply))
    info = _info(asn1.read_signed_data(token))
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
    signed = asn1.read_signed_data(token)
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
    signed = asn1.read_signed_data(token)
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


def _info(signed: SignedData) -> StampInfo:
    """Parse the TSTInfo. Raises Invalid."""
    if signed.content_type != TST_INFO:
        raise Invalid("not-a-stamp", "the file holds no TSTInfo of a kind that is understood here")
    return asn1.read_stamp_info(signed.content or b"")


def _check_purpose(certificate: x509.Certificate) -> None:
    """Check that the extended key usage is critical and only time stamping (RFC 3161 section 2.3). Raises Invalid."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        extension = None
    if extension is None or not extension.critical or list(extension.value) != [_TIME_STAMPING]:
        raise Invalid("stamp-purpose", "the certificate is not one of a time stamping authority (extended key usage)")
