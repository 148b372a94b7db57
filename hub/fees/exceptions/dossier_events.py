"""Where dossier and demand part: a dossier that ends is not paid for; one that has gone out may be unpaid again."""

from typing import Any, Final

from hub.db import one
from hub.events import Event, FeeReopened, StatusMoved
from hub.fees import exceptions
from hub.fees.demands import demand_commands, demand_store
from hub.fees.demands.model import COLLECTING, Demand, DemandStatusCode
from hub.unit_of_work import UnitOfWork

ENDED: Final = frozenset({"withdrawn", "not_accepted", "stopped"})
"""dossier statuses after which no fee is due any more"""
_GOING_BACK: Final = frozenset({DemandStatusCode.REFUND_PENDING, DemandStatusCode.REFUNDED})


def follow(uow: UnitOfWork, event: StatusMoved) -> list[Event]:
    """What is still collected, or has expired, is cancelled. Whether paid money goes back, a person decides (R07)."""
    if event.status not in ENDED:
        return []
    ended: list[Event] = []
    for demand in demand_store.of_dossier(uow.conn, event.dossier_id):
        if demand.status in COLLECTING or demand.status == DemandStatusCode.EXPIRED:
            ended += demand_commands.cancel(uow, demand.id, f"the dossier is {event.status}")
        if demand.allocated and demand.status not in _GOING_BACK:
            _open_exception(uow, "R07", demand, demand.allocated, {"dossier_status": event.status})
    return ended


def unpaid_again(uow: UnitOfWork, event: FeeReopened) -> list[Event]:
    """The money of a dossier that has gone out was taken back: its department works on what is not paid for (R04)."""
    dossier = one(uow.conn, "SELECT status, released_at FROM dossier WHERE id = %s", (event.dossier_id,))
    if dossier["released_at"] is not None:
        demand = demand_store.lock(uow.conn, event.fee.demand_id)
        facts = {"dossier_status": dossier["status"], "why": "taken back after release"}
        _open_exception(uow, "R04", demand, demand.outstanding, facts)
    return []


def _open_exception(uow: UnitOfWork, code: str, demand: Demand, at_risk: int, facts: dict[str, Any]) -> None:
    details = facts | {"demand_status": demand.status, "allocated": demand.allocated}
    exceptions.open_exception(uow, code, "fee_demand", demand.id, at_risk, details)
