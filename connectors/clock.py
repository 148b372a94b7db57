"""The connectors' clock. A module of its own because connectors may not import hub.clock."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, aware, UTC."""
    return datetime.now(UTC)  # noqa: TID251 - hub.clock is above the connectors
