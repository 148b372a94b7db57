"""A handoff's statuses and their lifecycle."""

from enum import StrEnum
from typing import Final

from hub.lifecycle import Lifecycle


class Status(StrEnum):
    """Where a handoff stands."""

    PREPARED = "prepared"
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


LIFECYCLE: Final = Lifecycle(
    {
        Status.PREPARED: frozenset({Status.ACKNOWLEDGED, Status.REFUSED}),
        Status.ACKNOWLEDGED: frozenset(),
        Status.REFUSED: frozenset(),
    }
)
