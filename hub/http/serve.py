"""Running the doors: uvicorn with httptools, which refuses the smuggled requests that its other parser lets through."""

import signal
import socket
import sys
from types import FrameType
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from hub import app, logging
from hub.http.app import create
from hub.http.timeouts import TimeoutHttpProtocol

log = structlog.get_logger(__name__)

IDLE: Final = 75
"""seconds that a connection is kept between requests; nginx keeps it 60 and has to be the one that closes"""
STOPPING: Final = 10
"""seconds for requests under way when the process is told to stop"""
CONNECTIONS: Final = 1_000
BACKLOG: Final = 1_024


def application() -> FastAPI:
    """The application that this process's environment describes; each worker process makes its own."""
    hub = app.build()
    if not structlog.is_configured():
        logging.configure(hub.settings.log_level)
    return create(hub)


def config(app: Any, *, protocol: type[TimeoutHttpProtocol] = TimeoutHttpProtocol, **parts: Any) -> uvicorn.Config:
    """How we run uvicorn. Its access log would hold paths and queries; ours is in the middleware."""
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
        timeout_keep_alive=IDLE,
        timeout_graceful_shutdown=STOPPING,
        **parts,
    )


def serve(host: str, port: int, fd: int | None = None, workers: int = 1) -> None:
    """Serve until SIGTERM or SIGINT, on ``host`` and ``port`` or on the listening socket ``fd`` that we were given."""
    signal.signal(signal.SIGTERM, _leave)  # uvicorn raises the signal once more when it has stopped gracefully
    logging.configure(app.read_settings().log_level)
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
