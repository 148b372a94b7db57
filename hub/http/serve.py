"""Run the API: uvicorn with httptools, which refuses the smuggled requests that its other parser lets through.

Time and connection limits are those of deploy/nginx/hub.conf, for an API that no proxy stands before.
"""

import asyncio
import signal
import socket
import sys
from types import FrameType
from typing import Any, ClassVar, Final

import structlog
import uvicorn
from fastapi import FastAPI
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.supervisors import Multiprocess

from hub import app, logging
from hub.configuration import read_settings
from hub.http import problems
from hub.http.app import create
from hub.http.problem_types import MALFORMED
from hub.http.request_context import RequestContext


class TimeoutHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with timeouts for requests that arrive slowly, and a limit of connections per address."""

    request_timeout: ClassVar[float] = 60.0
    """seconds from the first byte of a request to its last"""
    head_timeout: ClassVar[float] = 10.0
    """seconds from the connection, or the first byte, to the end of the head"""
    max_connections: ClassVar[int] = 200
    """connections of one address; behind a proxy, whose address all share, it is the proxy that counts"""
    max_head_bytes: ClassVar[int] = 32_768
    """bytes of a request's head beyond the first chunk"""

    _in_head: bool = False
    _unread_for: float = 0.0
    """seconds for which nothing more is read once this request has been answered"""
    _is_unread: bool = False
    _head_bytes: int = 0
    _timer: asyncio.TimerHandle | None = None
    _address: str = ""
    _of_address: ClassVar[dict[str, dict["TimeoutHttpProtocol", None]]] = {}
    """address → its connections, the oldest first"""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        self._start_timer(self.head_timeout)
        if self.client is not None and not self.app_state.get("behind_a_proxy"):
            self._address = self.client[0]
            self._of_address.setdefault(self._address, {})[self] = None
            self._close_idle_connection()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_timer()
        mine = self._of_address.get(self._address, {})
        mine.pop(self, None)
        if not mine:
            self._of_address.pop(self._address, None)
        super().connection_lost(exc)

    @property
    def is_answering(self) -> bool:
        """Whether a request is being answered, or the next one is left unread."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn does not say that it is None at first
        return self._is_unread or (cycle is not None and not cycle.response_complete)

    def _leave_unread(self, seconds: float) -> None:
        """Read nothing more from this connection for ``seconds`` after the answer under way."""
        self._unread_for = seconds

    @override
    def on_response_complete(self) -> None:
        """Go on with the connection; one whose sender is above its limit is read again when it may come again.

        So whoever floods is answered once and not at every request: a refusal costs as much as a small request.
        """
        if not self._unread_for:
            super().on_response_complete()
            return
        self.flow.pause_reading()
        self._is_unread = True
        self.loop.call_later(self._unread_for, self._read_on)
        self._unread_for = 0.0

    def _read_on(self) -> None:
        self._is_unread = False
        super().on_response_complete()

    def _close_idle_connection(self) -> None:
        """Above the limit, close the address's oldest connection that is not being answered, or else this one."""
        mine = self._of_address[self._address]
        if len(mine) > self.max_connections:
            idle = (one for one in mine if not one.is_answering)
            closing = next(idle, self)
            del mine[closing]
            closing.transport.close()

    @override
    def data_received(self, data: bytes) -> None:
        """Count the bytes of a head that comes in several chunks; one chunk is bounded by the reader."""
        self._head_bytes = self._head_bytes + len(data) if self._in_head else 0
        super().data_received(data)
        if self._in_head and self._head_bytes > self.max_head_bytes and not self.transport.is_closing():
            self.send_400_response("")

    @override
    def on_message_begin(self) -> None:
        self._in_head = True
        self._start_timer(self.head_timeout)
        super().on_message_begin()
        self.scope["state"]["leave_unread"] = self._leave_unread

    @override
    def on_headers_complete(self) -> None:
        self._in_head = False
        self._start_timer(self.request_timeout)
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._stop_timer()
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        """Answer what is not HTTP with a problem response too."""
        answer = problems.response(MALFORMED, RequestContext.begin(self.headers or []))
        lines = [name + b": " + value for name, value in (*answer.raw_headers, (b"connection", b"close"))]
        self.transport.write(b"\r\n".join([b"HTTP/1.1 400 Bad Request", *lines, b"", bytes(answer.body)]))
        self.transport.close()

    @override
    def shutdown(self) -> None:
        """The server stops: answer callers of a long poll now."""
        self.app_state["stopping"].set()
        super().shutdown()

    def _start_timer(self, seconds: float) -> None:
        self._stop_timer()
        self._timer = self.loop.call_later(seconds, self.transport.close)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


log = structlog.get_logger(__name__)

KEEP_ALIVE: Final = 75
"""seconds that a connection is kept between requests; nginx keeps it 60 and has to be the one that closes"""
GRACEFUL_SHUTDOWN: Final = 10
"""seconds for requests under way when the process is told to stop"""
WORKER_SILENT: Final = 60
"""seconds after which a process that does not answer its supervisor is replaced: a busy machine is no dead process"""
CONNECTIONS: Final = 1_000
BACKLOG: Final = 1_024


def application() -> FastAPI:
    """Build the application from the environment; each worker process builds its own."""
    hub = app.build(signs=False)
    if not structlog.is_configured():
        logging.configure(hub.settings.log_level)
    return create(hub)


def config(app: Any, *, protocol: type[TimeoutHttpProtocol] = TimeoutHttpProtocol, **parts: Any) -> uvicorn.Config:
    """Configuration of uvicorn. Its access log would hold paths and queries; ours is in the middleware."""
    return uvicorn.Config(
        app,
        http=protocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=GRACEFUL_SHUTDOWN,
        timeout_worker_healthcheck=WORKER_SILENT,
        **parts,
    )


def serve(host: str, port: int, fd: int | None = None, workers: int = 1) -> None:
    """Serve until SIGTERM or SIGINT, on ``host`` and ``port`` or on the listening socket ``fd``."""
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises the signal once more when it has stopped gracefully
    logging.configure(read_settings().log_level)
    listening = _listen(host, port) if fd is None else socket.socket(fileno=fd)
    log.info("listening", host=host, port=listening.getsockname()[1], workers=workers)
    settings = config("hub.http.serve:application", factory=True, workers=workers)
    if workers > 1:
        Multiprocess(settings, sockets=[listening]).run()
    else:
        uvicorn.Server(settings).run(sockets=[listening])


def _leave(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=BACKLOG)
