"""Long poll of one submission: its version now, or as soon as it changes (ETag: RFC 9110 §8.8.3)."""

import asyncio
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from hub.app import Hub
from hub.dossiers import portal_view
from hub.dossiers.portal_view import SubmissionView
from hub.http import ingest, problem_types
from hub.http.problems import Problem
from schemas.identifiers import Prefix, is_id

MAX_WAIT: Final = 30
"""seconds"""
POLL_SECONDS: Final = 0.5
"""seconds between two queries while a caller waits"""


async def look(request: Request, submission_id: str) -> SubmissionView:
    """Return the submission. Raises Problem if there is none with this id."""
    view = None
    if is_id(submission_id, Prefix.SUBMISSION):
        view = await run_in_threadpool(_read, ingest.hub(request), submission_id)
    if view is None:
        raise Problem(problem_types.NOT_FOUND)
    return view


async def wait_for_change(request: Request, view: SubmissionView, seconds: int) -> SubmissionView:
    """Return the submission when its version changes, after ``seconds``, or when the server stops."""
    loop = asyncio.get_running_loop()
    end, latest = loop.time() + seconds, view
    while latest.version == view.version and loop.time() < end:
        stopping = await _pause(request, min(POLL_SECONDS, end - loop.time()))
        if stopping or await request.is_disconnected():
            break
        latest = await look(request, view.id)
    return latest


def etag(view: SubmissionView) -> str:
    return f'"{view.version}"'


def is_known(view: SubmissionView, if_none_match: str) -> bool:
    """Return whether If-None-Match names this version."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag(view) in tags


async def _pause(request: Request, seconds: float) -> bool:
    """Wait; return True if the server is stopping, which must not wait for callers."""
    stopping: asyncio.Event = request.scope["state"]["stopping"]
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _read(hub: Hub, submission_id: str) -> SubmissionView | None:
    with ingest.connection(hub) as conn:
        return portal_view.submission(conn, id=submission_id)
