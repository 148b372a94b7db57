"""Connections under requests: when the request was sent, a deadline for the whole reply, a guard of addresses.

requests and urllib3 answer none of these: a time-out there is per read, so a reply that trickles lasts for ever, and
after an error nobody can tell whether the other party may have acted.
"""

import io
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPResponse, RemoteDisconnected, parse_headers
from typing import Any

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from connectors.transport.addresses import AddressGuard, resolve


@dataclass(slots=True)
class RequestUnderway:
    """One request on its way. The connection finds it in ``UNDERWAY`` and notes on it what has happened."""

    deadline: float
    """time.monotonic() at which the last byte of the reply must be here"""
    on_sent: Callable[[], None] | None = None
    guard: AddressGuard | None = None
    """None: wherever the name leads"""
    sent: bool = False
    """The request has been written whole. Before that the other party cannot have understood it."""
    status: int | None = None
    """The reply's, as soon as its head is here."""

    def left(self) -> float:
        """Seconds until the deadline. Raises TimeoutError when it has passed."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("the deadline of the call has passed")
        return left

    def was_sent(self) -> None:
        """Called by the connection between the last byte written and the first byte read."""
        self.sent = True
        if self.on_sent is not None:
            self.on_sent()


UNDERWAY: ContextVar[RequestUnderway] = ContextVar("call_underway")


@contextmanager
def underway(call: RequestUnderway) -> Iterator[None]:
    """While it is open, the connections of this thread work for ``call``."""
    token = UNDERWAY.set(call)
    try:
        yield
    finally:
        UNDERWAY.reset(token)


class _PacedReader(io.RawIOBase):
    """The socket's bytes, each read within what is left of the deadline."""

    def __init__(self, sock: socket.socket, call: RequestUnderway) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._call = call
        self.ended = False
        """The other party has closed its side."""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._call.left())
        count = self._raw.readinto(buffer)
        self.ended = count == 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _PacedSocket:
    """What http.client needs of a socket to read a reply."""

    def __init__(self, reader: _PacedReader) -> None:
        self._reader = reader

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._reader)


class _PacedReply(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        self._reader = _PacedReader(sock, UNDERWAY.get())
        super().__init__(_PacedSocket(self._reader), *arguments, **options)  # type: ignore[arg-type]

    def _read_status(self) -> tuple[str, int, str]:
        """The final answer's: http.client passes over 100 only, not all of 1xx but 101 (RFC 9110 §15.2)."""
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 < status < 200 or status == HTTPStatus.SWITCHING_PROTOCOLS:  # noqa: PLR2004 - the class 1xx
                return version, status, reason
            parse_headers(self.fp)

    def begin(self) -> None:
        """Reads the head. http.client takes a head that breaks off for a whole one, with fewer headers."""
        super().begin()
        if self._reader.ended:
            raise RemoteDisconnected("the connection ended inside the reply's head")


class _PlainConnection(HTTPConnection):
    response_class = _PacedReply

    def request(self, *arguments: Any, **options: Any) -> None:
        if self.is_closed:
            self.connect()
        call = UNDERWAY.get()
        self.timeout = call.left()  # urllib3 would give the writing no longer than the connecting
        super().request(*arguments, **options)
        call.was_sent()

    def _new_conn(self) -> socket.socket:
        """Connects to the addresses that the guard has seen, in turn; the name stays what TLS and Host are about."""
        call, name = UNDERWAY.get(), self._dns_host
        try:
            addresses = (call.guard or resolve)(name, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(name, self, error) from error
        try:
            return self._first_open(addresses, call)
        finally:
            self._dns_host = name

    def _first_open(self, addresses: list[str], call: RequestUnderway) -> socket.socket:
        patience = self.timeout or call.left()
        *others, last = addresses
        for self._dns_host in others:
            self.timeout = min(patience, call.left())
            with suppress(NewConnectionError, ConnectTimeoutError):
                return super()._new_conn()
        self._dns_host, self.timeout = last, min(patience, call.left())
        return super()._new_conn()


class _TLSConnection(HTTPSConnection, _PlainConnection):
    """The same over TLS: HTTPSConnection only adds the handshake."""


class PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection
