"""When a handoff is complete. What it takes may come in any order: receipt, signed minute, delivery of the papers."""

from hub.events import ConsignmentDelivered, Event, HandoffCompleted
from hub.handoffs import store
from hub.handoffs.model import LIFECYCLE, Handoff, Status
from hub.work import Work


def settle(work: Work, row: Handoff, *, at_least: Status) -> list[Event]:
    """Move ``row`` on: complete if nothing is missing, else ``at_least``, unless it stands there already or beyond."""
    to = Status.COMPLETE if row.is_complete else at_least
    if row.stands in (to, Status.COMPLETE, Status.REFUSED):
        return []
    LIFECYCLE.check(row.stands, to)
    store.change(work.conn, row.id, status=to, completed_at=work.now if to is Status.COMPLETE else None)
    if to is not Status.COMPLETE:
        return []
    work.note(row.id, "completed", before=row.status, after=to)
    return [HandoffCompleted(row.dossier_id, row.id)]


def delivered(work: Work, event: ConsignmentDelivered) -> list[Event]:
    """The operator has delivered the papers of a handoff. That alone completes nothing: the minute has to be there."""
    if event.handoff_id is None:
        return []
    row = store.lock(work.conn, event.handoff_id)
    if row.delivered_at is not None:
        return []
    row = store.change(work.conn, row.id, delivered_at=event.at)
    work.note(row.id, "papers delivered", reason=event.consignment_id)
    return settle(work, row, at_least=row.stands)
