"""Running the doors: uvicorn with httptools, which refuses the smuggled requests that its other parser lets through."""

import asyncio
import socket
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.supervisors import Multiprocess

from hub import logging, wiring
from hub.http import problems
from hub.http.app import create
from hub.http.kinds import MALFORMED
from hub.http.passage import Passage

log = structlog.get_logger(__name__)

WHOLE_REQUEST: Final = 60.0
"""seconds within which a request, from its first byte to its last, has to be here"""
LONGEST_HEAD: Final = 32_768
"""bytes of address and header lines of one request"""
IDLE: Final = 75
"""seconds that a connection is kept between requests; nginx keeps it 60 and has to be the one that closes"""
STOPPING: Final = 10
"""seconds for requests under way when the process is told to stop"""
CONNECTIONS: Final = 1_000
BACKLOG: Final = 1_024


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to its patience: it has none of its own for a request that trickles in."""

    _head: int
    _patience: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        self._watch()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    @override
    def on_message_begin(self) -> None:
        self._head = 0
        self._watch()
        super().on_message_begin()

    @override
    def on_url(self, url: bytes) -> None:
        self._count(url)
        super().on_url(url)

    @override
    def on_header(self, name: bytes, value: bytes) -> None:
        self._count(name + value)
        super().on_header(name, value)

    @override
    def on_message_complete(self) -> None:
        self._rest()
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused in our own words too."""
        answer = problems.response(MALFORMED, Passage.begin(self.headers or []))
        lines = [name + b": " + value for name, value in (*answer.raw_headers, (b"connection", b"close"))]
        self.transport.write(b"\r\n".join([b"HTTP/1.1 400 Bad Request", *lines, b"", bytes(answer.body)]))
        self.transport.close()

    @override
    def shutdown(self) -> None:
        """The server stops: callers who wait for news get their answer now."""
        self.app_state["stopping"].set()
        super().shutdown()

    def _count(self, part: bytes) -> None:
        self._head += len(part)
        if self._head > LONGEST_HEAD:
            raise ValueError("the head is too long")  # httptools makes it a parser error: 400, and the end

    def _watch(self) -> None:
        self._rest()
        self._patience = self.loop.call_later(WHOLE_REQUEST, self.transport.close)

    def _rest(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None


def application() -> FastAPI:
    """The application that this process's environment describes; each worker process makes its own."""
    hub = wiring.build()
    logging.configure(hub.settings.log_level)
    return create(hub)


def config(app: Any, **parts: Any) -> uvicorn.Config:
    """How we run uvicorn. Its access log would hold paths and queries; ours is in the middleware."""
    return uvicorn.Config(
        app,
        http=PatientProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=STOPPING,
        **parts,
    )


def serve(host: str, port: int, fd: int | None = None, workers: int = 1) -> None:
    """Serve until SIGTERM or SIGINT, on ``host`` and ``port`` or on the listening socket ``fd`` that we were given."""
    logging.configure(wiring.read_settings().log_level)
    listening = _listen(host, port) if fd is None else socket.socket(fileno=fd)
    log.info("listening", host=host, port=listening.getsockname()[1], workers=workers)
    settings = config("hub.http.serve:application", factory=True, workers=workers)
    if workers > 1:
        Multiprocess(settings, sockets=[listening]).run()
    else:
        uvicorn.Server(settings).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)
