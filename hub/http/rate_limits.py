"""Rate limits of clients, counted in this process by a moving window (docs/decisions/0028).

A client is a party of the catalogue, counted once it has proved that it is that party; what is not authenticated counts
for its address. Whoever is above the limit is refused with 429, and the fields of draft-ietf-httpapi-ratelimit-headers
say what is left.
"""

import ipaddress
import math
import threading
import time
from collections import deque
from typing import Final

from starlette.requests import Request

from config.limits import RateLimit
from hub.http import problem_types, request_context
from hub.http.problems import Problem

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


def of(request: Request) -> RateLimits:
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
