"""Verification of WS-Security signatures: signed by a pinned certificate, whole and fresh.

zeep.wsse is not used: it resolves each Reference by id anywhere in the document and never asks whether the Body that it
then reads is the signed one, so that six of eight wrapping attacks pass. Here every part has one place, every id is
unique, the Body and the Timestamp at their places are what is signed, algorithms are on a list, the certificate is
pinned beforehand, and only the signed Body is handed back. The cryptography is xmlsec's.
"""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from xmlsec import constants

from connectors.transport.envelope import BODY, ENVELOPE, HEADER
from connectors.transport.wsse import (
    CREATED,
    DS,
    EXC_C14N,
    EXPIRES,
    REFERENCE,
    SECURITY,
    TIMESTAMP,
    TOKEN,
    TOKEN_REFERENCE,
    USERNAME_TOKEN,
    WINDOW,
    WSU,
    WSU_ID,
    X509V3,
    UnusableKeyError,
    method_of,
)
from connectors.transport.xml import Element, moment_in

_SIGNATURE: Final = f"{{{DS}}}Signature"
_REFERENCE: Final = f"{{{DS}}}Reference"
_SIGNABLE: Final = frozenset({BODY, TIMESTAMP, TOKEN, USERNAME_TOKEN})
_ID_ATTRIBUTES: Final = (WSU_ID, "Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")
_LOCAL_URI: Final = re.compile(r"#([A-Za-z_][A-Za-z0-9._-]{0,127})")

_ENVELOPED: Final = f"{DS}enveloped-signature"
_SHA256: Final = "http://www.w3.org/2001/04/xmlenc#sha256"
_METHODS: Final = frozenset(
    {
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
    }
)
_TRANSFORMS: Final = ([EXC_C14N], [_ENVELOPED, EXC_C14N])
"""Of one Reference. The npm client sends the longer form; on a Body, which holds no Signature, it changes nothing."""

Reason = Literal["unsigned", "structure", "algorithm", "certificate", "signature", "stale"]


class Untrusted(ValueError):
    """The message is not to be believed. ``reason`` is a stable word; the text never quotes the message."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


@dataclass(frozen=True, slots=True)
class Parts:
    """The parts of a signed message, each found at the only place where it may be."""

    body: Element
    timestamp: Element
    token: Element
    signature: Element


@dataclass(frozen=True, slots=True)
class SignedElement:
    """An element that a Reference names, and the attribute that carries the name."""

    element: Element
    attribute: str
    namespace: str | None


def parts_of(envelope: Element) -> Parts:
    """Raises Untrusted unless Envelope/[Header/Security/[Token, Timestamp, Signature], Body] are there, each once."""
    if any(not isinstance(node.tag, str) for node in envelope.iter()):
        raise Untrusted("structure", "the message holds comments or processing instructions")
    if envelope.getparent() is not None or envelope.tag != ENVELOPE:
        raise Untrusted("structure", "the document is not a SOAP 1.1 envelope")
    if next(envelope.iter(SECURITY), None) is None:
        raise Untrusted("unsigned", "the message carries no WS-Security header")
    if [child.tag for child in envelope] != [HEADER, BODY]:
        raise Untrusted("structure", "an envelope has one Header, then one Body")
    security = _only(envelope, envelope[0], SECURITY)
    return Parts(
        body=_only(envelope, envelope, BODY),
        timestamp=_only(envelope, security, TIMESTAMP),
        token=_only(envelope, security, TOKEN),
        signature=_only(envelope, security, _SIGNATURE),
    )


def signed_elements(parts: Parts, envelope: Element) -> list[SignedElement]:
    """What the signature covers. Raises Untrusted unless that is Body and Timestamp, by algorithms of our list."""
    info, _, key_info = _children(parts.signature, "SignedInfo", "SignatureValue", "KeyInfo")
    _check_key_info(key_info, parts.token)
    references = _references(info)
    ids = _ids(envelope)
    signed = [_named(reference, ids) for reference in references]
    elements = [named.element for named in signed]
    if elements.count(parts.body) != 1 or elements.count(parts.timestamp) != 1:
        raise Untrusted("structure", "Body and Timestamp are not both signed, each once")
    if any(element.tag not in _SIGNABLE for element in elements):
        raise Untrusted("structure", "something is signed that has no place in a message")
    return signed


def _only(envelope: Element, parent: Element, tag: str) -> Element:
    """The element ``tag`` if there is one in the whole document and it stands directly in ``parent``."""
    elements = list(envelope.iter(tag))
    if len(elements) != 1 or elements[0].getparent() is not parent:
        raise Untrusted("structure", f"a message has one {_local(tag)}, in one place")
    return elements[0]


def _ids(envelope: Element) -> dict[str, Element]:
    ids: dict[str, Element] = {}
    for element in envelope.iter():
        for attribute in _ID_ATTRIBUTES:
            value = element.get(attribute)
            if value is None:
                continue
            if value in ids:
                raise Untrusted("structure", "an id stands twice in the message")
            ids[value] = element
    return ids


def _references(info: Element) -> list[Element]:
    """The References of SignedInfo, whose own algorithms are checked here."""
    if len(info) < 2:  # noqa: PLR2004 - CanonicalizationMethod and SignatureMethod come first
        raise Untrusted("structure", "SignedInfo does not say how it is signed")
    canonicalisation, method, *references = info
    if _algorithm(canonicalisation, "CanonicalizationMethod") != EXC_C14N:
        raise Untrusted("algorithm", "SignedInfo is canonicalised in another way than exclusive c14n")
    if _algorithm(method, "SignatureMethod") not in _METHODS:
        raise Untrusted("algorithm", "the signature method is neither RSA-SHA256 nor ECDSA-SHA256")
    return references


def _named(reference: Element, ids: dict[str, Element]) -> SignedElement:
    """The element that ``reference`` digests."""
    if reference.tag != _REFERENCE:
        raise Untrusted("structure", "SignedInfo holds something else than References")
    transforms, digest, _ = _children(reference, "Transforms", "DigestMethod", "DigestValue")
    if [_algorithm(transform, "Transform") for transform in transforms] not in _TRANSFORMS:
        raise Untrusted("algorithm", "a Reference has other transforms than exclusive c14n")
    if _algorithm(digest, "DigestMethod") != _SHA256:
        raise Untrusted("algorithm", "a digest is not SHA-256")
    uri = _LOCAL_URI.fullmatch(reference.get("URI") or "")
    if uri is None or uri[1] not in ids:
        raise Untrusted("structure", "a Reference does not name an element of this message")
    element = ids[uri[1]]
    if element.get(WSU_ID) == uri[1]:
        return SignedElement(element, "Id", WSU)
    if element.get("Id") == uri[1]:
        return SignedElement(element, "Id", None)
    raise Untrusted("structure", "a Reference names an element by something else than wsu:Id or Id")


def _check_key_info(key_info: Element, token: Element) -> None:
    """The key is the token's and nothing else: WSS4J and zeep's BinarySignature say so in this form."""
    holders = [child.tag for child in key_info]
    references = [child for holder in key_info for child in holder]
    if holders != [TOKEN_REFERENCE] or [child.tag for child in references] != [REFERENCE]:
        raise Untrusted("structure", "KeyInfo does not refer to the BinarySecurityToken")
    if token.get(WSU_ID) is None or references[0].get("URI") != f"#{token.get(WSU_ID)}":
        raise Untrusted("structure", "KeyInfo refers to another token")


def _children(parent: Element, *names: str) -> list[Element]:
    children = list(parent)
    if [child.tag for child in children] != [f"{{{DS}}}{name}" for name in names]:
        raise Untrusted("structure", f"{_local(parent.tag)} does not hold {', '.join(names)} and only these")
    return children


def _algorithm(element: Element, name: str) -> str:
    """The Algorithm of an element whose only parameter may be a list of prefixes (exclusive c14n)."""
    parameters = [child.tag for child in element]
    if element.tag != f"{{{DS}}}{name}" or parameters not in ([], [f"{{{EXC_C14N}}}InclusiveNamespaces"]):
        raise Untrusted("structure", f"{name} is not where it belongs, or has parameters")
    return element.get("Algorithm") or ""


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


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
        except (ValueError, x509.InvalidVersion):
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
    signed = signed_elements(parts, envelope)
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
