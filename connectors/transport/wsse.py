"""WS-Security on what we send: Timestamp, X.509 signature, UsernameToken. Its counterpart is wsse_verifier.

OASIS WS-Security 1.1 with the X.509 Token Profile (the certificate travels in a BinarySecurityToken) and the
UsernameToken Profile (PasswordDigest). Signed are Body and Timestamp: exclusive c14n, SHA-256, RSA or ECDSA.
https://docs.oasis-open.org/wss/v1.1/
"""

import base64
import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from lxml import etree
from xmlsec import constants, template

from connectors.transport.envelope import BODY, HEADER, MUST_UNDERSTAND
from connectors.transport.xml import Element

WINDOW: Final = timedelta(seconds=300)
"""How far a message's Created may be from now, either way; also how long ours are good for."""

DS: Final = "http://www.w3.org/2000/09/xmldsig#"
EXC_C14N: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
_WSS: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-"
WSSE: Final = f"{_WSS}wssecurity-secext-1.0.xsd"
WSU: Final = f"{_WSS}wssecurity-utility-1.0.xsd"
X509V3: Final = f"{_WSS}x509-token-profile-1.0#X509v3"
BASE64: Final = f"{_WSS}soap-message-security-1.0#Base64Binary"
PASSWORD_DIGEST: Final = f"{_WSS}username-token-profile-1.0#PasswordDigest"

WSU_ID: Final = f"{{{WSU}}}Id"
SECURITY: Final = f"{{{WSSE}}}Security"
TIMESTAMP: Final = f"{{{WSU}}}Timestamp"
CREATED: Final = f"{{{WSU}}}Created"
EXPIRES: Final = f"{{{WSU}}}Expires"
TOKEN: Final = f"{{{WSSE}}}BinarySecurityToken"
TOKEN_REFERENCE: Final = f"{{{WSSE}}}SecurityTokenReference"
REFERENCE: Final = f"{{{WSSE}}}Reference"
USERNAME_TOKEN: Final = f"{{{WSSE}}}UsernameToken"

SMALLEST_RSA: Final = 2048
"""bits"""


class UnusableKeyError(ValueError):
    """A key or certificate that we do not sign or verify with; the message says why and never holds the key."""


def method_of(certificate: x509.Certificate) -> Any:
    """The signature method that fits the certificate's key. Raises UnusableKeyError for weak and unusual keys."""
    key = certificate.public_key()
    if isinstance(key, RSAPublicKey) and key.key_size >= SMALLEST_RSA:
        return constants.TransformRsaSha256
    if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        return constants.TransformEcdsaSha256
    raise UnusableKeyError("a certificate holds an RSA key of at least 2048 bits or a P-256 key")


@dataclass(frozen=True, slots=True)
class WsseKey:
    """Our private key, and the certificate that the other party knows it by. Read once, used by all threads."""

    key: xmlsec.Key
    method: Any
    """xmlsec's name of the signature method"""
    certificate: x509.Certificate

    @classmethod
    @cache  # reading an RSA key takes 40 ms, and the hub's own is the same for every department
    def from_pem(cls, key: bytes, certificate: bytes) -> "WsseKey":
        """Raises UnusableKeyError when the two are unreadable, weak, or do not belong together."""
        try:
            private = load_pem_private_key(key, password=None)
            public = x509.load_pem_x509_certificate(certificate)
        except (ValueError, TypeError, x509.InvalidVersion):
            raise UnusableKeyError("the key or the certificate is not readable PEM") from None
        method = method_of(public)
        if _spki(private.public_key()) != _spki(public.public_key()):
            raise UnusableKeyError("the certificate does not belong to the key")
        return cls(xmlsec.Key.from_memory(key, constants.KeyDataFormatPem, None), method, public)

    @property
    def token(self) -> str:
        """The certificate as a BinarySecurityToken holds it."""
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode("ascii")


def sign(envelope: Element, key: WsseKey, now: datetime) -> None:
    """Adds Timestamp, certificate and signature to ``envelope``. Raises UnusableKeyError if our certificate is out."""
    if not key.certificate.not_valid_before_utc <= now <= key.certificate.not_valid_after_utc:
        raise UnusableKeyError("our certificate is not valid at this time")
    security = _security(envelope)
    token = etree.SubElement(security, TOKEN, {"EncodingType": BASE64, "ValueType": X509V3, WSU_ID: _new_id()})
    token.text = key.token
    timestamp = etree.SubElement(security, TIMESTAMP)
    etree.SubElement(timestamp, CREATED).text = _zulu(now)
    etree.SubElement(timestamp, EXPIRES).text = _zulu(now + WINDOW)
    signature = template.create(security, constants.TransformExclC14N, key.method, ns="ds")
    security.append(signature)
    context = xmlsec.SignatureContext()
    context.key = key.key
    for part in (_body(envelope), timestamp):
        part.set(WSU_ID, _new_id())
        context.register_id(part, "Id", WSU)
        reference = template.add_reference(signature, constants.TransformSha256, uri=f"#{part.get(WSU_ID)}")
        template.add_transform(reference, constants.TransformExclC14N)
    holder = etree.SubElement(template.ensure_key_info(signature), TOKEN_REFERENCE)
    etree.SubElement(holder, REFERENCE, {"URI": f"#{token.get(WSU_ID)}", "ValueType": X509V3})
    context.sign(signature)


def username_token(envelope: Element, username: str, password: str, now: datetime) -> None:
    """Adds a UsernameToken with PasswordDigest to ``envelope``: the password itself does not travel."""
    nonce, created = secrets.token_bytes(16), _zulu(now)
    digest = hashlib.sha1(nonce + created.encode() + password.encode()).digest()  # noqa: S324 - the profile fixes SHA-1
    token = etree.SubElement(_security(envelope), USERNAME_TOKEN)
    etree.SubElement(token, f"{{{WSSE}}}Username").text = username
    etree.SubElement(token, f"{{{WSSE}}}Password", {"Type": PASSWORD_DIGEST}).text = _base64(digest)
    etree.SubElement(token, f"{{{WSSE}}}Nonce", {"EncodingType": BASE64}).text = _base64(nonce)
    etree.SubElement(token, CREATED).text = created


def _security(envelope: Element) -> Element:
    header = envelope.find(HEADER)
    if header is None:
        header = etree.Element(HEADER)
        envelope.insert(0, header)
    security = header.find(SECURITY)
    if security is None:
        security = etree.SubElement(header, SECURITY, {MUST_UNDERSTAND: "1"}, nsmap={"wsse": WSSE, "wsu": WSU})
    return security


def _body(envelope: Element) -> Element:
    body = envelope.find(BODY)
    if body is None:
        raise ValueError("an envelope without a Body cannot be signed")
    return body


def _new_id() -> str:
    return f"id-{secrets.token_hex(16)}"


def _zulu(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def _spki(key: object) -> bytes:
    if not isinstance(key, RSAPublicKey | EllipticCurvePublicKey):
        raise UnusableKeyError("the key is neither RSA nor EC")
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
