"""Who is at the door? Decided on the raw bytes, before anything in them is read.

Every refusal looks the same to the caller; the reason is for our log. What is missing (a guard, a secret, a certificate
in force) keeps the door shut.
"""

import hmac
from functools import cache
from typing import Final
from urllib.parse import unquote

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from starlette.requests import Request

from config.parties import CertificateGuard, Department, HmacGuard, SoapGuard
from connectors.transport import envelope, signatures, wsse_verifier
from connectors.transport.signatures import BadSignature
from connectors.transport.wsse_parts import Untrusted
from connectors.transport.wsse_verifier import PinnedCertificate
from connectors.transport.xml import Element
from hub import clock
from hub.app import Hub
from hub.http import ingest, problem_types, request_context
from hub.http.problems import Problem

CERTIFICATE: Final = "x-client-cert"
"""The caller's certificate as nginx writes it ($ssl_client_escaped_cert): PEM, URL-escaped."""
PROXY_SECRET: Final = "x-proxy-secret"  # noqa: S105 - a header's name


def portal(request: Request, body: bytes) -> None:
    """Let the public portal through. Raises Problem for anybody else."""
    _signed(request, body, ingest.hub(request).catalogue.portal.guard)


async def portal_read(request: Request) -> None:
    """The same for a request that carries no body."""
    portal(request, b"")


def department(request: Request, code: str, body: bytes) -> Department:
    """The department ``code``, if it is the one that sends this. Raises Problem for anybody else.

    Whom it lets through hears of parameters that the address does not have.
    """
    found = open_door(request, code, HmacGuard, CertificateGuard)
    if isinstance(found.guard, HmacGuard):
        _signed(request, body, found.guard)
    elif isinstance(found.guard, CertificateGuard):
        _certified(request, found.guard)
    ingest.check_parameters(request)
    return found


def open_door(request: Request, code: str, *kinds_of_guard: type) -> Department:
    """The department ``code``, if it has such a guard. An unknown one and a shut door look alike from outside."""
    found = ingest.hub(request).catalogue.departments.get(code)
    if found is None or not isinstance(found.guard, kinds_of_guard):
        raise Problem(problem_types.NOT_FOUND)
    return found


def soap_body(request: Request, sender: Department, message: Element) -> Element:
    """The Body that ``sender`` answers for; nothing else of ``message`` may be used. Raises Problem, NotSOAP."""
    if isinstance(sender.guard, CertificateGuard):
        _certified(request, sender.guard)
        return envelope.body_of(message)
    assert isinstance(sender.guard, SoapGuard)  # noqa: S101 - open_door asked for one of the two
    try:
        body = wsse_verifier.verify(message, _pinned(ingest.hub(request), sender.guard), clock.now())
    except Untrusted as error:
        raise _stranger(error.reason) from None
    request_context.of(request).client = sender.counterparty
    return body


def _signed(request: Request, body: bytes, guard: HmacGuard) -> None:
    """RFC 9421 with one of the guard's keys."""
    hub = ingest.hub(request)
    query = request.scope["query_string"].decode("latin-1")
    target = ingest.url(hub, request.scope["raw_path"].decode("latin-1")) + (f"?{query}" if query else "")
    keys = {key_id: hub.catalogue.secret(name).encode() for key_id, name in guard.keys.items()}
    now = clock.now()
    try:
        key_id = signatures.verify(request.method, target, request.headers.items(), body, keys=keys, now=now)
    except BadSignature as error:
        raise _stranger(error.reason) from None
    request_context.of(request).client = key_id


def _certified(request: Request, guard: CertificateGuard) -> None:
    """The certificate that the proxy saw, believed only from the proxy, only if pinned, only while it is in force."""
    secret = ingest.hub(request).settings.proxy_secret
    shown = request.headers.get(PROXY_SECRET, "").encode()
    if secret is None or not secret.get_secret_value():
        raise _stranger("proxy_secret_unset")
    if not hmac.compare_digest(shown, secret.get_secret_value().encode()):
        raise _stranger("not_the_proxy")
    try:
        certificate = x509.load_pem_x509_certificate(unquote(request.headers.get(CERTIFICATE, "")).encode())
    except ValueError:
        raise _stranger("certificate_unreadable") from None
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    if fingerprint not in guard.fingerprints:
        raise _stranger("certificate_unknown")
    if not certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc:
        raise _stranger("certificate_not_in_force")
    request_context.of(request).client = f"certificate {fingerprint[:16]}"


def _pinned(hub: Hub, guard: SoapGuard) -> list[PinnedCertificate]:
    return [_certificate(hub.catalogue.secret(name)) for name in guard.certificates]


@cache
def _certificate(pem: str) -> PinnedCertificate:
    """Read once: a process meets as many as the catalogue names."""
    return PinnedCertificate.from_pem(pem.encode())


def _stranger(reason: str) -> Problem:
    return Problem(problem_types.SIGNATURE_REFUSED, reason=str(reason))
