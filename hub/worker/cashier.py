"""The tick of the fees: a demand whose time is over expires."""

from typing import Final

from hub import clock, dispatch
from hub.events import Event
from hub.fees import demands, store
from hub.house import House
from hub.work import Work

PAGE: Final = 200
"""demands looked up at a time; each expires in a transaction of its own"""


def close(house: House) -> None:
    """Expire what nobody has paid in time."""
    after = ""
    while True:
        with house.db.connection() as conn:
            page = store.expiring(conn, clock.now(), after=after, limit=PAGE)
        for demand_id in page:
            _expire(house, demand_id)
        if len(page) < PAGE:
            return
        after = page[-1]


def _expire(house: House, demand_id: str) -> None:
    def verb(work: Work) -> tuple[None, list[Event]]:
        return None, demands.expire(work, demand_id)

    dispatch.act(house, "hub", verb)
