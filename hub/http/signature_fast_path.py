"""A request's signature as nearly every caller writes it, checked in a tenth of the time that the library takes.

This is connectors.transport.signatures for one spelling: exactly the components that we demand, then ``created`` and
``keyid``, as RFC 9421 serialises them. Whatever is spelt otherwise, or does not fit, is left to the library, which
then accepts it or says why not.
"""

import hashlib
import hmac
import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from connectors.transport.signatures import LABEL, WINDOW

_INPUT: Final = re.compile(
    rf'{LABEL}=(\("([@a-z-]+(?:" "[@a-z-]+)*)"\);created=([0-9]{{1,12}});keyid="([A-Za-z0-9._-]{{1,64}})")'
)
_SIGNATURE: Final = re.compile(rf"{LABEL}=:([A-Za-z0-9+/]{{43}}=):")
_WHERE_GIVEN: Final = ("content-digest", "idempotency-key")


def key_of(
    method: str, url: str, headers: Mapping[str, str], body: bytes, *, keys: Mapping[str, bytes], now: datetime
) -> str | None:
    """The id of the key that signed the request; None where this cannot be told here.

    ``headers`` by lower-case name, none of those that are signed given twice (hub.http.request_context.ONCE).
    """
    stated = _INPUT.fullmatch(headers.get("signature-input", ""))
    sealed = _SIGNATURE.fullmatch(headers.get("signature", ""))
    if stated is None or sealed is None:
        return None
    parameters, covered, created, key_id = stated.groups()
    names = covered.split('" "')
    demanded = ["@method", "@target-uri", *(name for name in _WHERE_GIVEN if name in headers)]
    secret = keys.get(key_id)
    if sorted(names) != sorted(demanded) or not secret or abs(int(created) - now.timestamp()) > WINDOW.total_seconds():
        return None
    if (body or "content-digest" in headers) and headers.get("content-digest") != _digest(body):
        return None
    values = {"@method": method, "@target-uri": url, **{name: headers[name] for name in demanded[2:]}}
    lines = [*(f'"{name}": {values[name]}' for name in names), f'"@signature-params": {parameters}']
    base = "\n".join(lines)
    if not base.isascii() or base.count("\n") != len(names):
        return None
    made = b64encode(hmac.new(secret, base.encode(), "sha256").digest())
    return key_id if hmac.compare_digest(made, sealed[1].encode()) else None


def _digest(body: bytes) -> str:
    return f"sha-256=:{b64encode(hashlib.sha256(body).digest()).decode()}:"
