"""The sandbox's own clock: a counterparty does not share the hub's."""

from datetime import UTC, datetime


def now() -> datetime:
    """This moment, aware, UTC."""
    return datetime.now(UTC)  # noqa: TID251 - the sandbox stands outside the hub, so it cannot ask hub.clock
