"""What officers do: order, cancel, complain, write down a loss; each in their name, with a line in the audit log."""

from datetime import date

from config.postal import Operator
from hub import audit
from hub.calendar import WorkingCalendar
from hub.clock import local
from hub.consignments import attention, ordering, service, store
from hub.consignments.attention import months_after
from hub.consignments.model import Consignment, IncidentKind, Liable, Outcome, Subject
from hub.consignments.ordering import DeliveryWish
from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.events import Event
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.item_code import ItemCode

NOTHING_FOLLOWS: list[Event] = []


def order(uow: UnitOfWork, wish: DeliveryWish) -> tuple[str, list[Event]]:
    """Have something carried; the consignment's id. Raises NotFound, or InvalidState saying what is missing."""
    return ordering.arrange(uow, wish), NOTHING_FOLLOWS


def cancel(uow: UnitOfWork, consignment: str, reason: str) -> tuple[None, list[Event]]:
    """Take an order back. Raises NotFound, or InvalidState once it has been collected."""
    service.cancel(uow, consignment, reason)
    return None, NOTHING_FOLLOWS


def complain(uow: UnitOfWork, consignment: str, subject: Subject, detail: str) -> tuple[str, list[Event]]:
    """File a complaint; its id. Raises NotFound, or InvalidState where it comes too late."""
    row = service.lock_consignment(uow, consignment)
    operator = uow.catalogue.operators[row.operator]
    today = local(uow.now).date()
    complaint = file_complaint(
        uow.conn, uow.calendar, operator, row, subject=subject, detail=detail, today=today, actor=uow.actor
    )
    return complaint, NOTHING_FOLLOWS


def resolve(uow: UnitOfWork, complaint: str, outcome: Outcome, answer: str) -> tuple[None, list[Event]]:
    """Settle a complaint. Raises NotFound, InvalidState."""
    today = local(uow.now).date()
    consignment = resolve_complaint(uow.conn, complaint, outcome=outcome, answer=answer, today=today, actor=uow.actor)
    _look(uow, consignment)
    return None, NOTHING_FOLLOWS


def record(
    uow: UnitOfWork, consignment: str, kind: IncidentKind, liable: Liable, compensation: int, note: str
) -> tuple[str, list[Event]]:
    """Write down a loss or a damage; its id. Raises NotFound."""
    row = service.lock_consignment(uow, consignment)
    today = local(uow.now).date()
    incident = record_incident(
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
    return store.add_item_codes(uow.conn, operator, checked, actor=uow.actor), NOTHING_FOLLOWS


def _look(uow: UnitOfWork, consignment: str) -> None:
    row = store.lock(uow.conn, consignment)
    attention.look(uow.conn, uow.catalogue, uow.calendar, row, uow.now)


def file_complaint(
    conn: Connection,
    calendar: WorkingCalendar,
    operator: Operator,
    row: Consignment,
    *,
    subject: Subject,
    detail: str,
    today: date,
    actor: str,
) -> str:
    """A complaint about this consignment; its id. Raises InvalidState once the time for one is over."""
    levels = operator.levels
    if row.promised_on is not None and today > months_after(row.promised_on, levels.complaint_months):
        raise InvalidState(
            f"{row.id} was promised for {row.promised_on}: complaints end {levels.complaint_months} months later"
        )
    complaint = new_id(Prefix.COMPLAINT)
    is_far = operator.routes[row.route_class].inter_province
    days = levels.complaint_days_inter_province if is_far else levels.complaint_days
    due_on = calendar.after(today, days)
    conn.execute(
        "INSERT INTO complaint (id, consignment_id, subject, detail, filed_on, due_on) VALUES (%s, %s, %s, %s, %s, %s)",
        (complaint, row.id, subject, detail, today, due_on),
    )
    audit.note(conn, row.id, actor, "complaint filed", after=subject, reason=complaint)
    return complaint


def resolve_complaint(
    conn: Connection, complaint: str, *, outcome: Outcome, answer: str, today: date, actor: str
) -> str:
    """Settle a complaint; the id of its consignment. Raises NotFound, or InvalidState where it is settled already."""
    row = conn.execute(
        "SELECT consignment_id, outcome FROM complaint WHERE id = %s FOR UPDATE", (complaint,)
    ).fetchone()
    if row is None:
        raise NotFound(f"no complaint has the id {complaint}")
    if row["outcome"] is not None:
        raise InvalidState(f"{complaint} is {row['outcome']} already")
    conn.execute(
        "UPDATE complaint SET outcome = %s, answer = %s, resolved_on = %s WHERE id = %s",
        (outcome, answer, today, complaint),
    )
    audit.note(conn, row["consignment_id"], actor, "complaint resolved", after=outcome, reason=complaint)
    return str(row["consignment_id"])


def record_incident(
    conn: Connection,
    row: Consignment,
    *,
    kind: IncidentKind,
    liable: Liable,
    compensation: int,
    note: str,
    today: date,
    actor: str,
) -> str:
    """Write down a loss or damage, who is liable and what is paid; its id. A second word corrects the first."""
    found = conn.execute(
        "INSERT INTO incident (id, consignment_id, kind, found_on, liable, compensation, note)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (consignment_id, kind) DO UPDATE SET liable = excluded.liable, note = excluded.note,"
        "  compensation = excluded.compensation RETURNING id",
        (new_id(Prefix.INCIDENT), row.id, kind, today, liable, compensation, note),
    ).fetchone()
    assert found is not None  # noqa: S101 - one of the two has happened
    audit.note(conn, row.id, actor, f"{kind} recorded", after=liable, reason=vi("{amount} dong", amount=compensation))
    return str(found["id"])
