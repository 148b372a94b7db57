"""The control API of every sandbox server, under /_sandbox: look at it, turn its knobs, break it.

    GET   /_sandbox/           the knobs as they stand
    PATCH /_sandbox/           turn some of them: {"down": true}
    POST  /_sandbox/reset      all of them as at the start; effects stay
    GET   /_sandbox/effects    what the counterparty has taken
    GET   /_sandbox/dossiers   where each dossier stands (departments)

It is for this machine only: no authentication, and a sandbox holds no real data.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from connectors.sandbox.runtime_settings import SettingsPanel
from connectors.sandbox.server import NoAnswer
from schemas.strict import Refused, faults_of, parse

PREFIX: Final = "/_sandbox"


def control(panel: SettingsPanel, **listings: Callable[[], Sequence[BaseModel]]) -> Mount:
    """The routes of one server; each of ``listings`` is shown under its name."""

    async def show(_: Request) -> Response:
        return JSONResponse(panel.knobs.model_dump())

    async def turn(request: Request) -> Response:
        try:
            changes = parse(await request.body())
            return JSONResponse(panel.turn(dict(changes)).model_dump())
        except ValidationError as error:
            return JSONResponse([fault.detail for fault in faults_of(error)], 422)
        except (Refused, TypeError, ValueError) as error:
            return JSONResponse([str(error)], 422)

    async def reset(_: Request) -> Response:
        return JSONResponse(panel.reset().model_dump())

    routes: list[BaseRoute] = [
        Route("/", show, methods=["GET"]),
        Route("/", turn, methods=["PATCH"]),
        Route("/reset", reset, methods=["POST"]),
        *(Route(f"/{name}", _listing(rows), methods=["GET"]) for name, rows in listings.items()),
    ]
    return Mount(PREFIX, routes=routes)


def _listing(rows: Callable[[], Sequence[BaseModel]]) -> Callable[[Request], Any]:
    async def listing(_: Request) -> Response:
        return JSONResponse([row.model_dump(mode="json", exclude_none=True) for row in rows()])

    return listing


class Obstacles:
    """ASGI middleware: what stands between the hub and this counterparty just now."""

    def __init__(self, app: ASGIApp, panel: SettingsPanel) -> None:
        self._app = app
        self._panel = panel

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        knobs = self._panel.knobs
        if knobs.slow:
            await asyncio.sleep(knobs.slow)
        status = 503 if knobs.down else self._panel.spend_failure()
        if knobs.cut:
            await NoAnswer(self._panel, 0)(scope, receive, send)
        elif status is not None:
            headers = {"Retry-After": str(knobs.retry_after)} if knobs.retry_after else None
            await PlainTextResponse("the sandbox was told to fail\n", status, headers)(scope, receive, send)
        elif knobs.cut_after or knobs.page:
            await self._app(scope, receive, _unheard)
            answer = NoAnswer(self._panel, 0) if knobs.cut_after else HTMLResponse("<html>502 Bad Gateway</html>\n")
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def _unheard(_: Message) -> None:
    """Takes the answer of an application in place of the client."""
