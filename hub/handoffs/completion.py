"""When a handoff is complete. What it takes may come in any order: receipt, signed minute, delivery of the papers."""

from hub.events import ConsignmentDelivered, Event, HandoffCompleted
from hub.handoffs import store
from hub.handoffs.model import LIFECYCLE, HandoffRow, HandoffStatus
from hub.unit_of_work import UnitOfWork


def settle(uow: UnitOfWork, row: HandoffRow, *, at_least: HandoffStatus) -> list[Event]:
    """Move ``row`` on: complete if nothing is missing, else ``at_least``, unless it stands there already or beyond."""
    to = HandoffStatus.COMPLETE if row.is_complete else at_least
    if row.stands in (to, HandoffStatus.COMPLETE, HandoffStatus.REFUSED):
        return []
    LIFECYCLE.check(row.stands, to)
    store.change(uow.conn, row.id, status=to, completed_at=uow.now if to is HandoffStatus.COMPLETE else None)
    if to is not HandoffStatus.COMPLETE:
        return []
    uow.note(row.id, "completed", before=row.status, after=to)
    return [HandoffCompleted(row.dossier_id, row.id)]


def delivered(uow: UnitOfWork, event: ConsignmentDelivered) -> list[Event]:
    """The operator has delivered the papers of a handoff. That alone completes nothing: the minute has to be there."""
    if event.handoff_id is None:
        return []
    row = store.lock(uow.conn, event.handoff_id)
    if row.delivered_at is not None:
        return []
    row = store.change(uow.conn, row.id, delivered_at=event.at)
    uow.note(row.id, "papers delivered", reason=event.consignment_id)
    return settle(uow, row, at_least=row.stands)
