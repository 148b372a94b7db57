"""What happens to one HTTP call: connections with a deadline and a guard, the reply, and the errors that failures mean.

requests and urllib3 answer none of these: a time-out there is per read, so a reply that trickles lasts for ever, and
after an error nobody can tell whether the other party may have acted. Here the connection notes when the request was
sent, and the exceptions of requests, urllib3, ssl and sockets, and HTTP statuses, become those of connectors.errors.
"""

import email.utils
import io
import json
import re
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse, IncompleteRead, RemoteDisconnected, parse_headers
from ssl import SSLEOFError, SSLError, SSLZeroReturnError
from typing import Any, Final

import requests
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, exceptions
from urllib3.connection import HTTPConnection, HTTPSConnection

from connectors.errors import ConnectorCode, ConnectorError, ContractBroken, Duplicate, Rejected, Unavailable
from connectors.transport.addresses import AddressGuard, resolve

# --- connections


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
            raise exceptions.NameResolutionError(name, self, error) from error
        try:
            return self._first_open(addresses, call)
        finally:
            self._dns_host = name

    def _first_open(self, addresses: list[str], call: RequestUnderway) -> socket.socket:
        patience = self.timeout or call.left()
        *others, last = addresses
        for self._dns_host in others:
            self.timeout = min(patience, call.left())
            with suppress(exceptions.NewConnectionError, exceptions.ConnectTimeoutError):
                return super()._new_conn()
        self._dns_host, self.timeout = last, min(patience, call.left())
        return super()._new_conn()


class _TLSConnection(HTTPSConnection, _PlainConnection):
    """The same over TLS: HTTPSConnection only adds the handshake."""


class PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class TLSPool(HTTPSConnectionPool):
    ConnectionCls = _TLSConnection


# --- replies and errors

PROBLEM: Final = "application/problem+json"
"""RFC 9457"""

BUSY: Final = frozenset({408, 425, 429, 503})
"""The request was not taken up; nothing was done."""
_REFUSALS: Final = frozenset({400, 422})
"""What can be said of a dossier. Other 4xx speak of addresses and protocols: no citizen may be refused by those."""
_TLS_ENDED: Final = (SSLEOFError, SSLZeroReturnError)
"""The connection broke; that TLS noticed says nothing about trust."""
_UNUSABLE: Final = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    requests.exceptions.MissingSchema,
    requests.exceptions.InvalidHeader,
    exceptions.LocationParseError,
)


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What came back, whole and under the size cap, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """names in any case"""
    body: bytes

    @property
    def media_type(self) -> str:
        """Lower case, without parameters; empty if the reply does not say."""
        return str(self.headers.get("Content-Type", "")).partition(";")[0].strip().lower()

    @property
    def retry_after(self) -> float | None:
        """Seconds that the other party asks us to wait (RFC 9110 §10.2.3), if it says so intelligibly."""
        return seconds_to_wait(self.headers.get("Retry-After", ""), now=time.time())


@contextmanager
def map_errors(call: RequestUnderway, *, idempotent: bool) -> Iterator[None]:
    """Map what requests, urllib3, ssl and the socket raise to connectors.errors.

    ``idempotent``: the request asks and changes nothing, so its outcome is never unknown.
    """
    try:
        yield
    except ConnectorError:
        raise
    except _UNUSABLE as error:
        if call.sent:
            raise ContractBroken(ConnectorCode.CONTRACT, "the headers of the reply contradict one another") from error
        raise ContractBroken(ConnectorCode.ADDRESS, "the address or a header cannot be written in HTTP") from error
    except (requests.RequestException, exceptions.HTTPError, HTTPException, OSError) as error:
        raise _error_of(error, call, idempotent=idempotent) from error


def _error_of(error: BaseException, call: RequestUnderway, *, idempotent: bool) -> ConnectorError:
    causes = list(_causes(error))
    unknown = call.sent and not idempotent
    if any(isinstance(cause, SSLError) and not isinstance(cause, _TLS_ENDED) for cause in causes):
        return Unavailable(ConnectorCode.TLS, outcome_unknown=unknown)
    if not call.sent:
        return Unavailable(ConnectorCode.UNREACHABLE)
    if any(isinstance(cause, TimeoutError | exceptions.TimeoutError | requests.Timeout) for cause in causes):
        return Unavailable(ConnectorCode.TIMEOUT, outcome_unknown=unknown)
    if any(_is_not_http(cause) for cause in causes):
        return ContractBroken(ConnectorCode.CONTRACT, "the reply is not HTTP")
    return Unavailable(ConnectorCode.CUT, outcome_unknown=unknown)


def _is_not_http(cause: BaseException) -> bool:
    """A reply that has begun and makes no sense; one that ended early is a broken connection."""
    return isinstance(cause, HTTPException) and not isinstance(cause, IncompleteRead | RemoteDisconnected)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """``error`` and what it wraps; requests and urllib3 keep the cause in the arguments or in ``reason``."""
    waiting, seen = [error], set[int]()
    while waiting:
        cause = waiting.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        wrapped = (*cause.args, getattr(cause, "reason", None), cause.__cause__, cause.__context__)
        waiting += [other for other in wrapped if isinstance(other, BaseException)]


def checked(reply: HttpReply, *, idempotent: bool) -> HttpReply:
    """The reply, if its status is 2xx. Raises the error that any other status means."""
    status = reply.status
    if 200 <= status < 300:  # noqa: PLR2004 - the class of successes
        return reply
    if status in BUSY:
        raise Unavailable(ConnectorCode.BUSY, f"HTTP {status}", retry_after=reply.retry_after)
    if status >= 500:  # noqa: PLR2004 - the class of server errors
        raise Unavailable(
            ConnectorCode.ERROR, f"HTTP {status}", outcome_unknown=not idempotent, retry_after=reply.retry_after
        )
    if status in {401, 403}:
        raise ContractBroken(ConnectorCode.AUTH, f"HTTP {status}")
    if status == 409:  # noqa: PLR2004 - Conflict
        raise Duplicate(ConnectorCode.DUPLICATE, reply=reply)
    if status in _REFUSALS and reply.media_type == PROBLEM:
        raise Rejected(ConnectorCode.REJECTED, f"HTTP {status}", reason=_reason(reply.body))
    raise ContractBroken(ConnectorCode.CONTRACT, f"HTTP {status} {reply.media_type}".rstrip())


def expect_success(reply: HttpReply, *, idempotent: bool = True) -> HttpReply:
    """The reply, if its status is 2xx, from a service that knows no dossiers: no status of it is a refusal.

    Raises Unavailable where later may help, else ContractBroken.
    """
    try:
        return checked(reply, idempotent=idempotent)
    except (Duplicate, Rejected):
        raise ContractBroken(ConnectorCode.CONTRACT, f"HTTP {reply.status}") from None


def seconds_to_wait(retry_after: str, now: float) -> float | None:
    """Retry-After as seconds from ``now`` (Unix time); None if it is neither a number nor a date."""
    text = retry_after.strip()
    if re.fullmatch(r"[0-9]{1,9}", text):
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except (ValueError, OverflowError):
        return None


def _reason(body: bytes) -> str:
    """The refusal in the other party's own words: problem+json's detail, else its title."""
    try:
        problem: Any = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    if not isinstance(problem, dict):
        return ""
    words = problem.get("detail") or problem.get("title") or ""
    return words if isinstance(words, str) else ""
