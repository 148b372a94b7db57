"""Job of the fees: expire the demands that were not paid in time."""

from typing import Final

from hub import clock, dispatch
from hub.app import Hub
from hub.events import Event
from hub.fees.demands import demand_commands, demand_store
from hub.unit_of_work import UnitOfWork

PAGE: Final = 200
"""demands looked up at a time"""


def expire(hub: Hub) -> None:
    """Expire each demand that is due to, in a transaction of its own."""
    after = ""
    while True:
        with hub.db.connection() as conn:
            page = demand_store.expiring(conn, clock.now(), after=after, limit=PAGE)
        for demand_id in page:
            _expire(hub, demand_id)
        if len(page) < PAGE:
            return
        after = page[-1]


def _expire(hub: Hub, demand_id: str) -> None:
    def command(uow: UnitOfWork) -> tuple[None, list[Event]]:
        return None, demand_commands.expire(uow, demand_id)

    dispatch.run_command(hub, "hub", command)
