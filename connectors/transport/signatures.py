"""HTTP Message Signatures (RFC 9421) with hmac-sha256 and Content-Digest (RFC 9530), as our doors ask for them.

A valid signature over too little proves too little, so a minimum is demanded: the method, the public address, the
body's digest and the idempotency key, where there are such. The library keeps no nonces: a request that is replayed
inside the window is harmless because its idempotency key is inside the signature.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final

import http_sf
from http_message_signatures import HTTPMessageSigner, HTTPMessageVerifier, InvalidSignature, VerifyResult
from http_message_signatures.algorithms import HMAC_SHA256
from requests import PreparedRequest

LABEL: Final = "hub"
"""of what we sign; callers may choose another, since labels are not signed (RFC 9421 §7.2.5)"""
CANDIDATES: Final = 4
"""signatures of one request that may name a key of the caller: all of them are tried"""
WINDOW: Final = timedelta(seconds=300)
"""how far ``created`` may be from our clock, in either direction"""

_WHENEVER: Final = timedelta(days=36_500)
"""The library would ask the machine's clock; ``verify`` is told the time and judges by that."""
_ALWAYS: Final = frozenset({'"@method"', '"@target-uri"'})
_ONCE: Final = frozenset({"content-digest", "idempotency-key"})
"""Headers that may stand in a request once: of two, the signature might cover one and we read the other."""


class Reason(StrEnum):
    """Why a signature was refused: for our log and metrics, never for the caller."""

    MISSING = "missing"
    REPEATED_HEADER = "repeated_header"
    UNKNOWN_KEY = "unknown_key"
    WRONG = "wrong"
    BODY_DIFFERS = "body_differs"
    COVERS_TOO_LITTLE = "covers_too_little"
    OUTSIDE_WINDOW = "outside_window"


class BadSignature(Exception):
    """The request does not carry a valid signature."""

    def __init__(self, reason: Reason) -> None:
        self.reason = reason
        super().__init__("The request does not carry a valid signature.")


@dataclass(frozen=True, slots=True)
class _Request:
    """What the library reads of a request."""

    method: str
    url: str
    headers: dict[str, str]


class _Keys:
    """The secrets of one caller by key id, as the library asks for them. An empty one is no key: anybody has it."""

    def __init__(self, secrets: Mapping[str, bytes]) -> None:
        self._secrets = secrets

    def resolve_public_key(self, key_id: str) -> bytes:
        secret = self._secrets.get(key_id)
        if not secret:
            raise BadSignature(Reason.UNKNOWN_KEY)
        return secret

    resolve_private_key = resolve_public_key


def sign(request: PreparedRequest, keyid: str, secret: bytes, *, created: datetime | None = None) -> None:
    """Adds Content-Digest, Signature-Input and Signature to ``request``, which must not change afterwards."""
    body = request.body.encode() if isinstance(request.body, str) else request.body
    assert body is None or isinstance(body, bytes), "a stream cannot be signed"  # noqa: S101 - for the type checker
    names = ["@method", "@target-uri", *(["idempotency-key"] if "Idempotency-Key" in request.headers else [])]
    HTTPMessageSigner(signature_algorithm=HMAC_SHA256, key_resolver=_Keys({keyid: secret})).sign(
        request,
        key_id=keyid,
        created=created,
        label=LABEL,
        include_alg=False,
        covered_component_ids=names,
        body=body or None,
    )


def verify(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    keys: Mapping[str, bytes],
    now: datetime,
) -> str:
    """The id of the key that signed the request. Raises BadSignature and nothing else.

    ``url`` is the address as the caller wrote it (the public one), ``headers`` every header line in order, ``body``
    the raw bytes, ``keys`` the caller's secrets by key id. The signature may have any label and stand beside others,
    such as a gateway's: those that name none of ``keys`` are passed over.
    """
    request = _Request(method, url, _combined(headers))
    if "signature" not in request.headers or "signature-input" not in request.headers:
        raise BadSignature(Reason.MISSING)
    refusal = BadSignature(Reason.UNKNOWN_KEY)
    for candidate in _candidates(request, keys):
        try:
            return _verify_one(candidate, body, keys=keys, now=now)
        except BadSignature as bad:
            refusal = bad
    raise refusal


def _candidates(request: _Request, keys: Mapping[str, bytes]) -> list[_Request]:
    """``request`` with one of its signatures at a time, for those that name a key of the caller."""
    inputs, signatures = (_by_label(request.headers[name]) for name in ("signature-input", "signature"))
    if inputs.keys() != signatures.keys():
        raise BadSignature(Reason.WRONG)
    named = [label for label, (_, parameters) in inputs.items() if parameters.get("keyid") in keys]
    if len(named) > CANDIDATES:
        raise BadSignature(Reason.WRONG)
    if not named and any("keyid" not in parameters for _, parameters in inputs.values()):
        raise BadSignature(Reason.WRONG)
    return [
        replace(
            request,
            headers=request.headers
            | {
                "signature-input": http_sf.ser({label: inputs[label]}),
                "signature": http_sf.ser({label: signatures[label]}),
            },
        )
        for label in named
    ]


def _by_label(field: str) -> dict[str, Any]:
    """A dictionary of structured fields (RFC 9651) in which every label stands once."""

    def twice(_key: str, context: str) -> None:
        if context == "dictionary":
            raise BadSignature(Reason.REPEATED_HEADER)

    try:
        parsed = http_sf.parse(field.encode(), tltype="dictionary", on_duplicate_key=twice)
    except (ValueError, RecursionError):
        raise BadSignature(Reason.WRONG) from None
    assert isinstance(parsed, dict)  # noqa: S101 - asked for as a dictionary
    return parsed


def _verify_one(request: _Request, body: bytes, *, keys: Mapping[str, bytes], now: datetime) -> str:
    """The key of the request's one signature. Raises BadSignature."""
    verifier = HTTPMessageVerifier(signature_algorithm=HMAC_SHA256, key_resolver=_Keys(keys))
    verifier.max_clock_skew = _WHENEVER
    result = _verified(verifier, request)
    required = _ALWAYS | {f'"{name}"' for name in ("content-digest", "idempotency-key") if name in request.headers}
    if not required <= result.covered_components.keys():
        raise BadSignature(Reason.COVERS_TOO_LITTLE)
    try:
        verifier.verify_body(request, [result], body)
    except InvalidSignature:
        raise BadSignature(Reason.BODY_DIFFERS) from None
    _check_time(result.parameters, now.timestamp())
    return str(result.parameters["keyid"])


def _combined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers by lower-case name; lines of the same name joined as RFC 9110 §5.3 has it."""
    combined: dict[str, str] = {}
    for line, value in headers:
        name = line.lower()
        if name in combined:
            if name in _ONCE:
                raise BadSignature(Reason.REPEATED_HEADER)
            combined[name] += ", " + value
        else:
            combined[name] = value
    return combined


def _verified(verifier: HTTPMessageVerifier, request: _Request) -> VerifyResult:
    """What the request's one signature covers."""
    try:
        (result,) = verifier.verify(request, max_age=None)
    except InvalidSignature as error:
        unknown_key = isinstance(error.__cause__, BadSignature)
        raise BadSignature(Reason.UNKNOWN_KEY if unknown_key else Reason.WRONG) from None
    return result


def _check_time(parameters: Mapping[str, int | str], now: float) -> None:
    created, expires = parameters.get("created"), parameters.get("expires", now)
    if not isinstance(created, int) or abs(created - now) > WINDOW.total_seconds():
        raise BadSignature(Reason.OUTSIDE_WINDOW)
    if not isinstance(expires, int | float) or expires < now:
        raise BadSignature(Reason.OUTSIDE_WINDOW)
