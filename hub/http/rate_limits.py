"""Rate limits of clients, counted in this process by a moving window (docs/decisions/0028).

A client is a party of the catalogue, counted once it has proved that it is that party; what is not authenticated counts
for its address. Whoever is above the limit is refused with 429, and the fields of draft-ietf-httpapi-ratelimit-headers
say what is left.
"""

import ipaddress
import math
import time
from typing import Final

from limits import RateLimitItemPerSecond
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from starlette.requests import Request

from config.limits import RateLimit
from hub.http import problem_types, request_context
from hub.http.problems import Problem

CLIENT: Final = "client"
ADDRESS: Final = "address"
"""names of the two policies, as RateLimit-Policy has them"""
MAX_ADDRESSES: Final = 50_000
"""addresses counted at a time (10 MiB): the library keeps an entry for each that it has ever seen"""


class RateLimits:
    """The counters of one API process."""

    def __init__(self, unidentified: RateLimit) -> None:
        self._unidentified = unidentified
        self._clients = MovingWindowRateLimiter(MemoryStorage())
        self._by_address = MemoryStorage()
        self._addresses = MovingWindowRateLimiter(self._by_address)

    def count_client(self, request: Request, client: str, limit: RateLimit) -> None:
        """Count a request of ``client``, who is authenticated. Raises Problem above its limit."""
        item = _item(limit)
        allowed = self._clients.hit(item, client)
        remaining, reset = _state(self._clients, item, client)
        _announce(request, CLIENT, limit, remaining, reset)
        if not allowed:
            raise _exceeded(reset)

    def count_unidentified(self, request: Request) -> None:
        """Count a request that was not authenticated for its address. Raises Problem above the limit."""
        address = _address(request)
        if address is None:
            return
        if len(self._by_address.events) > MAX_ADDRESSES:
            self._by_address = MemoryStorage()
            self._addresses = MovingWindowRateLimiter(self._by_address)
        if not self._addresses.hit(_item(self._unidentified), address):
            self._refuse_address(request, address)

    def check_address(self, request: Request) -> None:
        """Raise Problem if the address is at its limit: where the sender is known only after the body is read."""
        address = _address(request)
        if address is not None and not self._addresses.test(_item(self._unidentified), address):
            self._refuse_address(request, address)

    def _refuse_address(self, request: Request, address: str) -> None:
        remaining, reset = _state(self._addresses, _item(self._unidentified), address)
        request.scope["state"]["leave_unread"](reset)
        _announce(request, ADDRESS, self._unidentified, remaining, reset)
        raise _exceeded(reset)


def of(request: Request) -> RateLimits:
    """The counters of the process that serves ``request``."""
    counters = request.scope["state"]["rate_limits"]
    assert isinstance(counters, RateLimits)  # noqa: S101 - the lifespan put it there
    return counters


def _item(limit: RateLimit) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(limit.burst, limit.window)


def _state(limiter: MovingWindowRateLimiter, item: RateLimitItemPerSecond, key: str) -> tuple[int, int]:
    """Requests that are left, and seconds until there is one more."""
    stats = limiter.get_window_stats(item, key)
    # The library reads the wall clock: one that was set back must not send a client away for longer than a window.
    seconds = min(max(math.ceil(stats.reset_time - time.time()), 1), item.get_expiry())
    return max(stats.remaining, 0), seconds


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
