"""Read a request under limits, store its message durably, and then answer it: what every endpoint shares."""

import asyncio
import re
from collections import Counter
from collections.abc import Collection
from contextlib import AbstractContextManager
from typing import Final

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from hub import crashpoints
from hub.app import Hub
from hub.crashpoints import Point
from hub.db import Connection
from hub.http import problem_types
from hub.http.problems import Problem
from hub.messages import inbox
from hub.messages.model import Arrival, InboxReceipt, Wakeup
from schemas.strict import MAX_FAULTS, Fault, pointer_of

BODY_LIMIT: Final = 1_048_576
"""bytes of a body; larger things travel by reference and SHA-256"""
BODY_SECONDS: Final = 30.0
"""seconds within which the whole body has to arrive"""
CONNECTION_WAIT: Final = 2.0
"""seconds that a request waits for a database connection: callers give up after some more"""

JSON_TYPE: Final = re.compile(r'application/json(\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)
SOAP_TYPE: Final = re.compile(r'text/xml(\s*;\s*charset="?utf-8"?)?', re.IGNORECASE)


async def read_body(request: Request, media_type: re.Pattern[str], *, limit: int = BODY_LIMIT) -> bytes:
    """Read the body. Raises Problem for another media type, any content encoding, and more than ``limit`` bytes."""
    headers = request.headers
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise Problem(problem_types.ENCODING)
    if not media_type.fullmatch(headers.get("content-type", "").strip()):
        raise Problem(problem_types.MEDIA_TYPE)
    announced = headers.get("content-length", "0")
    if not announced.isdecimal() or int(announced) > limit:
        raise Problem(problem_types.TOO_LARGE)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _read_stream(request, limit)
    except TimeoutError:
        raise Problem(problem_types.TOO_SLOW) from None


async def _read_stream(request: Request, limit: int) -> bytes:
    collected = bytearray()
    async for chunk in request.stream():
        collected += chunk
        if len(collected) > limit:
            raise Problem(problem_types.TOO_LARGE)
    return bytes(collected)


async def known_parameters(request: Request) -> None:
    """check_parameters as a FastAPI dependency, to run after the guard."""
    check_parameters(request)


def check_parameters(request: Request, names: Collection[str] | None = None) -> None:
    """Raises Problem for a parameter that the endpoint does not have, and for one that is given twice.

    ``names``: its parameters; None: those that the route declares.
    """
    # A misspelt ?referance= would otherwise be ignored, and answered with everybody's submissions.
    if not request.scope["query_string"]:
        return
    if names is None:
        names = {field.alias for field in request.scope["route"].dependant.query_params}
    counts = Counter(name for name, _ in request.query_params.multi_items())
    faults = [
        Fault(pointer_of(("query", name)), "unknown_parameter", "is no parameter of this address")
        if name not in names
        else Fault(pointer_of(("query", name)), "parameter_twice", "is given twice")
        for name, count in counts.items()
        if name not in names or count > 1
    ]
    if faults:
        raise Problem(problem_types.PARAMETER, faults=faults[:MAX_FAULTS])


_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


def hub(request: Request) -> Hub:
    """The hub of the application that serves ``request``."""
    hub: Hub = request.app.state.hub
    return hub


def url(hub: Hub, path: str) -> str:
    """The public URL of ``path``."""
    return str(hub.settings.public_url).rstrip("/") + path


def idempotency_key(request: Request) -> str | None:
    """Return the Idempotency-Key, None if there is none. Raises Problem for one that is not visible ASCII."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(problem_types.KEY_MISSING)
    return key


def connection(hub: Hub) -> AbstractContextManager[Connection]:
    """A database connection. Raises psycopg_pool.PoolTimeout, which is answered 503, if none is free in time."""
    return hub.db.connection(wait=CONNECTION_WAIT)


def store(hub: Hub, arrival: Arrival, *, new_work: bool = False) -> InboxReceipt:
    """Store the message durably, once, and send its wake-up after the commit.

    Raises what inbox.accept raises, and Problem while too much waits (``new_work``: it begins a dossier, and is refused
    first). A repetition of what is stored is answered all the same.
    """
    with connection(hub) as conn:
        if hub.backlog.is_full(conn, new_work=new_work) and not inbox.is_stored(conn, arrival):
            raise Problem(problem_types.BACKLOG_FULL, reason=str(hub.backlog.state))
        accepted = inbox.accept(conn, arrival)
    crashpoints.reached(Point.ACCEPT_AFTER_COMMIT)
    if not accepted.replayed:
        hub.backlog.add()
        hub.wake([Wakeup(inbox.QUEUE, accepted.id)])
    return accepted


def replay_header(accepted: InboxReceipt) -> dict[str, str]:
    """The header that marks a repeated answer."""
    return {"idempotency-replayed": "true"} if accepted.replayed else {}


def json_response(document: BaseModel, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Write ``document`` as a JSON response."""
    return Response(document.model_dump_json(), status, headers=headers, media_type="application/json")
