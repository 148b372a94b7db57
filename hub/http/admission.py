"""Admission: how many requests this process works on, and how fast a client may call (docs/decisions/0028).

A request beyond the bound of its kind of client is answered 503 before its head is interpreted, so that what is in
progress has memory, threads and database connections, and a flood of one kind of client leaves the others theirs.

Rates are counted in this process by a moving window. A client is a party of the catalogue, counted once it has proved
that it is that party; what is not authenticated counts for its address. Whoever is above the limit is refused with 429,
and the fields of draft-ietf-httpapi-ratelimit-headers say what is left.
"""

import ipaddress
import math
import threading
import time
from collections import Counter, deque
from typing import Final

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from config.limits import InProgress, RateLimit
from hub.consignments import capability
from hub.http import problem_types, problems, request_context
from hub.http.problems import Problem

# --- requests in progress

KINDS: Final = (
    ("/health/", None),
    ("/v1/departments/", "departments"),
    ("/soap/", "departments"),
    (capability.PATH, "postal"),
    ("/v1/banks/", "banks"),
)
"""beginning of the path → kind of client, a field of InProgress; None: never refused"""
SPARE_THREADS: Final = 16
"""for health checks and long polls"""


class Admission:
    """Counts the requests in progress. Used from the event loop only."""

    def __init__(self, bounds: InProgress) -> None:
        self._bounds: dict[str, int] = bounds.model_dump()
        self._in_progress: Counter[str] = Counter()

    @property
    def threads(self) -> int:
        """Threads with which no kind of client waits for those of another."""
        return sum(self._bounds.values()) - self._bounds["long_polls"] + SPARE_THREADS

    def enter(self, kind: str | None) -> bool:
        """Count a request, which ``leave`` ends; False: it is beyond the bound and not counted."""
        if kind is None:
            return True
        if self._in_progress[kind] >= self._bounds[kind]:
            return False
        self._in_progress[kind] += 1
        return True

    def leave(self, kind: str | None) -> None:
        """The request has been answered."""
        if kind is not None:
            self._in_progress[kind] -= 1


class AdmissionMiddleware:
    """Answers 503 for a request beyond the bound of its kind; inside RequestContextMiddleware, which logs it."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        kind, admission = kind_of(scope), scope["state"]["admission"]
        if not admission.enter(kind):
            await problems.response(problem_types.OVERLOADED, scope["state"]["request_context"])(scope, receive, send)
            return
        try:
            await self._app(scope, receive, send)
        finally:
            admission.leave(kind)


def kind_of(scope: Scope) -> str | None:
    """The kind of client that calls this address; None for health checks."""
    path: str = scope["path"]
    for prefix, kind in KINDS:
        if path.startswith(prefix):
            return kind
    return "long_polls" if scope["method"] == "GET" and b"wait=" in scope["query_string"] else "portal"


# --- rates

CLIENT: Final = "client"
ADDRESS: Final = "address"
"""names of the two policies, as RateLimit-Policy has them"""
MAX_ADDRESSES: Final = 50_000
"""addresses counted at a time; then all begin anew"""


class MovingWindow:
    """The requests of one client in the last ``limit.window`` seconds by the monotonic clock, ``burst`` at most."""

    def __init__(self, limit: RateLimit) -> None:
        self._limit = limit
        self._times: deque[float] = deque()
        self._lock = threading.Lock()

    def hit(self) -> bool:
        """Count a request; False: it is above the limit and not counted."""
        now = time.monotonic()
        with self._lock:
            self._forget(now)
            if len(self._times) >= self._limit.burst:
                return False
            self._times.append(now)
            return True

    def state(self) -> tuple[int, int]:
        """Requests that are left, and seconds until there is one more."""
        now = time.monotonic()
        with self._lock:
            self._forget(now)
            oldest = self._times[0] if self._times else now
            return self._limit.burst - len(self._times), max(math.ceil(oldest + self._limit.window - now), 1)

    def _forget(self, now: float) -> None:
        while self._times and self._times[0] <= now - self._limit.window:
            self._times.popleft()


class RateLimits:
    """The counters of one API process."""

    def __init__(self, unidentified: RateLimit) -> None:
        self._unidentified = unidentified
        self._clients: dict[str, MovingWindow] = {}
        self._addresses: dict[str, MovingWindow] = {}

    def count_client(self, request: Request, client: str, limit: RateLimit) -> None:
        """Count a request of ``client``, who is authenticated. Raises Problem above its limit."""
        window = self._clients.get(client) or self._clients.setdefault(client, MovingWindow(limit))
        allowed = window.hit()
        remaining, reset = window.state()
        _announce(request, CLIENT, limit, remaining, reset)
        if not allowed:
            raise _exceeded(reset)

    def count_unidentified(self, request: Request) -> None:
        """Count a request that was not authenticated for its address. Raises Problem above the limit."""
        address = _address(request)
        if address is None:
            return
        if len(self._addresses) > MAX_ADDRESSES:
            self._addresses.clear()
        window = self._addresses.get(address) or self._addresses.setdefault(address, MovingWindow(self._unidentified))
        if not window.hit():
            self._refuse_address(request, window)

    def check_address(self, request: Request) -> None:
        """Raise Problem if the address is at its limit: where the sender is known only after the body is read."""
        address = _address(request)
        window = self._addresses.get(address) if address is not None else None
        if window is not None and window.state()[0] == 0:
            self._refuse_address(request, window)

    def _refuse_address(self, request: Request, window: MovingWindow) -> None:
        remaining, reset = window.state()
        request.scope["state"]["leave_unread"](reset)
        _announce(request, ADDRESS, self._unidentified, remaining, reset)
        raise _exceeded(reset)


def rate_limits(request: Request) -> RateLimits:
    """The counters of the process that serves ``request``."""
    counters = request.scope["state"]["rate_limits"]
    assert isinstance(counters, RateLimits)  # noqa: S101 - the lifespan put it there
    return counters


def _announce(request: Request, policy: str, limit: RateLimit, remaining: int, reset: int) -> None:
    request_context.of(request).rate_limit = (
        (b"ratelimit-policy", f'"{policy}";q={limit.burst};w={limit.window}'.encode()),
        (b"ratelimit", f'"{policy}";r={remaining};t={reset}'.encode()),
    )


def _exceeded(reset: int) -> Problem:
    return Problem(problem_types.RATE_LIMIT_EXCEEDED, retry_after=reset)


def _address(request: Request) -> str | None:
    """The caller's address, of IPv6 its network (/64); None behind a proxy, whose address all share."""
    if request.client is None or request.scope["state"]["behind_a_proxy"]:
        return None
    address = ipaddress.ip_address(request.client.host)
    return str(ipaddress.ip_network((address, 64), strict=False) if address.version == 6 else address)  # noqa: PLR2004
