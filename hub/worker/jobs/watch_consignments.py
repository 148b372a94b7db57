"""Job of the post: raise concerns about consignments that are late or silent."""

from hub import clock
from hub.app import Hub
from hub.consignments import attention


def watch(hub: Hub) -> None:
    """Check every consignment that is under way, a page in a transaction."""
    after: str | None = ""
    while after is not None:
        with hub.db.transaction() as conn:
            after = attention.watch(conn, hub.catalogue, hub.calendar, clock.now(), after=after)
