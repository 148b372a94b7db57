"""Authentication of callers, on the raw bytes, before the body is parsed; whoever is known is counted (admission).

A signature of the head is verified before the body is read, which is then compared with the digest that is signed.
Every refusal looks the same to the caller; the reason is logged. Without a guard, a secret or a certificate in force
nobody is let in.
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
from connectors.transport.wsse_verifier import PinnedCertificate, Untrusted
from connectors.transport.xml import Element
from hub import clock
from hub.app import Hub
from hub.http import admission, ingest, problem_types, request_context
from hub.http.problems import Problem

CERTIFICATE: Final = "x-client-cert"
"""The caller's certificate as nginx writes it ($ssl_client_escaped_cert): PEM, URL-escaped."""
PROXY_SECRET: Final = "x-proxy-secret"  # noqa: S105 - a header's name


def portal(request: Request) -> None:
    """Authenticate the public portal by the request's head. Raises Problem."""
    config = ingest.hub(request).catalogue.portal
    _verify_signature(request, config.guard)
    admission.rate_limits(request).count_client(request, config.code, config.rate_limit)


async def portal_read(request: Request) -> None:
    """Authenticate the portal for a request without a body; a FastAPI dependency."""
    portal(request)
    check_body(request, b"")


async def portal_body(request: Request) -> bytes:
    """Authenticate the portal, then read the JSON body that it signed. Raises Problem."""
    portal(request)
    body = await ingest.read_body(request, ingest.JSON_TYPE)
    check_body(request, body)
    return body


def department(request: Request, code: str) -> Department:
    """Authenticate the department ``code`` for a request without a body. Raises Problem.

    Unknown parameters are refused afterwards, so that only an authenticated caller learns about them.
    """
    sender = _department_head(request, code)
    if isinstance(sender.guard, HmacGuard):
        check_body(request, b"")
    ingest.check_parameters(request)
    return sender


async def department_body(request: Request, code: str) -> tuple[Department, bytes]:
    """Authenticate the department ``code``, then read the JSON body that it sent. Raises Problem."""
    sender = _department_head(request, code)
    body = await ingest.read_body(request, ingest.JSON_TYPE)
    if isinstance(sender.guard, HmacGuard):
        check_body(request, body)
    ingest.check_parameters(request)
    return sender, body


def check_body(request: Request, body: bytes) -> None:
    """Compare the body with the digest in the head, whose signature has been verified. Raises Problem."""
    try:
        signatures.verify_body(request.headers.items(), body)
    except BadSignature as error:
        raise _not_authenticated(request, error.reason) from None


def _department_head(request: Request, code: str) -> Department:
    sender = department_with(request, code, HmacGuard, CertificateGuard)
    if isinstance(sender.guard, HmacGuard):
        _verify_signature(request, sender.guard)
    elif isinstance(sender.guard, CertificateGuard):
        _verify_certificate(request, sender.guard)
    admission.rate_limits(request).count_client(request, sender.counterparty, sender.rate_limit)
    return sender


def department_with(request: Request, code: str, *kinds_of_guard: type) -> Department:
    """Return the department ``code``, if it has such a guard. Raises Problem: the same for an unknown department."""
    department_ = ingest.hub(request).catalogue.departments.get(code)
    if department_ is None or not isinstance(department_.guard, kinds_of_guard):
        raise not_found(request)
    return department_


def soap_body(request: Request, sender: Department, message: Element) -> Element:
    """Return the Body that ``sender`` signed; nothing else of ``message`` may be used. Raises Problem, NotSOAP."""
    if isinstance(sender.guard, CertificateGuard):
        _verify_certificate(request, sender.guard)
        admission.rate_limits(request).count_client(request, sender.counterparty, sender.rate_limit)
        return envelope.body_of(message)
    assert isinstance(sender.guard, SoapGuard)  # noqa: S101 - department_with asked for one of the two
    try:
        body = wsse_verifier.verify(message, _pinned(ingest.hub(request), sender.guard), clock.now())
    except Untrusted as error:
        raise _not_authenticated(request, error.reason) from None
    request_context.of(request).client = sender.counterparty
    admission.rate_limits(request).count_client(request, sender.counterparty, sender.rate_limit)
    return body


def not_found(request: Request) -> Problem:
    """The problem for an address that names nobody. Raises Problem where the caller has tried too many."""
    admission.rate_limits(request).count_unidentified(request)
    return Problem(problem_types.NOT_FOUND)


def _verify_signature(request: Request, guard: HmacGuard) -> None:
    """Verify the signature of the head (RFC 9421) by one of the guard's keys. Raises Problem."""
    hub = ingest.hub(request)
    query = request.scope["query_string"].decode("latin-1")
    target = ingest.url(hub, request.scope["raw_path"].decode("latin-1")) + (f"?{query}" if query else "")
    keys = {key_id: hub.catalogue.secret(name).encode() for key_id, name in guard.keys.items()}
    now = clock.now()
    try:
        key_id = signatures.verify_head(request.method, target, request.headers.items(), keys=keys, now=now)
    except BadSignature as error:
        raise _not_authenticated(request, error.reason) from None
    request_context.of(request).client = key_id


def _verify_certificate(request: Request, guard: CertificateGuard) -> None:
    """Check the client certificate in the proxy's header: sent by the proxy, pinned, in force. Raises Problem."""
    secret = ingest.hub(request).settings.proxy_secret
    secret_sent = request.headers.get(PROXY_SECRET, "").encode()
    if secret is None or not secret.get_secret_value():
        raise _not_authenticated(request, "proxy_secret_unset")
    if not hmac.compare_digest(secret_sent, secret.get_secret_value().encode()):
        raise _not_authenticated(request, "not_the_proxy")
    try:
        certificate = x509.load_pem_x509_certificate(unquote(request.headers.get(CERTIFICATE, "")).encode())
    except (ValueError, x509.InvalidVersion):
        raise _not_authenticated(request, "certificate_unreadable") from None
    fingerprint = certificate.fingerprint(hashes.SHA256()).hex()
    if fingerprint not in guard.fingerprints:
        raise _not_authenticated(request, "certificate_unknown")
    if not certificate.not_valid_before_utc <= clock.now() <= certificate.not_valid_after_utc:
        raise _not_authenticated(request, "certificate_not_in_force")
    request_context.of(request).client = f"certificate {fingerprint[:16]}"


def _pinned(hub: Hub, guard: SoapGuard) -> list[PinnedCertificate]:
    return [_certificate(hub.catalogue.secret(name)) for name in guard.certificates]


@cache
def _certificate(pem: str) -> PinnedCertificate:
    """Parse the certificate, once per process."""
    return PinnedCertificate.from_pem(pem.encode())


def _not_authenticated(request: Request, reason: str) -> Problem:
    """The problem for the caller. Raises Problem where its address has failed too often."""
    admission.rate_limits(request).count_unidentified(request)
    return Problem(problem_types.SIGNATURE_REFUSED, reason=str(reason))
