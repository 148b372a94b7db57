"""Time stamps (RFC 3161): the question to a time stamping authority, its answer, and what a kept token proves.

Tokens of real authorities are read with more patience than our own signatures: some do not sort the SET of
certificates, some still write the older signing-certificate attribute, some bring certificates that have no part in it.
What the authority signed has to be right all the same, and stays as it is; what it did not sign is written anew when
the token arrives (``normalised``), in a form that has no free byte, and nothing but that form is believed later.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Final

from asn1crypto import cms, core, tsp
from cryptography import x509

from hub.signing import algorithms, der
from hub.signing import cms as files
from hub.signing.cms import SignedData
from hub.signing.trust import Path, Trust, is_issued_by
from hub.signing.verdicts import Invalid

TST_INFO: Final = "1.2.840.113549.1.9.16.1.4"
_TIME_STAMPING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.8")
_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_GRANTED: Final = frozenset(("granted", "granted_with_mods"))
_TRUE: Final = b"\x01\x01\xff"


class _Reply(core.Sequence):  # type: ignore[misc]  # asn1crypto is untyped
    """TimeStampResp; asn1crypto's own does not know that a refusal has no token."""

    _fields: ClassVar = [
        ("status", tsp.PKIStatusInfo),
        ("time_stamp_token", cms.ContentInfo, {"optional": True}),
    ]


@dataclass(frozen=True, slots=True)
class Stamp:
    """That data was there at ``at`` (UTC), on the word of ``certificate``'s owner."""

    at: datetime
    serial: int
    policy: str
    """dotted OID"""
    certificate: x509.Certificate
    chain: Path
    """from ``certificate`` to the root"""


def request(digest: bytes, nonce: int, policy: str | None = None) -> bytes:
    """A TimeStampReq for a SHA-256 ``digest`` that asks for the certificate. ``nonce``: a fresh random number."""
    if len(digest) != hashlib.sha256().digest_size:
        raise ValueError("a SHA-256 digest has 32 bytes")
    imprint = der.sequence(der.sequence(der.oid(_SHA256), der.NULL), der.tlv(der.OCTETS, digest))
    return der.sequence(der.integer(1), imprint, *([der.oid(policy)] if policy else []), der.integer(nonce), _TRUE)


def read_reply(reply: bytes, digest: bytes, nonce: int) -> bytes:
    """The token in a TimeStampResp to ``request(digest, nonce)``, normalised. Its signature is ``verify``'s to check.

    Raises Invalid: the authority refused, or answered another question.
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
    info = _info(files.read(token))
    if info.nonce != nonce:
        raise Invalid("stamp-nonce", "the time stamp answers another request (nonce)")
    if (info.hash, info.digest) != (_SHA256, digest):
        raise Invalid("stamp-imprint", "the time stamp is for other data")
    return token


def normalised(token: bytes) -> bytes:
    """``token`` with all that its signature does not cover in one form: the signer's own path of certificates, sorted,
    each algorithm in one encoding, no unsigned attribute, no list. What is signed keeps every byte. Raises Invalid.
    """
    signed = files.read(token)
    path = [files.signer_certificate(signed)]
    while above := [one for one in signed.certificates if one not in path and is_issued_by(path[-1], one)]:
        path.append(above[0])
    kept = path[:1] + [one for one in path[1:] if one.subject != one.issuer]  # a root is the reader's own business
    digest, signature = algorithms.plain(signed.digest_algorithm, signed.signature_algorithm)
    return _written(signed, digest, signature, sorted(map(files.encoded, kept)))


def _written(signed: SignedData, digest: bytes, signature: bytes, certificates: list[bytes]) -> bytes:
    attributes = b"\xa0" + signed.signed_attributes[1:]
    octets = der.tlv(der.OCTETS, signed.signature)
    signer = der.sequence(der.integer(1), signed.sid, digest, attributes, signature, octets)
    content = der.sequence(der.oid(TST_INFO), der.context(0, der.tlv(der.OCTETS, signed.content or b"")))
    return files.container(3, digest, content, certificates, signer)


def verify(token: bytes, data: bytes, trust: Trust) -> Stamp:
    """What ``token`` proves about ``data``; the authority's certificate is judged as of the stamp's own time.

    Raises Invalid or Undecided.
    """
    signed = files.read(token)
    info = _info(signed)
    if normalised(token) != token:
        raise Invalid("not-der", "the time stamp is not in the one form in which the hub keeps it")
    algorithm = algorithms.HASHES.get(info.hash)
    if algorithm is None or info.digest != hashlib.new(algorithm.name, data).digest():
        raise Invalid("stamp-imprint", "the time stamp is for other data")
    certificate = files.signer_certificate(signed)
    files.check_signature(signed, certificate, TST_INFO, signed.content or b"")
    files.check_signing_certificate(signed, certificate, older=True)
    chain = trust.path(certificate, info.at, signed.certificates)
    if not set(signed.certificates) <= set(chain):
        raise Invalid("certificates-superfluous", "a certificate in the time stamp has no part in it")
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
    """The TSTInfo inside. Raises Invalid, also for a critical extension: none is understood here."""
    try:
        info = tsp.TSTInfo.load(signed.content, strict=True)
        understood = info["version"].native == "v1" and not any(
            extension["critical"] for extension in info["extensions"].native or ()
        )
        imprint = info["message_imprint"]
        found = _Info(
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
    return found


def _check_purpose(certificate: x509.Certificate) -> None:
    """RFC 3161 section 2.3: for time stamping and nothing else, and marked critical. Raises Invalid."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        extension = None
    if extension is None or not extension.critical or list(extension.value) != [_TIME_STAMPING]:
        raise Invalid("stamp-purpose", "the certificate is not one of a time stamping authority (extended key usage)")
