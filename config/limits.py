"""Limits at the API (limits.toml): how fast a client may call, how many requests are in progress, how much waits."""

from typing import Self

from pydantic import Field, model_validator

from config.data import Data


class RateLimit(Data):
    """At most ``burst`` requests in any ``burst / requests_per_second`` seconds, counted in each API process."""

    requests_per_second: int = Field(ge=1, le=10_000)
    """on average"""
    burst: int = Field(ge=1, le=10_000)
    """at once, after a pause; a multiple of requests_per_second"""

    @model_validator(mode="after")
    def _window_is_whole(self) -> Self:
        if self.burst % self.requests_per_second:
            raise ValueError("burst is no multiple of requests_per_second")
        return self

    @property
    def window(self) -> int:
        """Seconds in which ``burst`` requests may come."""
        return self.burst // self.requests_per_second


PORTAL: RateLimit = RateLimit(requests_per_second=200, burst=1_000)
"""twice the load that the hub is built for (100 submissions/s); after an outage, what was held back comes at once"""
PARTNER: RateLimit = RateLimit(requests_per_second=100, burst=500)
"""of a department, a postal operator or a bank"""


class InProgress(Data):
    """Requests that one API process works on at a time, by kind of client; those beyond are refused at once.

    At 700 requests/s, which one process answers, 64 in progress make the last of them wait 0.1 s.
    """

    portal: int = Field(64, ge=1, le=1_000)
    long_polls: int = Field(256, ge=1, le=1_000)
    """``?wait=``: they cost little while they wait"""
    departments: int = Field(32, ge=1, le=1_000)
    postal: int = Field(16, ge=1, le=1_000)
    banks: int = Field(32, ge=1, le=1_000)


class BacklogLimits(Data):
    """Messages of the inbox that are due and that no worker has taken, above which further ones are refused.

    Two cores handle some 50 dossiers/s: 10,000 wait 200 s for their turn. A province at its peak needs three hours and
    more to fill that while no worker lives.
    """

    submissions: int = Field(10_000, ge=1, le=1_000_000)
    """above which a new submission is refused: it has waited for nobody yet, and the portal keeps it"""
    messages: int = Field(20_000, ge=1, le=1_000_000)
    """above which all others are: reports about dossiers that were accepted end work, and are refused last"""
    seconds: float = Field(3_600.0, gt=0)
    """that the oldest may have waited before new submissions are refused: whoever hears 202 relies on its being done"""

    @model_validator(mode="after")
    def _new_work_is_refused_first(self) -> Self:
        if self.submissions > self.messages:
            raise ValueError("submissions is above messages")
        return self


class ApiLimits(Data):
    """limits.toml; each key has a default, and the file may be absent."""

    unidentified: RateLimit = RateLimit(requests_per_second=10, burst=100)
    """of one address whose requests are not authenticated; behind a proxy it is the proxy that counts addresses"""
    in_progress: InProgress = InProgress()
    backlog: BacklogLimits = BacklogLimits()
