"""Job of the post: make a task for a person of every consignment that is late or of which nothing is heard."""

from hub import clock
from hub.app import Hub
from hub.consignments import attention


def watch(hub: Hub) -> None:
    """Check every consignment that is under way, a page in a transaction."""
    after: str | None = ""
    while after is not None:
        with hub.db.transaction() as conn:
            after = attention.watch(conn, hub.catalogue, hub.calendar, clock.now(), after=after)
