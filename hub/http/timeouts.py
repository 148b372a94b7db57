"""How long we listen, and to how many of one address: uvicorn's protocol knows no end of either.

The limits are those of deploy/nginx/hub.conf, for doors that nothing stands before.
"""

import asyncio
from typing import ClassVar

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hub.http import problems
from hub.http.problem_types import MALFORMED
from hub.http.request_context import RequestContext


class TimeoutHttpProtocol(HttpToolsProtocol):
    """uvicorn's protocol with an end to its patience: it has none of its own for a request that trickles in."""

    whole_request: ClassVar[float] = 60.0
    """seconds within which a request, from its first byte to its last, has to be here"""
    whole_head: ClassVar[float] = 10.0
    """seconds within which its head has to be, from the connection or the first byte on"""
    per_address: ClassVar[int] = 200
    """connections of one address; behind a proxy, whose address all share, it is the proxy that counts"""
    longest_head: ClassVar[int] = 32_768
    """bytes of a request's head, beyond its first piece"""

    _heading: bool = False
    _head: int = 0
    _patience: asyncio.TimerHandle | None = None
    _address: str = ""
    _of_address: ClassVar[dict[str, dict["TimeoutHttpProtocol", None]]] = {}
    """address → its connections, the oldest first"""

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # uvicorn narrows it too
        super().connection_made(transport)
        self._watch(self.whole_head)
        if self.client is not None and not self.app_state.get("behind_a_proxy"):
            self._address = self.client[0]
            self._of_address.setdefault(self._address, {})[self] = None
            self._make_room()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        mine = self._of_address.get(self._address, {})
        mine.pop(self, None)
        if not mine:
            self._of_address.pop(self._address, None)
        super().connection_lost(exc)

    @property
    def is_answering(self) -> bool:
        """Whether a whole head has come and its answer has not been given."""
        cycle: RequestResponseCycle | None = self.cycle  # uvicorn does not say that it is None at first
        return cycle is not None and not cycle.response_complete

    def _make_room(self) -> None:
        """Above the limit, the address's oldest connection on which nothing is being answered goes; else this one."""
        mine = self._of_address[self._address]
        if len(mine) > self.per_address:
            idle = (one for one in mine if not one.is_answering)
            leaving = next(idle, self)
            del mine[leaving]
            leaving.transport.close()

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
        self._watch(self.whole_head)
        super().on_message_begin()

    @override
    def on_headers_complete(self) -> None:
        self._heading = False
        self._watch(self.whole_request)
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._rest()
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is refused in our own words too."""
        answer = problems.response(MALFORMED, RequestContext.begin(self.headers or []))
        lines = [name + b": " + value for name, value in (*answer.raw_headers, (b"connection", b"close"))]
        self.transport.write(b"\r\n".join([b"HTTP/1.1 400 Bad Request", *lines, b"", bytes(answer.body)]))
        self.transport.close()

    @override
    def shutdown(self) -> None:
        """The server stops: callers who wait for news get their answer now."""
        self.app_state["stopping"].set()
        super().shutdown()

    def _watch(self, seconds: float) -> None:
        self._rest()
        self._patience = self.loop.call_later(seconds, self.transport.close)

    def _rest(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None
