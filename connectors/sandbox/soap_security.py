"""WS-Security at a sandbox department: who may speak to it, and how it signs what it says.

The catalogue names certificates; a department's private key is nobody's business but its own. The sandbox, which plays
the department, finds it in the environment beside the certificate: HUB_SECRET_…_CERTIFICATE, HUB_SECRET_…_KEY.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from config.catalogue import Catalogue, Department, SecretName
from connectors.clock import now
from connectors.transport import wsse, wsse_verifier
from connectors.transport.envelope import HEADER, body_of
from connectors.transport.wsse import PASSWORD_DIGEST, SECURITY, USERNAME_TOKEN, WINDOW, WSSE, WsseKey
from connectors.transport.wsse_verifier import PinnedCertificate, Untrusted
from connectors.transport.xml import Element


@dataclass(frozen=True, slots=True)
class DepartmentSoapSecurity:
    """What a department asks of the hub's messages, and the key with which it signs its own, if it signs."""

    hub: PinnedCertificate | None
    username: str | None
    password: str
    own_key: WsseKey | None

    @classmethod
    def of(
        cls, department: Department, catalogue: Catalogue, environment: Mapping[str, str]
    ) -> "DepartmentSoapSecurity":
        """Raises ValueError when the department's key is not in the environment, or is not usable."""
        asked = department.ws_security
        if asked is None:
            return cls(None, None, "", None)
        certificate = catalogue.secret(asked.sign_certificate).encode() if asked.sign_certificate else None
        return cls(
            hub=PinnedCertificate.from_pem(certificate) if certificate else None,
            username=asked.username,
            password=catalogue.secret(asked.password) if asked.password else "",
            own_key=signing_key(asked.their_certificates[0], catalogue, environment)
            if asked.their_certificates
            else None,
        )

    def body_of(self, envelope: Element) -> Element:
        """The Body that may be believed. Raises Untrusted, NotSOAP."""
        if self.username is not None:
            self._check_password(envelope, now())
        if self.hub is None:
            return body_of(envelope)
        return wsse_verifier.verify(envelope, [self.hub], now())

    def sign(self, envelope: Element) -> None:
        """Sign, if this department signs."""
        if self.own_key is not None:
            wsse.sign(envelope, self.own_key, now())

    def _check_password(self, envelope: Element, moment: datetime) -> None:
        """UsernameToken Profile 1.1 with PasswordDigest: SHA-1 over nonce, created and password."""
        tokens = envelope.findall(f"{HEADER}/{SECURITY}/{USERNAME_TOKEN}")
        if len(tokens) != 1:
            raise Untrusted("unsigned", "the message carries no UsernameToken, or several")
        token = tokens[0]
        password = token.find(f"{{{WSSE}}}Password")
        created = token.findtext(wsse.CREATED) or ""
        if password is None or password.get("Type") != PASSWORD_DIGEST or not _is_fresh(created, moment):
            raise Untrusted("stale", "the UsernameToken is not a fresh PasswordDigest")
        nonce, shown = _decoded(token.findtext(f"{{{WSSE}}}Nonce")), _decoded(password.text)
        digest = hashlib.sha1(nonce + created.encode() + self.password.encode()).digest()  # noqa: S324 - the profile's
        if token.findtext(f"{{{WSSE}}}Username") != self.username or not hmac.compare_digest(digest, shown):
            raise Untrusted("signature", "unknown user or wrong password")


def signing_key(certificate: SecretName, catalogue: Catalogue, environment: Mapping[str, str]) -> WsseKey:
    """The private key beside ``certificate``. Raises ValueError when it is missing or does not belong to it."""
    name = certificate.removesuffix("CERTIFICATE") + "KEY"
    if not environment.get(name):
        raise ValueError(f"the environment has no {name}: the sandbox signs with it as the department")
    return WsseKey.from_pem(environment[name].encode(), catalogue.secret(certificate).encode())


def _decoded(text: str | None) -> bytes:
    """Base64; what is none is nothing, and fits no password."""
    try:
        return base64.b64decode(text or "", validate=True)
    except ValueError:
        return b""


def _is_fresh(created: str, moment: datetime) -> bool:
    try:
        return abs(moment - datetime.fromisoformat(created)) <= WINDOW
    except (ValueError, TypeError):
        return False
