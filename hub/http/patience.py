"""How long we listen: uvicorn's protocol waits for ever for the rest of a request, and reads a head of any length."""

import asyncio
from typing import ClassVar

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from hub.http import problems
from hub.http.kinds import MALFORMED
from hub.http.passage import Passage


class PatientProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to its patience: it has none of its own for a request that trickles in."""

    whole_request: ClassVar[float] = 60.0
    """seconds within which a request, from its first byte to its last, has to be here"""
    longest_head: ClassVar[int] = 32_768
    """bytes of a request's head, beyond its first piece"""

    _heading: bool = False
    _head: int = 0
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
    def data_received(self, data: bytes) -> None:
        """A head that came in one piece is as long as a piece may be; one that goes on and on is counted."""
        self._head = self._head + len(data) if self._heading else 0
        super().data_received(data)
        if self._heading and self._head > self.longest_head and not self.transport.is_closing():
            self.send_400_response("")

    @override
    def on_message_begin(self) -> None:
        self._heading = True
        self._watch()
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self._heading = False
        super().on_headers_complete()

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

    def _watch(self) -> None:
        self._rest()
        self._patience = self.loop.call_later(self.whole_request, self.transport.close)

    def _rest(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
