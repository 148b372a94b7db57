"""Error responses: every refusal and failure is application/problem+json (RFC 9457), FastAPI's own included.

Also the caller's language (RFC 9110 §12.5.4), and what of a JSON pointer may be logged.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import psycopg
import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match

from hub.errors import InFlight, KeyReused, ReferenceReused
from hub.http import problem_types, request_context
from hub.http.problem_types import ProblemType
from hub.http.request_context import RequestContext
from hub.locale import Language, translated
from schemas.department import StatusReport
from schemas.portal import Submission
from schemas.postal import TrackingEvent
from schemas.strict import Fault, Refused, pointer_of

_LANGUAGE_RANGE: Final = re.compile(r"(?P<tag>[a-z*]{1,8})(?:-[a-z0-9-]{1,40})?(?:\s*;\s*q=(?P<q>[01](?:\.\d{0,3})?))?")
DEFAULT_LANGUAGE: Final[Language] = "vi"


def preferred_language(accept_language: str) -> Language:
    """Vietnamese, unless Accept-Language weighs English higher. Ranges that cannot be read are ignored."""
    weights = {"vi": 0.0, "en": 0.0}
    for part in accept_language.lower().split(",", 20)[:20]:
        match = _LANGUAGE_RANGE.fullmatch(part.strip())
        if match and match["tag"] in weights:
            weight = float(match["q"] or "1")
            weights[match["tag"]] = max(weight, weights[match["tag"]])
    return "en" if weights["en"] > weights["vi"] else DEFAULT_LANGUAGE


_MESSAGE_MODELS: Final[tuple[type[BaseModel], ...]] = (Submission, StatusReport, TrackingEvent)
_PARAMETER_NAMES: Final = ("query", "path", "cursor", "after", "limit", "wait", "updated_since", "ReportStatus")
HIDDEN_STEP: Final = "…"


def loggable_pointer(pointer: str) -> str:
    """Return ``pointer`` with every step hidden that is neither an index nor a field name of our messages.

    A key that the sender made up may be a person's name.
    """
    steps = pointer.split("/")[1:]
    return "".join("/" + (step if step.isdecimal() or step in _known_steps() else HIDDEN_STEP) for step in steps) or "/"


@cache
def _known_steps() -> frozenset[str]:
    ours = (word for model in _MESSAGE_MODELS for word in _properties(model.model_json_schema()))
    return frozenset(ours) | frozenset(_PARAMETER_NAMES)


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for part in schema.values():
            yield from _properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _properties(part)


MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER: Final = {
    problem_types.IN_FLIGHT.code: 1,
    problem_types.RATE_LIMIT_EXCEEDED.code: 1,
    problem_types.UNAVAILABLE.code: 5,
    problem_types.OVERLOADED.code: 1,
    problem_types.BACKLOG_FULL.code: 10,
}
"""seconds, where the problem itself does not say how many"""
_UNREADABLE: Final = frozenset({"not_json", "not_utf8"})

log: Final = structlog.stdlib.get_logger()


class ProblemDetail(BaseModel):
    """One fault of the request: its place (JSON pointer, RFC 6901), the rule it breaks, and how."""

    pointer: str
    code: str
    detail: str


class ProblemDocument(BaseModel):
    """Body of an error response (RFC 9457). ``type`` and ``code`` are the contract; the texts may change."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    request_id: str
    errors: list[ProblemDetail] = []


class Problem(Exception):
    """The request is refused. ``reason`` is logged, and holds no personal data; ``faults`` go to the caller.

    ``retry_after``: seconds after which the same request may pass; None: it will not.
    """

    def __init__(
        self, kind: ProblemType, *, reason: str = "", faults: list[Fault] | None = None, retry_after: int | None = None
    ) -> None:
        self.kind = kind
        self.reason = reason
        self.faults = faults or []
        self.retry_after = RETRY_AFTER.get(kind.code) if retry_after is None else retry_after
        super().__init__(kind.code)


def response(
    kind: ProblemType,
    context: RequestContext,
    *,
    faults: list[Fault] | None = None,
    headers: Mapping[str, str] | None = None,
    retry_after: int | None = None,
) -> Response:
    """Build the response in the caller's language."""
    language = preferred_language(context.accept_language)
    document: dict[str, Any] = {
        "type": kind.uri,
        "title": translated(kind.title, language),
        "status": kind.status,
        "detail": translated(kind.advice, language),
        "code": kind.code,
        "request_id": context.request_id,
        "errors": [{"pointer": fault.pointer, "code": fault.code, "detail": fault.detail} for fault in faults or []],
    }
    extra = {"content-language": language, "vary": "accept-language", **(headers or {})}
    seconds = RETRY_AFTER.get(kind.code) if retry_after is None else retry_after
    if seconds is not None:
        extra["retry-after"] = str(seconds)
    return Response(
        json.dumps(document, ensure_ascii=False).encode(), kind.status, headers=extra, media_type=MEDIA_TYPE
    )


def _refused(error: Refused) -> Problem:
    unreadable = bool(error.faults) and error.faults[0].code in _UNREADABLE
    return Problem(problem_types.NOT_JSON if unreadable else problem_types.CONTENT, faults=error.faults)


def _parameters(error: RequestValidationError) -> Problem:
    """The faults that pydantic found, without the values."""
    faults = [
        Fault(pointer_of(tuple(finding["loc"])), str(finding["type"]), str(finding["msg"]))
        for finding in error.errors()
    ]
    return Problem(problem_types.PARAMETER, faults=faults)


def _unavailable(error: Exception) -> Problem:
    return Problem(problem_types.UNAVAILABLE, reason=type(error).__name__)


_PROBLEMS: Final[Mapping[type[Exception], Callable[[Any], Problem]]] = {
    Problem: lambda error: error,
    Refused: _refused,
    RequestValidationError: _parameters,
    KeyReused: lambda _: Problem(problem_types.KEY_REUSED),
    ReferenceReused: lambda _: Problem(problem_types.REFERENCE_REUSED),
    InFlight: lambda _: Problem(problem_types.IN_FLIGHT),
    psycopg.OperationalError: _unavailable,
    psycopg.InterfaceError: _unavailable,
}
EXPECTED: Final = tuple(_PROBLEMS)
"""Exceptions with a response of their own: refusals of the domain, a database that is away, FastAPI's validation."""


def problem_of(error: Exception) -> Problem:
    """Return the problem for ``error``, which is one of EXPECTED."""
    return next(tell(error) for kind, tell in _PROBLEMS.items() if isinstance(error, kind))


def install(app: FastAPI) -> None:
    """Let ``app`` answer each expected exception, and what FastAPI refuses itself, with a problem."""
    for error in EXPECTED:
        app.add_exception_handler(error, _problem_response)
    app.add_exception_handler(HTTPException, _http_error)


async def _problem_response(request: Request, error: Exception) -> Response:
    problem = problem_of(error)
    log_refusal(problem)
    context = request_context.of(request)
    return response(problem.kind, context, faults=problem.faults, retry_after=problem.retry_after)


def log_refusal(problem: Problem) -> None:
    """Log why it is refused: rule and place of each fault, never a value."""
    faults = [f"{loggable_pointer(fault.pointer)} {fault.code}" for fault in problem.faults]
    log.warning("refused", problem=problem.kind.code, reason=problem.reason or None, faults=faults or None)


async def _http_error(request: Request, error: Exception) -> Response:
    """Answer what FastAPI and starlette refuse: unknown route or method, a body that broke off."""
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    kind = problem_types.BY_STATUS.get(error.status_code, problem_types.MALFORMED)
    if kind is not problem_types.METHOD_NOT_ALLOWED:
        return response(kind, request_context.of(request))
    allow = {"allow": ", ".join(_methods(request))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    return response(kind, request_context.of(request), headers=allow)


def _methods(request: Request) -> list[str]:
    """All methods of the path; starlette names those of one route only."""
    methods: set[str] = {"OPTIONS"}
    for route in request.app.router.routes:
        if route.matches(request.scope)[0] is not Match.NONE:
            methods |= getattr(route, "methods", None) or set()
    return sorted(methods)
