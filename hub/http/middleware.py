"""Around every door: ids in and out, one line in the log, and an answer whatever breaks.

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

GONE: Final = 499
"""What the log says where the caller hung up before the answer; nobody ever receives it."""


class RequestContextMiddleware:
    """The outermost layer: nothing that an app raises gets past it into the server's own log."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), GONE
        passage = RequestContext.begin(scope["headers"])
        scope.setdefault("state", {})["passage"] = passage
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=passage.request_id, trace_id=passage.trace_id)

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_headers(passage)]
                _note(scope, passage, status, started)  # before a byte leaves: who has an answer can find its line
            await send(message)

        try:
            app = self._app if not passage.repeated else problems.response(MALFORMED, passage)
            await app(scope, receive, answer)
        except ClientDisconnect:
            pass
        except Exception as error:  # noqa: BLE001 - the last wall: the caller gets a problem, the log gets the place
            log.error("request_failed", error=type(error).__name__, place=place_of(error))  # noqa: TRY400 - a traceback's text may hold what somebody sent
            if status == GONE:
                await problems.response(INTERNAL, passage)(scope, receive, answer)
        finally:
            if status == GONE:
                _note(scope, passage, status, started)


def _headers(passage: RequestContext) -> list[tuple[bytes, bytes]]:
    return [
        (b"x-request-id", passage.request_id.encode()),
        (b"traceparent", passage.traceparent.encode()),
        (b"cache-control", b"no-store"),
    ]


def _note(scope: Scope, passage: RequestContext, status: int, started: float) -> None:
    """The access log: the route's template, never the path, the query or anything that was sent."""
    route = getattr(scope.get("route"), "path_format", None)
    log.info(
        "request",
        method=scope["method"],
        route=route,
        status=status,
        ms=round((time.perf_counter() - started) * 1000, 2),
        client=passage.client,
    )
