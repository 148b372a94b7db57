"""Where a fault stands, as far as a log may say it: a key that the sender made up may be a name."""

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from pydantic import BaseModel

from schemas.department import StatusReport
from schemas.portal import Submission
from schemas.postal import TrackingEvent

_READ: Final[tuple[type[BaseModel], ...]] = (Submission, StatusReport, TrackingEvent)
_PARAMETERS: Final = ("query", "path", "cursor", "after", "limit", "wait", "updated_since", "ReportStatus")
UNKNOWN: Final = "…"


def loggable(pointer: str) -> str:
    """``pointer`` with every step blotted out that is neither an index nor a word of our own messages."""
    steps = pointer.split("/")[1:]
    return "".join("/" + (step if step.isdecimal() or step in _words() else UNKNOWN) for step in steps) or "/"


@cache
def _words() -> frozenset[str]:
    ours = (word for model in _READ for word in _properties(model.model_json_schema()))
    return frozenset(ours) | frozenset(_PARAMETERS)


def _properties(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        properties = schema.get("properties")
        yield from properties if isinstance(properties, dict) else ()
        for part in schema.values():
            yield from _properties(part)
    elif isinstance(schema, list):
        for part in schema:
            yield from _properties(part)
