"""Around every request: request and trace ids, one access log line, and a problem response for any exception.

Pure ASGI: starlette's BaseHTTPMiddleware would cost a task and a stream per request.
"""

import time
from typing import Final

import structlog
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hub.http import problems
from hub.http.problem_types import INTERNAL, MALFORMED
from hub.http.request_context import RequestContext
from hub.logging import place_of

log: Final = structlog.stdlib.get_logger()

CLIENT_CLOSED_REQUEST: Final = 499
"""Status in the access log where the caller disconnected before the response; never sent."""


class RequestContextMiddleware:
    """The outermost layer: no exception reaches the server's own log, where its text could show personal data."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

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
            app = self._app if not context.repeated else problems.response(MALFORMED, context)
            await app(scope, receive, answer)
        except ClientDisconnect:
            pass
        except Exception as error:  # noqa: BLE001 - the outermost handler: the caller gets a problem, the log gets the place
            log.error("request_failed", error=type(error).__name__, place=place_of(error))  # noqa: TRY400 - a traceback's text may hold what somebody sent
            if status == CLIENT_CLOSED_REQUEST:
                await problems.response(INTERNAL, context)(scope, receive, answer)
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
