"""What officers do: order, cancel, complain, write down a loss; each in their name, with a line in the audit log."""

from hub.clock import local
from hub.consignments import arranging, attention, complaints, pool, service, standing, store
from hub.consignments.arranging import DeliveryWish
from hub.consignments.words import IncidentKind, Liable, Outcome, Subject
from hub.errors import InvalidState, NotFound
from hub.events import Event
from hub.unit_of_work import UnitOfWork
from schemas.item_code import ItemCode

NOTHING_FOLLOWS: list[Event] = []


def order(uow: UnitOfWork, wish: DeliveryWish) -> tuple[str, list[Event]]:
    """Have something carried; the consignment's id. Raises NotFound, or InvalidState saying what is missing."""
    return arranging.arrange(uow, wish), NOTHING_FOLLOWS


def cancel(uow: UnitOfWork, consignment: str, reason: str) -> tuple[None, list[Event]]:
    """Take an order back. Raises NotFound, or InvalidState once it has been collected."""
    service.cancel(uow, consignment, reason)
    return None, NOTHING_FOLLOWS


def complain(uow: UnitOfWork, consignment: str, subject: Subject, detail: str) -> tuple[str, list[Event]]:
    """File a complaint; its id. Raises NotFound, or InvalidState where it comes too late."""
    row = standing.locked(uow, consignment)
    operator = uow.catalogue.operators[row.operator]
    today = local(uow.now).date()
    complaint = complaints.file(
        uow.conn, uow.calendar, operator, row, subject=subject, detail=detail, today=today, actor=uow.actor
    )
    return complaint, NOTHING_FOLLOWS


def resolve(uow: UnitOfWork, complaint: str, outcome: Outcome, answer: str) -> tuple[None, list[Event]]:
    """Settle a complaint. Raises NotFound, InvalidState."""
    today = local(uow.now).date()
    consignment = complaints.resolve(uow.conn, complaint, outcome=outcome, answer=answer, today=today, actor=uow.actor)
    _look(uow, consignment)
    return None, NOTHING_FOLLOWS


def record(
    uow: UnitOfWork, consignment: str, kind: IncidentKind, liable: Liable, compensation: int, note: str
) -> tuple[str, list[Event]]:
    """Write down a loss or a damage; its id. Raises NotFound."""
    row = standing.locked(uow, consignment)
    today = local(uow.now).date()
    incident = complaints.incident(
        uow.conn, row, kind=kind, liable=liable, compensation=compensation, note=note, today=today, actor=uow.actor
    )
    _look(uow, consignment)
    return incident, NOTHING_FOLLOWS


def dismiss(uow: UnitOfWork, attention_id: int, reason: str) -> tuple[None, list[Event]]:
    """What waited for a person has been seen to. Raises NotFound."""
    if not attention.dismiss(uow.conn, attention_id, uow.actor, reason):
        raise NotFound(f"nothing open has the number {attention_id}")
    return None, NOTHING_FOLLOWS


def add_codes(uow: UnitOfWork, operator: str, codes: list[str]) -> tuple[int, list[Event]]:
    """Put pre-printed item codes into the pool; how many were new.

    Raises NotFound, or InvalidState for a wrong code.
    """
    if operator not in uow.catalogue.operators:
        raise NotFound(f"the catalogue has no postal operator {operator!r}")
    if not uow.catalogue.operators[operator].takes_item_codes:
        raise InvalidState(f"{operator} gives its own item codes: its orders have no place for ours")
    try:
        checked = [ItemCode.checked(code).normalised for code in codes]
    except ValueError as error:
        raise InvalidState(str(error)) from None
    return pool.add(uow.conn, operator, checked, actor=uow.actor), NOTHING_FOLLOWS


def _look(uow: UnitOfWork, consignment: str) -> None:
    row = store.lock(uow.conn, consignment)
    attention.look(uow.conn, uow.catalogue, uow.calendar, row, uow.now)
