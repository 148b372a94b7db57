"""Early refusal: how many requests of each kind of client are in progress in this process (docs/decisions/0028).

A request beyond the bound is answered 503 before its head is interpreted, so that what is in progress has memory,
threads and database connections, and a flood of one kind of client leaves the others theirs.
"""

from collections import Counter
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from config.limits import InProgress
from hub.consignments import capability
from hub.http import problems
from hub.http.problem_types import OVERLOADED

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
            await problems.response(OVERLOADED, scope["state"]["request_context"])(scope, receive, send)
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
