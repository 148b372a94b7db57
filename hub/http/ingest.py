"""What every door does once it knows who speaks and what is said: store it, wake-up, and only then answer."""

import re
from typing import Final

from starlette.requests import Request

from hub import crashpoints
from hub.context import HubContext
from hub.crashpoints import Point
from hub.http import problem_types
from hub.http.problems import Problem
from hub.messages import inbox
from hub.messages.model import Arrival, InboxReceipt, Wakeup

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


def hub(request: Request) -> HubContext:
    """The hub that this door belongs to."""
    found: HubContext = request.app.state.hub
    return found


def url(hub: HubContext, path: str) -> str:
    """How a partner reaches ``path``."""
    return str(hub.settings.public_url).rstrip("/") + path


def idempotency_key(request: Request) -> str | None:
    """The caller's key, None if it gave none. Raises Problem for one that could not be compared safely."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(problem_types.KEY_MISSING)
    return key


def store(hub: HubContext, arrival: Arrival) -> InboxReceipt:
    """Durably, once; whatever crashes afterwards, it will be handled. Raises what inbox.accept raises."""
    with hub.db.connection() as conn:
        accepted = inbox.accept(conn, arrival)
    crashpoints.reached(Point.ACCEPT_AFTER_COMMIT)
    if not accepted.replayed:
        hub.wake([Wakeup(inbox.QUEUE, accepted.id)])
    return accepted


def replay_header(accepted: InboxReceipt) -> dict[str, str]:
    """Says that this is the first answer once more."""
    return {"idempotency-replayed": "true"} if accepted.replayed else {}
