"""The tick of the post: whatever has gone silent or late becomes work for a person, before somebody calls."""

from hub import clock
from hub.app import Hub
from hub.consignments import attention


def watch(hub: Hub) -> None:
    """Look at every consignment that is under way, a page in a transaction."""
    after: str | None = ""
    while after is not None:
        with hub.db.transaction() as conn:
            after = attention.watch(conn, hub.catalogue, hub.calendar, clock.now(), after=after)
