"""Where a consignment stands after something was said of it: folded anew, written down, told, looked at."""

from hub.consignments import attention, store
from hub.consignments.model import Consignment, ConsignmentStatus, Service
from hub.consignments.tracking import fold
from hub.errors import NotFound
from hub.events import ConsignmentDelivered, Event
from hub.unit_of_work import UnitOfWork
from schemas.item_code import ItemCode


def locked(uow: UnitOfWork, consignment_id: str) -> Consignment:
    """The consignment, ours until the work is done. Raises NotFound."""
    try:
        return store.lock(uow.conn, consignment_id)
    except LookupError:
        raise NotFound(f"no consignment has the id {consignment_id}") from None


def refold(uow: UnitOfWork, before: Consignment) -> list[Event]:
    """Fold all that is known of a locked consignment, and say what is new."""
    row = locked(uow, before.id)
    found = fold(ConsignmentStatus(row.order_status), row.order_status_at, store.happenings(uow.conn, row.id))
    promised_on = None
    if found.posted_on is not None:
        promised_on = uow.calendar.after(found.posted_on, _days(uow, row))
    store.place(uow.conn, row.id, found, promised_on)
    attention.look(uow.conn, uow.catalogue, uow.calendar, locked(uow, row.id), uow.now)
    if found.status is before.stands:
        return []
    uow.note(row.id, "moved", before=before.status, after=found.status)
    if found.status is not ConsignmentStatus.DELIVERED:
        return []
    return [
        ConsignmentDelivered(dossier, row.id, row.handoff_id, found.at, 0 if number else row.cash)
        for number, dossier in enumerate(store.dossiers(uow.conn, row.id))
    ]


def coded(uow: UnitOfWork, row: Consignment, item_code: str) -> None:
    """The operator says which code the item has. A wrong check digit is a warning: theirs may have one."""
    code = ItemCode.received(item_code)
    if code.normalised == row.item_code and row.item_code_ok is not None:
        return
    if row.item_code not in (None, code.normalised):
        uow.note(row.id, "item code changed", before=row.item_code, after=code.normalised)
    store.coded(uow.conn, row.id, code.normalised, is_valid=code.is_valid)


def _days(uow: UnitOfWork, row: Consignment) -> int:
    """n of J+n; longer where the postman also brings the appointment slip back."""
    route = uow.catalogue.operators[row.operator].routes[row.route_class]
    return route.days_with_slip if row.service == Service.BOTH else route.days
