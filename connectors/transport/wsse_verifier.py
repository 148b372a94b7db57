"""Is this SOAP message signed by whom we know, whole and fresh? Our own strict answer, because zeep's can be fooled.

zeep.wsse resolves each Reference by id anywhere in the document and never asks whether the Body that it then reads is
the signed one: six of eight wrapping moves pass it. Here every part has one place, every id is unique, the Body and
the Timestamp at their places are what is signed, algorithms are on a list, the certificate is pinned beforehand, and
only the signed Body is handed back (wsse_parts). The arithmetic is xmlsec's.
"""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from xmlsec import constants

from connectors.transport.wsse import CREATED, EXPIRES, WINDOW, X509V3, UnusableKeyError, method_of
from connectors.transport.wsse_parts import SignedElement, Untrusted, parts_of, signed_by
from connectors.transport.xml import Element, moment_in


@dataclass(frozen=True, slots=True)
class PinnedCertificate:
    """A certificate that we were given by its owner beforehand. Read once, used by all threads."""

    der: bytes
    key: xmlsec.Key
    valid_from: datetime
    valid_until: datetime

    @classmethod
    def from_pem(cls, pem: bytes) -> "PinnedCertificate":
        """Raises UnusableKeyError for what is no certificate and for weak keys."""
        try:
            certificate = x509.load_pem_x509_certificate(pem)
        except ValueError:
            raise UnusableKeyError("the certificate is not readable PEM") from None
        method_of(certificate)
        return cls(
            der=certificate.public_bytes(Encoding.DER),
            key=xmlsec.Key.from_memory(certificate.public_bytes(Encoding.PEM), constants.KeyDataFormatCertPem, None),
            valid_from=certificate.not_valid_before_utc,
            valid_until=certificate.not_valid_after_utc,
        )


def verify(envelope: Element, pinned: Sequence[PinnedCertificate], now: datetime) -> Element:
    """The signed Body; nothing else of ``envelope`` may be used. Raises Untrusted."""
    parts = parts_of(envelope)
    signed = signed_by(parts, envelope)
    certificate = _pinned(parts.token, pinned, now)
    _check_signature(parts.signature, signed, certificate.key)
    _check_fresh(parts.timestamp, now)
    return parts.body


def _pinned(token: Element, pinned: Sequence[PinnedCertificate], now: datetime) -> PinnedCertificate:
    """Raises Untrusted unless the token holds one of ``pinned``, byte for byte, and that is valid now."""
    if token.get("ValueType") != X509V3:
        raise Untrusted("structure", "the BinarySecurityToken is not an X.509 certificate")
    try:
        der = base64.b64decode("".join((token.text or "").split()), validate=True)
    except ValueError:
        raise Untrusted("structure", "the BinarySecurityToken is not base64") from None
    known = next((certificate for certificate in pinned if certificate.der == der), None)
    if known is None:
        raise Untrusted("certificate", "the signer's certificate is not one that we know")
    if not known.valid_from <= now <= known.valid_until:
        raise Untrusted("certificate", "the signer's certificate is not valid at this time")
    return known


def _check_signature(signature: Element, signed: Sequence[SignedElement], key: xmlsec.Key) -> None:
    context = xmlsec.SignatureContext()
    context.key = key
    for named in signed:
        context.register_id(named.element, named.attribute, named.namespace)
    try:
        context.verify(signature)
    except xmlsec.Error:
        raise Untrusted("signature", "the signature does not fit the message") from None


def _check_fresh(timestamp: Element, now: datetime) -> None:
    tags = [child.tag for child in timestamp]
    if tags not in ([CREATED], [CREATED, EXPIRES]):
        raise Untrusted("structure", "a Timestamp holds Created and perhaps Expires")
    created, *expires = (_moment(child) for child in timestamp)
    if abs(now - created) > WINDOW:
        raise Untrusted("stale", f"the message was not made within {WINDOW.seconds} seconds of now")
    if any(now >= moment for moment in expires):
        raise Untrusted("stale", "the message has expired")


def _moment(element: Element) -> datetime:
    try:
        return moment_in(element.text or "")
    except ValueError:
        raise Untrusted("structure", "a Timestamp holds something else than moments with their zone") from None
