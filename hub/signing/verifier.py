"""Verify a detached CAdES-B signature, strictly: one signer, accepted algorithms, DER throughout.

What the signature does not cover (the container, the embedded certificates) must be byte for byte what
``hub.signing.cms`` writes, and every embedded certificate must be in the path, so that no byte can be changed.
Only the order of the certificates is free; the log's leaf is a hash of the whole file, so it cannot be changed either.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509

from hub.clock import now
from hub.signing import asn1, cms, der
from hub.signing.asn1 import SignedData
from hub.signing.cms import (
    ExpiredContent,
    check_signature,
    check_signing_certificate,
    encoded,
    signer_certificate,
)
from hub.signing.trust import Trust
from hub.signing.verdicts import Invalid, Undecided

__all__ = ["ExpiredContent", "Invalid", "Undecided", "VerifiedSignature", "verify"]

SKEW: Final = timedelta(minutes=5)
"""how far a signer's clock may be ahead"""


@dataclass(frozen=True, slots=True)
class VerifiedSignature:
    """A valid signature."""

    certificate: x509.Certificate
    chain: tuple[x509.Certificate, ...]
    """from ``certificate`` to the root"""
    signing_time: datetime
    """claimed by the signer, UTC; only a time stamp proves it"""


def verify(
    content: bytes | ExpiredContent, signature: bytes, trust: Trust, *, at: datetime | None
) -> VerifiedSignature:
    """Verify ``signature`` over ``content`` and the signer's certificate by ``trust``.

    ``at``: a time at which the signature is known to have existed (now for one that just arrived, its time stamp for an
    old one). None: nothing proves when it was made; it is judged as of now, and an expired or revoked certificate
    leaves it Undecided.

    1. Verify the cryptography and the form of the file; what fails here is Invalid whatever is trusted.
    2. The claimed signing time is not after ``at``, and is within the certificate's validity.
    3. The certificate has a path to a trusted root at ``at``.
    4. Every certificate in the file is in that path.

    Raises Invalid or Undecided.
    """
    # 1.
    signed, certificate = verify_integrity(content, signature)
    # 2.
    moment = at or now()
    signing_time = _signing_time(signed)
    if signing_time > moment + SKEW:
        raise Invalid("signing-time", "the signature says that it was made later than it was here")
    if not certificate.not_valid_before_utc - SKEW <= signing_time <= certificate.not_valid_after_utc:
        raise Invalid("signing-time", "the signature says that it was made when its certificate was not valid")
    # 3.
    try:
        chain = trust.path(certificate, moment, signed.certificates)
    except Invalid as failure:
        if at is None and failure.code in ("expired", "revoked"):
            raise Undecided(failure.code, f"{failure.sentence}, and nothing proves that it was signed before") from None
        raise
    # 4.
    if not set(signed.certificates) <= set(chain):
        raise Invalid("certificates-superfluous", "a certificate in the file has no part in the signature")
    return VerifiedSignature(certificate=certificate, chain=chain, signing_time=signing_time)


def verify_integrity(content: bytes | ExpiredContent, signature: bytes) -> tuple[SignedData, x509.Certificate]:
    """Verify the cryptography and the form of a signature; return it and its certificate, whose trust is not checked.

    Raises Invalid or Undecided.
    """
    signed = asn1.read_signed_data(signature)
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
    # In any order: RFC 5652 requires DER of the attributes only, and other products do not sort this SET.
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
    return asn1.read_time(value)
