"""What every door does once it knows who speaks and what is said: store it, nudge, and only then answer."""

import re
from typing import Final

from starlette.requests import Request

from hub import crashpoints
from hub.crashpoints import Point
from hub.house import House
from hub.http import kinds
from hub.http.problems import Problem
from hub.messages import inbox
from hub.messages.model import Accepted, Arrival, Nudge

_KEY: Final = re.compile(r"[\x21-\x7e]{1,255}")


def house(request: Request) -> House:
    """The house that this door belongs to."""
    found: House = request.app.state.house
    return found


def url(house_: House, path: str) -> str:
    """How a partner reaches ``path``."""
    return str(house_.settings.public_url).rstrip("/") + path


def idempotency_key(request: Request) -> str | None:
    """The caller's key, None if it gave none. Raises Problem for one that could not be compared safely."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise Problem(kinds.KEY_MISSING)
    return key


def store(house_: House, arrival: Arrival) -> Accepted:
    """Durably, once; whatever crashes afterwards, it will be handled. Raises what inbox.accept raises."""
    with house_.db.connection() as conn:
        accepted = inbox.accept(conn, arrival)
    crashpoints.reached(Point.ACCEPT_AFTER_COMMIT)
    if not accepted.replayed:
        house_.nudge([Nudge(inbox.QUEUE, accepted.id)])
    return accepted


def replay_header(accepted: Accepted) -> dict[str, str]:
    """Says that this is the first answer once more."""
    return {"idempotency-replayed": "true"} if accepted.replayed else {}
