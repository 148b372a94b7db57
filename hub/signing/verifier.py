"""Verifying a detached CAdES-B signature, strictly: one signer, listed algorithms, one form of every byte.

Nothing in the file escapes: what the signature does not cover (its container, the embedded certificates) must be byte
for byte what ``hub.signing.cms`` would write around it, and every embedded certificate must have a part in the path.
Only the order of the certificates is the signer's own: the log's leaf is over the file, so even that is held fast.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from asn1crypto import cms as asn1
from cryptography import x509

from hub.clock import now
from hub.signing import cms, der
from hub.signing.cms import (
    ExpiredContent,
    SignedData,
    check_signature,
    check_signing_certificate,
    encoded,
    read,
    signer_certificate,
)
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided

__all__ = ["ExpiredContent", "Invalid", "Undecided", "VerifiedSignature", "verify"]

SKEW: Final = timedelta(minutes=5)
"""how far a signer's clock may be ahead"""


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A signature that holds."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """from ``certificate`` to the root"""
    signing_time: datetime
    """the signer's own word, UTC; only a time stamp proves when"""


def verify(
    content: bytes | ExpiredContent, signature: bytes, trust: Trust, *, at: datetime | None
) -> VerifiedSignature:
    """``at``: when the signature is known to have existed (now for what just arrived, its time stamp for what is old).

    None: nothing proves when. It is judged as of now, and what has ended meanwhile leaves it undecided. What is wrong
    in itself is Invalid even where trust cannot be told. Raises Invalid or Undecided.
    """
    signed, certificate = verify_integrity(content, signature)
    moment = at or now()
    signing_time = _signing_time(signed)
    if signing_time > moment + SKEW:
        raise Invalid("signing-time", "the signature says that it was made later than it was here")
    if not certificate.not_valid_before_utc - SKEW <= signing_time <= certificate.not_valid_after_utc:
        raise Invalid("signing-time", "the signature says that it was made when its certificate was not valid")
    try:
        chain = trust.path(certificate, moment, signed.certificates)
    except Invalid as end:
        if at is None and end.code in ("expired", "revoked"):
            raise Undecided(end.code, f"{end.sentence}, and nothing proves that it was signed before") from None
        raise
    if not set(signed.certificates) <= set(chain):
        raise Invalid("certificates-superfluous", "a certificate in the file has no part in the signature")
    return VerifiedSignature(certificate=certificate, chain=chain, signing_time=signing_time)


def verify_integrity(content: bytes | ExpiredContent, signature: bytes) -> tuple[SignedData, x509.Certificate]:
    """The signature taken apart, and by whose key it was made; whether that certificate is good is not asked.

    Raises Invalid or Undecided.
    """
    signed = read(signature)
    certificate = signer_certificate(signed)
    _check_form(signed, signature)
    check_signature(signed, certificate, cms.DATA, content)
    check_signing_certificate(signed, certificate)
    return signed, certificate


def _check_form(signed: SignedData, signature: bytes) -> None:
    if signed.content_type != cms.DATA or signed.content is not None:
        raise Invalid("not-detached", "the file has to hold the signature only, not the content")
    if signed.has_unsigned or signed.has_crls:
        raise Invalid("unsigned-parts", "the file holds parts that the signature does not protect")
    attributes = [der.sequence(der.oid(kind), der.set_of([value])) for kind, value in signed.attributes.items()]
    if signed.signed_attributes != der.set_of(attributes):
        raise Invalid("not-der", "the signed attributes are not in the order of DER")
    signer = der.sequence(
        der.integer(1),
        signed.sid,
        signed.digest_algorithm,
        der.set_of(attributes, 0xA0),
        signed.signature_algorithm,
        der.tlv(der.OCTETS, signed.signature),
    )
    # In whatever order: RFC 5652 asks for DER of the attributes only, and others' products do not sort the SET.
    certificates = [encoded(certificate) for certificate in signed.certificates]
    if (
        len(set(certificates)) != len(certificates)
        or cms.detached(signed.digest_algorithm, certificates, signer) != signature
    ):
        raise Invalid("not-der", "the file is not in the one form that DER gives it")


def _signing_time(signed: SignedData) -> datetime:
    value = signed.attributes.get(cms.SIGNING_TIME)
    if value is None:
        raise Invalid("signing-time", "the signature does not say when it was made")
    try:
        told = asn1.Time.load(value, strict=True).native
    except (ValueError, TypeError):
        told = None
    if not isinstance(told, datetime) or der.time(told) != value:
        raise Invalid("signing-time", "the signing time cannot be read")
    return told.astimezone(UTC)
