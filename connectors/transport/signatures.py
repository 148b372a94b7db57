"""HTTP Message Signatures (RFC 9421) with hmac-sha256 and Content-Digest (RFC 9530): both sides, sandbox and hub.

A valid signature over too little proves too little, so a minimum is demanded: the method, the public address, the
body's digest and the idempotency key, where there are such. No nonces are stored: a request that is replayed inside the
window is harmless because its idempotency key is inside the signature.

Covered may be what a request has: its method, its address (whole or in parts) and its header fields, each without
parameters (``;sf``, ``;bs``, ``;key``, ``@query-param``).
"""

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from urllib.parse import urlsplit

import http_sf
from requests import PreparedRequest

from connectors import clock

LABEL: Final = "hub"
"""of what we sign; callers may choose another, since labels are not signed (RFC 9421 §7.2.5)"""
CANDIDATES: Final = 4
"""signatures of one request that may name a key of the caller: all of them are tried"""
WINDOW: Final = timedelta(seconds=300)
"""how far ``created`` may be from our clock, in either direction"""

Components = list[tuple[Any, dict[str, Any]]]
"""names of components, each with its parameters, as http_sf has an inner list"""

_ALGORITHM: Final = "hmac-sha256"
_ALWAYS: Final = frozenset({"@method", "@target-uri"})
_WHERE_GIVEN: Final = ("idempotency-key", "content-digest")
"""Headers that have to be covered and may stand in a request once: of two, we might read the one that is not signed."""
_PARAMETERS: Final[Mapping[str, type]] = {
    "alg": str,
    "created": int,
    "expires": int,
    "keyid": str,
    "nonce": str,
    "tag": str,
}
_DIGESTS: Final = {"sha-256": hashlib.sha256, "sha-512": hashlib.sha512}
_PORTS: Final = {"http": "80", "https": "443"}


class Reason(StrEnum):
    """Why a signature was refused: for our log and metrics, never for the caller."""

    MISSING = "missing"
    REPEATED_HEADER = "repeated_header"
    UNKNOWN_KEY = "unknown_key"
    WRONG = "wrong"
    UNKNOWN_COMPONENT = "unknown_component"
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
    """``headers`` by lower-case name."""

    method: str
    url: str
    headers: Mapping[str, str]

    def component(self, name: str) -> str:
        """The value of a component (RFC 9421 §2.1, §2.2). Raises BadSignature if the request has none of this name."""
        if not name.startswith("@"):
            value = self.headers.get(name)
        elif name == "@method":
            value = self.method
        elif name == "@target-uri":
            value = self.url
        else:
            value = _part_of(self.url, name)
        if value is None:
            raise BadSignature(Reason.UNKNOWN_COMPONENT if name.startswith("@") else Reason.WRONG)
        # A line break would begin another line of the signature base.
        if not (value.isascii() and value.replace("\t", " ").isprintable()):
            raise BadSignature(Reason.WRONG)
        return value


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One signature of a request: what it says that it covers, its parameters, and its bytes."""

    components: Any
    parameters: dict[str, Any]
    signature: Any


def sign(request: PreparedRequest, keyid: str, secret: bytes, *, created: datetime | None = None) -> None:
    """Add Content-Digest, Signature-Input and Signature to ``request``, which must not change afterwards.

    Raises BadSignature for a header value that no signature can cover.
    """
    body = request.body.encode() if isinstance(request.body, str) else request.body
    assert body is None or isinstance(body, bytes), "a stream cannot be signed"  # noqa: S101 - for the type checker
    if body:
        request.headers["Content-Digest"] = _digest(body)
    names = ["@method", "@target-uri", *(name for name in _WHERE_GIVEN if name in request.headers)]
    components: Components = [(name, {}) for name in names]
    moment = (created or clock.now()).astimezone(UTC)
    parameters: dict[str, Any] = {"created": int(moment.timestamp()), "keyid": keyid}
    fields = _combined(request.headers.items())
    base = _signature_base(_Request(str(request.method), str(request.url), fields), components, parameters)
    inner_list: Any = (components, parameters)
    request.headers["Signature-Input"] = http_sf.ser({LABEL: inner_list})
    request.headers["Signature"] = http_sf.ser({LABEL: hmac.digest(secret, base, "sha256")})


def verify(
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    *,
    keys: Mapping[str, bytes],
    now: datetime,
) -> str:
    """The id of the key that signed the request: head and body. Raises BadSignature and nothing else."""
    lines = list(headers)
    key_id = verify_head(method, url, lines, keys=keys, now=now)
    verify_body(lines, body)
    return key_id


def verify_head(
    method: str, url: str, headers: Iterable[tuple[str, str]], *, keys: Mapping[str, bytes], now: datetime
) -> str:
    """The id of the key that signed the head, of which the body's digest is part. Raises BadSignature.

    ``url`` is the address as the caller wrote it (the public one), ``headers`` every header line in order, ``keys`` the
    caller's secrets by key id. The signature may have any label and stand beside others, such as a gateway's: those
    that name none of ``keys`` are passed over. The body has to pass ``verify_body`` before it is believed.
    """
    request = _Request(method, url, _combined(headers))
    if "signature" not in request.headers or "signature-input" not in request.headers:
        raise BadSignature(Reason.MISSING)
    refusal = BadSignature(Reason.UNKNOWN_KEY)
    for candidate in _candidates(request, keys):
        try:
            return _verify_one(request, candidate, keys=keys, now=now)
        except BadSignature as bad:
            refusal = bad
    raise refusal


def verify_body(headers: Iterable[tuple[str, str]], body: bytes) -> None:
    """Raises BadSignature unless ``body`` has every digest of Content-Digest; without a body there need be none."""
    field = _combined(headers).get("content-digest")
    if (field is None and not body) or field == _digest(body):
        return
    digests = _dictionary(field or "", otherwise=Reason.BODY_DIFFERS)
    for algorithm, (digest, _) in digests.items():
        hasher = _DIGESTS.get(algorithm)
        if hasher is None or digest != hasher(body).digest():
            raise BadSignature(Reason.BODY_DIFFERS)
    if not digests:
        raise BadSignature(Reason.BODY_DIFFERS)


def _candidates(request: _Request, keys: Mapping[str, bytes]) -> list[_Candidate]:
    """The signatures that name a key of the caller."""
    inputs, signatures = (_dictionary(request.headers[name]) for name in ("signature-input", "signature"))
    if inputs.keys() != signatures.keys():
        raise BadSignature(Reason.WRONG)
    named = [label for label, (_, parameters) in inputs.items() if parameters.get("keyid") in keys]
    if len(named) > CANDIDATES:
        raise BadSignature(Reason.WRONG)
    if not named and any("keyid" not in parameters for _, parameters in inputs.values()):
        raise BadSignature(Reason.WRONG)
    return [_Candidate(inputs[label][0], inputs[label][1], signatures[label][0]) for label in named]


def _verify_one(request: _Request, candidate: _Candidate, *, keys: Mapping[str, bytes], now: datetime) -> str:
    """Verify one signature; returns the id of its key. Raises BadSignature.

    1. Its parameters are of RFC 9421 and its key is one with a secret.
    2. The HMAC over the signature base is the one it carries.
    3. It covers what has to be covered.
    4. It was made within the window.
    """
    # 1.
    parameters = candidate.parameters
    if not isinstance(candidate.components, list) or not isinstance(candidate.signature, bytes):
        raise BadSignature(Reason.WRONG)
    if not all(_is_well_formed(name, value) for name, value in parameters.items()) or "created" not in parameters:
        raise BadSignature(Reason.WRONG)
    secret = keys[parameters["keyid"]]
    if not secret:  # an empty one is no key: anybody has it
        raise BadSignature(Reason.UNKNOWN_KEY)
    # 2.
    base = _signature_base(request, candidate.components, parameters)
    if not hmac.compare_digest(hmac.digest(secret, base, "sha256"), candidate.signature):
        raise BadSignature(Reason.WRONG)
    # 3.
    required = _ALWAYS | {name for name in _WHERE_GIVEN if name in request.headers}
    if not required <= {name for name, _ in candidate.components}:
        raise BadSignature(Reason.COVERS_TOO_LITTLE)
    # 4.
    moment = now.timestamp()
    if abs(parameters["created"] - moment) > WINDOW.total_seconds() or parameters.get("expires", moment) < moment:
        raise BadSignature(Reason.OUTSIDE_WINDOW)
    return str(parameters["keyid"])


def _is_well_formed(name: str, value: object) -> bool:
    """Whether a parameter is one of RFC 9421 §2.3. A Boolean is no Integer here, though Python has it so."""
    kind = _PARAMETERS.get(name)
    if kind is None or not isinstance(value, kind) or isinstance(value, bool):
        return False
    return name != "alg" or value == _ALGORITHM


def _signature_base(request: _Request, components: Components, parameters: dict[str, Any]) -> bytes:
    """The bytes that are signed (RFC 9421 §2.5). Raises BadSignature for a component that the request does not have."""
    names = [name for name, _ in components]
    if any(with_parameters or not isinstance(name, str) for name, with_parameters in components):
        raise BadSignature(Reason.UNKNOWN_COMPONENT)
    if len(set(names)) < len(names):
        raise BadSignature(Reason.WRONG)
    inner_list: Any = (components, parameters)
    stated = http_sf.ser([inner_list])  # a list of one inner list is written like the inner list itself
    lines = [*(f'"{name}": {request.component(name)}' for name in names), f'"@signature-params": {stated}']
    return "\n".join(lines).encode("ascii")


def _part_of(url: str, name: str) -> str | None:
    """A derived component that is a part of the address (RFC 9421 §2.2.3 to §2.2.7); None for an unknown one."""
    try:
        parts = urlsplit(url)
    except ValueError:
        raise BadSignature(Reason.WRONG) from None
    scheme, path, query = parts.scheme.lower(), parts.path or "/", f"?{parts.query}"
    derived = {
        "@authority": parts.netloc.lower().removesuffix(f":{_PORTS.get(scheme)}"),
        "@scheme": scheme,
        "@path": path,
        "@query": query,
        "@request-target": path + (query if parts.query else ""),
    }
    return derived.get(name)


def _digest(body: bytes) -> str:
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"


def _dictionary(field: str, *, otherwise: Reason = Reason.WRONG) -> dict[str, Any]:
    """A dictionary of structured fields (RFC 9651) in which every label stands once."""

    def repeated(_key: str, context: str) -> None:
        if context == "dictionary":
            raise BadSignature(Reason.REPEATED_HEADER)

    try:
        parsed = http_sf.parse(field.encode(), tltype="dictionary", on_duplicate_key=repeated)
    except (ValueError, RecursionError):
        raise BadSignature(otherwise) from None
    assert isinstance(parsed, dict)  # noqa: S101 - asked for as a dictionary
    return parsed


def _combined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The headers by lower-case name; lines of the same name joined as RFC 9110 §5.3 has it."""
    combined: dict[str, str] = {}
    for line, value in headers:
        name = line.lower()
        if name in combined:
            if name in _WHERE_GIVEN:
                raise BadSignature(Reason.REPEATED_HEADER)
            combined[name] += ", " + value.strip(" \t")
        else:
            combined[name] = value.strip(" \t")
    return combined
