"""A dossier that ends without a decision is not paid for: its demand ends with it."""

from typing import Final

from hub.db import one
from hub.events import Event, StatusMoved
from hub.fees import demands, store
from hub.fees.model import COLLECTING, Status
from hub.work import Work

ENDED: Final = frozenset({"withdrawn", "not_accepted", "stopped"})
"""dossier statuses after which no fee is due any more"""


def follow(work: Work, event: StatusMoved) -> list[Event]:
    """What is still collected, or has expired, is cancelled. What was paid stays until a person gives it back."""
    status = one(work.conn, "SELECT status FROM dossier WHERE id = %s", (event.dossier_id,))["status"]
    if status not in ENDED:
        return []
    ended: list[Event] = []
    for demand in store.of_dossier(work.conn, event.dossier_id):
        if demand.status in COLLECTING or demand.status == Status.EXPIRED:
            ended += demands.cancel(work, demand.id, f"the dossier is {status}")
    return ended
