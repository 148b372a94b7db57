"""What people do at the desk: order, cancel, complain, write down a loss; each in their name, with a journal line."""

from hub.clock import local
from hub.consignments import arranging, attention, complaints, pool, service, standing, store
from hub.consignments.arranging import Wish
from hub.consignments.words import IncidentKind, Liable, Outcome, Subject
from hub.errors import NotFound, NotNow
from hub.events import Event
from hub.work import Work
from schemas.item_code import ItemCode

NOTHING_FOLLOWS: list[Event] = []


def order(work: Work, wish: Wish) -> tuple[str, list[Event]]:
    """Have something carried; the consignment's id. Raises NotFound, or NotNow saying what is missing."""
    return arranging.arrange(work, wish), NOTHING_FOLLOWS


def cancel(work: Work, consignment: str, reason: str) -> tuple[None, list[Event]]:
    """Take an order back. Raises NotFound, or NotNow once it has been collected."""
    service.cancel(work, consignment, reason)
    return None, NOTHING_FOLLOWS


def complain(work: Work, consignment: str, subject: Subject, detail: str) -> tuple[str, list[Event]]:
    """File a complaint; its id. Raises NotFound, or NotNow where it comes too late."""
    row = standing.locked(work, consignment)
    operator = work.catalogue.operators[row.operator]
    today = local(work.now).date()
    complaint = complaints.file(
        work.conn, work.calendar, operator, row, subject=subject, detail=detail, today=today, actor=work.actor
    )
    return complaint, NOTHING_FOLLOWS


def resolve(work: Work, complaint: str, outcome: Outcome, answer: str) -> tuple[None, list[Event]]:
    """Settle a complaint. Raises NotFound, NotNow."""
    today = local(work.now).date()
    consignment = complaints.resolve(
        work.conn, complaint, outcome=outcome, answer=answer, today=today, actor=work.actor
    )
    _look(work, consignment)
    return None, NOTHING_FOLLOWS


def record(
    work: Work, consignment: str, kind: IncidentKind, liable: Liable, compensation: int, note: str
) -> tuple[str, list[Event]]:
    """Write down a loss or a damage; its id. Raises NotFound."""
    row = standing.locked(work, consignment)
    today = local(work.now).date()
    incident = complaints.incident(
        work.conn, row, kind=kind, liable=liable, compensation=compensation, note=note, today=today, actor=work.actor
    )
    _look(work, consignment)
    return incident, NOTHING_FOLLOWS


def dismiss(work: Work, attention_id: int, reason: str) -> tuple[None, list[Event]]:
    """What waited for a person has been seen to. Raises NotFound."""
    if not attention.dismiss(work.conn, attention_id, work.actor, reason):
        raise NotFound(f"nothing open has the number {attention_id}")
    return None, NOTHING_FOLLOWS


def add_codes(work: Work, operator: str, codes: list[str]) -> tuple[int, list[Event]]:
    """Put pre-printed item codes into the pool; how many were new. Raises NotFound, or NotNow for a wrong code."""
    if operator not in work.catalogue.operators:
        raise NotFound(f"the catalogue has no postal operator {operator!r}")
    if not work.catalogue.operators[operator].takes_item_codes:
        raise NotNow(f"{operator} gives its own item codes: its orders have no place for ours")
    try:
        checked = [ItemCode.checked(code).normalised for code in codes]
    except ValueError as error:
        raise NotNow(str(error)) from None
    return pool.add(work.conn, operator, checked, actor=work.actor), NOTHING_FOLLOWS


def _look(work: Work, consignment: str) -> None:
    row = store.lock(work.conn, consignment)
    attention.look(work.conn, work.catalogue, work.calendar, row, work.now)
