"""The connection itself: when the request has left, how long the reply may take, where we may connect, whom we trust.

requests and urllib3 answer none of these: a time-out there is per read, so a reply that trickles lasts for ever, and
after an error nobody can tell whether the other party may have acted.
"""

import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http.client import HTTPResponse
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Final

from requests import PreparedRequest, Response, Session
from requests.adapters import HTTPAdapter
from typing_extensions import override
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError

from connectors.transport.addresses import AddressGuard

_POOL_SIZE: Final = 64
"""connections that are kept to one counterparty; the most that max_in_flight may be"""


@dataclass(slots=True)
class Call:
    """One request on its way. The connection finds it in ``UNDERWAY`` and notes on it what has happened."""

    deadline: float
    """time.monotonic() at which the last byte of the reply must be here"""
    on_sent: Callable[[], None] | None = None
    guard: AddressGuard | None = None
    sent: bool = False
    """The request has been written whole. Before that the other party cannot have understood it."""

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


UNDERWAY: ContextVar[Call] = ContextVar("call_underway")


@contextmanager
def underway(call: Call) -> Iterator[None]:
    """While it is open, the connections of this thread work for ``call``."""
    token = UNDERWAY.set(call)
    try:
        yield
    finally:
        UNDERWAY.reset(token)


class _PacedReader(io.RawIOBase):
    """The socket's bytes, each read within what is left of the deadline."""

    def __init__(self, sock: socket.socket, call: Call) -> None:
        self._sock = sock
        self._raw = sock.makefile("rb", buffering=0)
        self._call = call

    @override
    def readable(self) -> bool:
        return True

    @override
    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(self._call.left())
        return self._raw.readinto(buffer)

    @override
    def close(self) -> None:
        self._raw.close()
        super().close()


class _PacedSocket:
    """What http.client needs of a socket to read a reply."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_PacedReader(self._sock, UNDERWAY.get()))


class _PacedReply(HTTPResponse):
    def __init__(self, sock: socket.socket, *arguments: Any, **options: Any) -> None:
        super().__init__(_PacedSocket(sock), *arguments, **options)  # type: ignore[arg-type]


class _PlainConnection(HTTPConnection):
    response_class = _PacedReply

    @override
    def request(self, *arguments: Any, **options: Any) -> None:
        if self.is_closed:
            self.connect()
        call = UNDERWAY.get()
        self.timeout = call.left()  # urllib3 would give the writing no longer than the connecting
        super().request(*arguments, **options)
        call.was_sent()

    @override
    def _new_conn(self) -> socket.socket:
        """Connects to an address that the guard has seen; the name stays what TLS and Host are about."""
        guard = UNDERWAY.get().guard
        if guard is None:
            return super()._new_conn()
        name = self._dns_host
        try:
            addresses = guard(name, self.port)
        except socket.gaierror as error:
            raise NameResolutionError(name, self, error) from error
        try:
            return self._first_open(addresses)
        finally:
            self._dns_host = name

    def _first_open(self, addresses: list[str]) -> socket.socket:
        *others, last = addresses
        for self._dns_host in others:
            try:
                return super()._new_conn()
            except (NewConnectionError, ConnectTimeoutError):
                continue
        self._dns_host = last
        return super()._new_conn()


class _TLSConnection(HTTPSConnection, _PlainConnection):
    """The same over TLS: HTTPSConnection only adds the handshake."""


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


class _Adapter(HTTPAdapter):
    """requests' adapter with our connections, and with a trust that nothing outside of ``context`` can widen."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        super().__init__(pool_connections=4, pool_maxsize=_POOL_SIZE)

    @override
    def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **options: Any) -> None:
        self.poolmanager = PoolManager(connections, maxsize=maxsize, block=block, ssl_context=self._context, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TLSPool}

    @override
    def build_connection_pool_key_attributes(self, request: PreparedRequest, verify: Any, cert: Any = None) -> Any:
        host, _ = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {}  # nothing about TLS: the context says it all

    @override
    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Nothing: requests would load its own bundle into the context, and the pinned CA would be one among many."""


class _Session(Session):
    @override
    def get_redirect_target(self, resp: Response) -> None:
        """None, always: requests would read a redirect's body whole, without a limit, to prepare what we never do."""


def session(context: ssl.SSLContext) -> Session:
    """A session that keeps connections and nothing else: no cookies, no proxies, no .netrc, no bundle from outside."""
    pooled = _Session()
    pooled.trust_env = False
    pooled.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    pooled.headers.clear()
    pooled.headers.update({"User-Agent": "lienthong-hub", "Accept-Encoding": "identity"})
    for scheme in ("https://", "http://"):
        pooled.mount(scheme, _Adapter(context))
    return pooled


def trust(ca: Path | None, client_certificate: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or newer, the name checked; ``ca`` instead of the system's roots, not beside them. Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if ca is None:
        context.load_default_certs()
    else:
        context.load_verify_locations(cafile=ca)
    if client_certificate is not None:
        context.load_cert_chain(client_certificate)
    return context
