"""Context of a request: its ids and the key that signed it; the middleware that begins it and logs how it ended.

Trace context: https://www.w3.org/TR/trace-context/. Pure ASGI: starlette's BaseHTTPMiddleware would cost a task and a
stream per request.
"""

import random
import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Self

import structlog
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.http.problem_types import INTERNAL, MALFORMED, ProblemType
from hub.logging import place_of

log: Final = structlog.stdlib.get_logger()

CLIENT_CLOSED_REQUEST: Final = 499
"""status in the access log where the caller disconnected before the response; never sent"""
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


class RequestContextMiddleware:
    """The outermost layer: no exception reaches the server's own log, where its text could show personal data.

    Around every request: request and trace ids, one access log line, and a problem response for any exception.
    """

    def __init__(self, app: ASGIApp, problem_response: Callable[[ProblemType, RequestContext], ASGIApp]) -> None:
        self._app = app
        self._problem_response = problem_response

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), CLIENT_CLOSED_REQUEST
        context = RequestContext.begin(scope["headers"])
        scope.setdefault("state", {})["request_context"] = context
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=context.request_id, trace_id=context.trace_id)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_headers(context)]
                _log_access(
                    scope, context, status, started
                )  # before the first byte is sent: who has a response can find its log line
            await send(message)

        try:
            app = self._app if not context.repeated else self._problem_response(MALFORMED, context)
            await app(scope, receive, answer)
        except ClientDisconnect:
            pass
        except Exception as error:  # noqa: BLE001 - the outermost handler: the caller gets a problem, the log gets the place
            log.error("request_failed", error=type(error).__name__, place=place_of(error))  # noqa: TRY400 - a traceback's text may hold what somebody sent
            if status == CLIENT_CLOSED_REQUEST:
                await self._problem_response(INTERNAL, context)(scope, receive, answer)
        finally:
            if status == CLIENT_CLOSED_REQUEST:
                _log_access(scope, context, status, started)


def _headers(context: RequestContext) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-request-id", context.request_id.encode()),
        (b"traceparent", context.traceparent.encode()),
        (b"cache-control", b"no-store"),
        *context.rate_limit,
    ]


def _log_access(scope: Scope, context: RequestContext, status: int, started: float) -> None:
    """Write the access log line: the route's template, never the path, the query or the body."""
    route = getattr(scope.get("route"), "path_format", None)
    log.info(
        "request",
        method=scope["method"],
        route=route,
        status=status,
        ms=round((time.perf_counter() - started) * 1000, 2),
        client=context.client,
    )
