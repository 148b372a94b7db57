"""Where a consignment stands after something was said of it: folded anew, written down, told, looked at."""

from hub.consignments import attention, store
from hub.consignments.model import Consignment, Service, Status
from hub.consignments.tracking import fold
from hub.errors import NotFound
from hub.events import ConsignmentDelivered, Event
from hub.work import Work
from schemas.item_code import ItemCode


def locked(work: Work, consignment_id: str) -> Consignment:
    """The consignment, ours until the work is done. Raises NotFound."""
    try:
        return store.lock(work.conn, consignment_id)
    except LookupError:
        raise NotFound(f"no consignment has the id {consignment_id}") from None


def refold(work: Work, before: Consignment) -> list[Event]:
    """Fold all that is known of a locked consignment, and say what is new."""
    row = locked(work, before.id)
    found = fold(Status(row.ordering), row.ordering_at, store.happenings(work.conn, row.id))
    promised_on = None
    if found.posted_on is not None:
        promised_on = work.calendar.after(found.posted_on, _days(work, row))
    store.place(work.conn, row.id, found, promised_on)
    attention.look(work.conn, work.catalogue, work.calendar, locked(work, row.id), work.now)
    if found.status is before.stands:
        return []
    work.note(row.id, "moved", before=before.status, after=found.status)
    if found.status is not Status.DELIVERED:
        return []
    return [
        ConsignmentDelivered(dossier, row.id, row.handoff_id, found.at, 0 if number else row.cash)
        for number, dossier in enumerate(store.dossiers(work.conn, row.id))
    ]


def coded(work: Work, row: Consignment, item_code: str) -> None:
    """The operator says which code the item has. A wrong check digit is a warning: theirs may have one."""
    code = ItemCode.received(item_code)
    if code.normalised == row.item_code and row.item_code_ok is not None:
        return
    if row.item_code not in (None, code.normalised):
        work.note(row.id, "item code changed", before=row.item_code, after=code.normalised)
    store.coded(work.conn, row.id, code.normalised, is_valid=code.is_valid)


def _days(work: Work, row: Consignment) -> int:
    """n of J+n; longer where the postman also brings the appointment slip back."""
    route = work.catalogue.operators[row.operator].routes[row.route_class]
    return route.days_with_slip if row.service == Service.BOTH else route.days
