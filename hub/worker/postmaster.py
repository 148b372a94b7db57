"""The tick of the post: whatever has gone silent or late becomes work for a person, before somebody calls."""

from hub import clock
from hub.consignments import attention
from hub.house import House


def watch(house: House) -> None:
    """Look at every consignment that is under way, a page in a transaction."""
    after: str | None = ""
    while after is not None:
        with house.db.transaction() as conn:
            after = attention.watch(conn, house.catalogue, house.calendar, clock.now(), after=after)
