"""Commands of officers on consignments: order, cancel, complain, record a loss; each with an entry in the audit log."""

from collections.abc import Mapping
from typing import Final

from hub.audit import AuditAction
from hub.clock import local
from hub.consignments import attention, ordering, service, store
from hub.consignments.attention import months_after
from hub.consignments.model import IncidentKind, Liable, Outcome, Subject
from hub.consignments.ordering import DeliveryRequest
from hub.db import one
from hub.errors import InvalidState, NotFound
from hub.events import Event
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.item_code import ItemCode

_INCIDENT_ACTIONS: Final[Mapping[IncidentKind, AuditAction]] = {
    "loss": AuditAction.CONSIGNMENT_LOSS_RECORDED,
    "damage": AuditAction.CONSIGNMENT_DAMAGE_RECORDED,
}
NOTHING_FOLLOWS: list[Event] = []


def order(uow: UnitOfWork, request: DeliveryRequest) -> tuple[str, list[Event]]:
    """Order a consignment; its id. Raises NotFound, or InvalidState saying what is missing."""
    return ordering.arrange(uow, request), NOTHING_FOLLOWS


def cancel(uow: UnitOfWork, consignment: str, reason: str) -> tuple[None, list[Event]]:
    """Cancel an order. Raises NotFound, or InvalidState once it has been collected."""
    service.cancel(uow, consignment, reason)
    return None, NOTHING_FOLLOWS


def complain(uow: UnitOfWork, consignment: str, subject: Subject, detail: str) -> tuple[str, list[Event]]:
    """File a complaint; its id. Raises NotFound, or InvalidState once the time for one is over."""
    row = service.lock_consignment(uow, consignment)
    operator, today = uow.catalogue.operators[row.operator], local(uow.now).date()
    levels = operator.levels
    if row.promised_on is not None and today > months_after(row.promised_on, levels.complaint_months):
        raise InvalidState(
            f"{row.id} was promised for {row.promised_on}: complaints end {levels.complaint_months} months later"
        )
    complaint = new_id(Prefix.COMPLAINT)
    is_far = operator.routes[row.route_class].inter_province
    days = levels.complaint_days_inter_province if is_far else levels.complaint_days
    uow.conn.execute(
        "INSERT INTO complaint (id, consignment_id, subject, detail, filed_on, due_on) VALUES (%s, %s, %s, %s, %s, %s)",
        (complaint, row.id, subject, detail, today, uow.calendar.after(today, days)),
    )
    uow.write_audit(row.id, AuditAction.COMPLAINT_FILED, after=subject, reason=complaint)
    return complaint, NOTHING_FOLLOWS


def resolve(uow: UnitOfWork, complaint: str, outcome: Outcome, answer: str) -> tuple[None, list[Event]]:
    """Settle a complaint. Raises NotFound, or InvalidState where it is settled already."""
    row = uow.conn.execute(
        "SELECT consignment_id, outcome FROM complaint WHERE id = %s FOR UPDATE", (complaint,)
    ).fetchone()
    if row is None:
        raise NotFound(f"no complaint has the id {complaint}")
    if row["outcome"] is not None:
        raise InvalidState(f"{complaint} is {row['outcome']} already")
    uow.conn.execute(
        "UPDATE complaint SET outcome = %s, answer = %s, resolved_on = %s WHERE id = %s",
        (outcome, answer, local(uow.now).date(), complaint),
    )
    uow.write_audit(row["consignment_id"], AuditAction.COMPLAINT_RESOLVED, after=outcome, reason=complaint)
    _look(uow, row["consignment_id"])
    return None, NOTHING_FOLLOWS


def record(
    uow: UnitOfWork, consignment: str, kind: IncidentKind, liable: Liable, compensation: int, note: str
) -> tuple[str, list[Event]]:
    """Record a loss or a damage, who is liable and what is paid, in đồng; its id. A second one corrects the first.

    Raises NotFound.
    """
    row = service.lock_consignment(uow, consignment)
    incident = one(
        uow.conn,
        "INSERT INTO incident (id, consignment_id, kind, found_on, liable, compensation, note)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (consignment_id, kind) DO UPDATE SET liable = excluded.liable, note = excluded.note,"
        "  compensation = excluded.compensation RETURNING id",
        (new_id(Prefix.INCIDENT), row.id, kind, local(uow.now).date(), liable, compensation, note),
    )
    uow.write_audit(row.id, _INCIDENT_ACTIONS[kind], after=liable, reason=vi("{amount} dong", amount=compensation))
    _look(uow, consignment)
    return str(incident["id"]), NOTHING_FOLLOWS


def dismiss(uow: UnitOfWork, attention_id: int, reason: str) -> tuple[None, list[Event]]:
    """Close a concern that a person has seen to. Raises NotFound."""
    if not attention.dismiss(uow.conn, attention_id, uow.actor, reason):
        raise NotFound(f"nothing open has the number {attention_id}")
    return None, NOTHING_FOLLOWS


def add_codes(uow: UnitOfWork, operator: str, codes: list[str]) -> tuple[int, list[Event]]:
    """Add pre-printed item codes to the pool. Returns how many were new.

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
