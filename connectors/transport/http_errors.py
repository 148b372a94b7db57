"""Map exceptions of requests, urllib3, ssl and sockets, and HTTP statuses, to the errors of connectors.errors."""

import email.utils
import json
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from ssl import SSLEOFError, SSLError, SSLZeroReturnError
from typing import Any, Final

import requests
import urllib3.exceptions as urllib3

from connectors.errors import ConnectorCode, ConnectorError, ContractBroken, Duplicate, Rejected, Unavailable
from connectors.transport.http_adapter import RequestUnderway

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
    urllib3.LocationParseError,
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
    except (requests.RequestException, urllib3.HTTPError, HTTPException, OSError) as error:
        raise _error_of(error, call, idempotent=idempotent) from error


def _error_of(error: BaseException, call: RequestUnderway, *, idempotent: bool) -> ConnectorError:
    causes = list(_causes(error))
    unknown = call.sent and not idempotent
    if any(isinstance(cause, SSLError) and not isinstance(cause, _TLS_ENDED) for cause in causes):
        return Unavailable(ConnectorCode.TLS, outcome_unknown=unknown)
    if not call.sent:
        return Unavailable(ConnectorCode.UNREACHABLE)
    if any(isinstance(cause, TimeoutError | urllib3.TimeoutError | requests.Timeout) for cause in causes):
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
