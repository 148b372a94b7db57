"""One request on its way through a door: the ids by which it can be found again, and who sent it.

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

ONCE: Final = frozenset(
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
"""Headers on which a decision stands: given twice, two readers could read two things. Signature and Signature-Input may
come in several lines, since a gateway adds one of its own; connectors.transport.signatures reads them all."""


@dataclass(slots=True)
class RequestContext:
    """The ids of one request. ``client`` is the key that it was signed with, once a guard knows it."""

    request_id: str
    trace_id: str
    traceparent: str
    accept_language: str
    repeated: bool
    client: str | None = None

    @classmethod
    def begin(cls, headers: Iterable[tuple[bytes, bytes]]) -> Self:
        """The caller's ids where they are well-formed, new ones otherwise; our own span in its trace."""
        given: dict[bytes, bytes] = {}
        repeated = False
        for name, value in headers:
            repeated = repeated or (name in given and name in ONCE)
            given[name] = value
        request_id = given.get(b"x-request-id", b"").decode("latin-1")
        parent = _TRACEPARENT.fullmatch(given.get(b"traceparent", b"").decode("latin-1"))
        trace_id = parent["trace"] if parent else _new(16)
        return cls(
            request_id=request_id if _REQUEST_ID.fullmatch(request_id) else _new(10),
            trace_id=trace_id,
            traceparent=f"00-{trace_id}-{_new(8)}-{parent['flags'] if parent else '00'}",
            accept_language=given.get(b"accept-language", b"").decode("latin-1"),
            repeated=repeated,
        )


def _new(size: int) -> str:
    """``size`` bytes, in hexadecimal, that nobody else has at this time; never all zeros."""
    return f"{_ids.getrandbits(8 * size) or 1:0{2 * size}x}"


def of(request: Request) -> RequestContext:
    """The passage of ``request``."""
    passage = request.scope["state"]["passage"]
    assert isinstance(passage, RequestContext)  # noqa: S101 - the middleware put it there
    return passage
