"""Servers of a sandbox: each counterparty on a port of its own, all in one process, the same ports after a restart.

Each has a control API, under /_sandbox:

    GET   /_sandbox/           the settings as they are
    PATCH /_sandbox/           change some of them: {"down": true}
    POST  /_sandbox/reset      all of them as at the start; effects stay
    GET   /_sandbox/effects    what the counterparty has taken
    GET   /_sandbox/dossiers   the status of each dossier (departments)

It is for this machine only: no authentication, and a sandbox holds no real data.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import uvicorn
from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connectors.sandbox.runtime_settings import RuntimeControl
from schemas.strict import Refused, faults_of, parse

_CUT: Final = "cut"


class CuttableProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose application may drop the connection: ``scope["state"]["cut"]()``."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][_CUT] = self.transport.abort


class NoAnswer(Response):
    """Holds the connection for some seconds and drops it; ends early when the client goes away or the server stops."""

    def __init__(self, runtime: RuntimeControl, seconds: float) -> None:
        super().__init__()
        self._runtime = runtime
        self._seconds = seconds

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_gone(receive))
        closing = asyncio.create_task(self._runtime.closing.wait())
        try:
            await asyncio.wait({gone, closing}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            scope["state"][_CUT]()
            await gone
        finally:
            closing.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


HOST: Final = "127.0.0.1"
GRACE: Final = 3
"""seconds that requests under way get when the server stops"""
_BACKLOG: Final = 2048


@dataclass(frozen=True, slots=True)
class ServedParty:
    """One counterparty, ready to be served. ``path`` completes its address."""

    counterparty: str
    app: ASGIApp
    runtime: RuntimeControl
    path: str = ""


class _EmbeddedServer(uvicorn.Server):
    """One of several in a process: signals are not its business."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


async def serve(parties: Sequence[ServedParty], ports: Path, stop: asyncio.Event) -> None:
    """Serve until ``stop``. ``ports`` then holds {counterparty: address}, complete once all of them listen.

    Ports that stand in the file already are taken again, so that who knows an address need not learn another.
    Raises OSError when such a port is in use.
    """
    known = addresses(ports)
    listeners = [_listen(known.get(party.counterparty)) for party in parties]
    servers = [_EmbeddedServer(_config(party)) for party in parties]
    async with asyncio.TaskGroup() as running:
        for server, listener in zip(servers, listeners, strict=True):
            running.create_task(server.serve(sockets=[listener]))
        for server in servers:
            await server.listening.wait()
        reached = {
            party.counterparty: f"http://{HOST}:{listener.getsockname()[1]}{party.path}"
            for party, listener in zip(parties, listeners, strict=True)
        }
        _write(ports, known | reached)
        await stop.wait()
        for party, server in zip(parties, servers, strict=True):
            party.runtime.closing.set()
            server.should_exit = True


def addresses(ports: Path) -> dict[str, str]:
    """{counterparty: address} as the file has it; nothing where there is no file yet."""
    if not ports.exists():
        return {}
    return {str(code): str(url) for code, url in json.loads(ports.read_text(encoding="utf-8")).items()}


def _listen(known: str | None) -> socket.socket:
    """A socket on the known port, or on any free one."""
    listener = socket.create_server((HOST, (urlsplit(known).port or 0) if known else 0), backlog=_BACKLOG)
    # asyncio does this only for sockets that were made with a protocol number; an answer would wait 40 ms for an ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _config(party: ServedParty) -> uvicorn.Config:
    return uvicorn.Config(
        party.app,
        http=CuttableProtocol,
        ws="none",
        lifespan="on",
        log_level="warning",
        access_log=False,
        backlog=_BACKLOG,
        timeout_graceful_shutdown=GRACE,
    )


def _write(ports: Path, reached: dict[str, str]) -> None:
    """Whoever looks sees the whole file or none."""
    ports.parent.mkdir(parents=True, exist_ok=True)
    draft = ports.with_name(f".{ports.name}.{os.getpid()}")
    draft.write_text(json.dumps(reached, indent=2) + "\n", encoding="utf-8")
    draft.replace(ports)


PREFIX: Final = "/_sandbox"


def control(runtime: RuntimeControl, **listings: Callable[[], Sequence[BaseModel]]) -> Mount:
    """The routes of one server; each of ``listings`` is shown under its name."""

    async def show(_: Request) -> Response:
        return JSONResponse(runtime.settings.model_dump())

    async def turn(request: Request) -> Response:
        try:
            changes = parse(await request.body())
            return JSONResponse(runtime.turn(dict(changes)).model_dump())
        except ValidationError as error:
            return JSONResponse([fault.detail for fault in faults_of(error)], 422)
        except (Refused, TypeError, ValueError) as error:
            return JSONResponse([str(error)], 422)

    async def reset(_: Request) -> Response:
        return JSONResponse(runtime.reset().model_dump())

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

    def __init__(self, app: ASGIApp, runtime: RuntimeControl) -> None:
        self._app = app
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        settings = self._runtime.settings
        if settings.slow:
            await asyncio.sleep(settings.slow)
        status = 503 if settings.down else self._runtime.spend_failure()
        if settings.cut:
            await NoAnswer(self._runtime, 0)(scope, receive, send)
        elif status is not None:
            headers = {"Retry-After": str(settings.retry_after)} if settings.retry_after else None
            await PlainTextResponse("the sandbox was told to fail\n", status, headers)(scope, receive, send)
        elif settings.cut_after or settings.page:
            await self._app(scope, receive, _unheard)
            answer = (
                NoAnswer(self._runtime, 0) if settings.cut_after else HTMLResponse("<html>502 Bad Gateway</html>\n")
            )
            await answer(scope, receive, send)
        else:
            await self._app(scope, receive, send)


async def _unheard(_: Message) -> None:
    """Takes the answer of an application in place of the client."""
