"""Where one submission stands, now or as soon as there is news (ETag: RFC 9110 §8.8.3)."""

import asyncio
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from hub.app import Hub
from hub.dossiers import views
from hub.dossiers.views import SubmissionView
from hub.http import ingest, problem_types
from hub.http.problems import Problem
from schemas.identifiers import Prefix, is_id

LONGEST_WAIT: Final = 30
"""seconds"""
LOOK_EVERY: Final = 0.5
"""seconds between looks while a caller waits for news"""


async def look(request: Request, submission_id: str) -> SubmissionView:
    """The submission as it stands. Raises Problem if there is none with this id."""
    view = None
    if is_id(submission_id, Prefix.SUBMISSION):
        view = await run_in_threadpool(_read, ingest.hub(request), submission_id)
    if view is None:
        raise Problem(problem_types.NOT_FOUND)
    return view


async def wait_for_news(request: Request, view: SubmissionView, seconds: int) -> SubmissionView:
    """The submission as soon as its version is another, else as it is after ``seconds`` or when the server stops."""
    loop = asyncio.get_running_loop()
    end, latest = loop.time() + seconds, view
    while latest.version == view.version and loop.time() < end:
        stopping = await _pause(request, min(LOOK_EVERY, end - loop.time()))
        if stopping or await request.is_disconnected():
            break
        latest = await look(request, view.id)
    return latest


def etag(view: SubmissionView) -> str:
    return f'"{view.version}"'


def is_known(view: SubmissionView, if_none_match: str) -> bool:
    """Whether the caller has this version already, by its If-None-Match."""
    tags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return "*" in tags or etag(view) in tags


async def _pause(request: Request, seconds: float) -> bool:
    """Wait; True if the server is stopping, so that nobody keeps it waiting."""
    stopping: asyncio.Event = request.scope["state"]["stopping"]
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return False
    return True


def _read(hub: Hub, submission_id: str) -> SubmissionView | None:
    with hub.db.connection() as conn:
        return views.submission(conn, id=submission_id)
