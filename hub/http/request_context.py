"""Context of a request: its request and trace ids, and the key that signed it.

Trace context: https://www.w3.org/TR/trace-context/.
"""

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from starlette.requests import Request

_REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT: Final = re.compile(r"00-(?P<trace>(?!0{32})[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-(?P<flags>[0-9a-f]{2})")

_ids: Final = random.Random()  # noqa: S311 - names, not secrets; the system's source gives up the GIL at every call

SINGLE_HEADERS: Final = frozenset(
    {
        b"content-digest",
        b"content-encoding",
        b"content-length",
        b"content-type",
        b"host",
        b"idempotency-key",
        b"x-client-cert",
        b"x-proxy-secret",
    }
)
"""Headers on which a decision depends: given twice, two readers could read two things. Signature and Signature-Input
may come in several lines, since a gateway adds one of its own; connectors.transport.signatures reads them all."""


@dataclass(slots=True)
class RequestContext:
    """The ids of one request. ``client`` is the key that it was signed with, once a guard knows it.

    ``rate_limit``: header fields about the limit that the request was counted for.
    """

    request_id: str
    trace_id: str
    traceparent: str
    accept_language: str
    repeated: bool
    client: str | None = None
    rate_limit: tuple[tuple[bytes, bytes], ...] = ()

    @classmethod
    def begin(cls, headers: Iterable[tuple[bytes, bytes]]) -> Self:
        """Take the caller's ids if they are well-formed, new ones otherwise; start a span of our own in its trace."""
        values: dict[bytes, bytes] = {}
        repeated = False
        for name, value in headers:
            repeated = repeated or (name in values and name in SINGLE_HEADERS)
            values[name] = value
        request_id = values.get(b"x-request-id", b"").decode("latin-1")
        parent = _TRACEPARENT.fullmatch(values.get(b"traceparent", b"").decode("latin-1"))
        trace_id = parent["trace"] if parent else _new(16)
        return cls(
            request_id=request_id if _REQUEST_ID.fullmatch(request_id) else _new(10),
            trace_id=trace_id,
            traceparent=f"00-{trace_id}-{_new(8)}-{parent['flags'] if parent else '00'}",
            accept_language=values.get(b"accept-language", b"").decode("latin-1"),
            repeated=repeated,
        )


def _new(size: int) -> str:
    """``size`` random bytes in hexadecimal; never all zeros, which Trace Context forbids."""
    return f"{_ids.getrandbits(8 * size) or 1:0{2 * size}x}"


def of(request: Request) -> RequestContext:
    """The context of ``request``."""
    context = request.scope["state"]["request_context"]
    assert isinstance(context, RequestContext)  # noqa: S101 - the middleware put it there
    return context
