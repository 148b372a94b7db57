"""Consignments: order one from the operator, record its answer, cancel, and apply tracking events."""

import re
from dataclasses import dataclass
from typing import Final

from hub.audit import AuditAction
from hub.codes import HubCode
from hub.consignments import attention, capability, store
from hub.consignments.attention import RaisedConcern
from hub.consignments.model import Concern, Consignment, ConsignmentStatus, Direction, ManifestItem, Service
from hub.consignments.tracking import TrackingRecord, fold
from hub.db import one
from hub.errors import InvalidState, ManualAction, NotFound, RetryLater
from hub.events import ConsignmentDelivered, Event
from hub.messages.model import Message, Transfer
from hub.messages.outbox import NewTransfer
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.item_code import ItemCode
from schemas.postal import ConsignmentAccepted, ConsignmentOrder, Contact, TrackingEvent

ORDER: Final = "postal.order"
CANCEL: Final = "postal.cancel"


@dataclass(frozen=True, slots=True)
class ConsignmentRequest:
    """A complete order: what is sent, from whom to whom. ``items`` are not empty; money in đồng."""

    operator: str
    direction: Direction
    service: Service
    items: tuple[ManifestItem, ...]
    sender: Contact
    receiver: Contact
    route_class: str
    cash: int = 0
    seal_number: str | None = None
    item_code: str | None = None
    handoff_id: str | None = None


def order(uow: UnitOfWork, request: ConsignmentRequest) -> str:
    """Store the consignment and put its order into the outbox. Returns the consignment's id.

    The order has names, addresses, phones and a number, and nothing of the contents. Nothing legal begins here: a
    dossier is submitted when the minute of its handover is signed (QĐ 45/2016 Đ7), not when it is ordered or posted.
    """
    consignment, transfer = new_id(Prefix.CONSIGNMENT), new_id(Prefix.TRANSFER)
    number = _order_number(uow, request.operator, request.items[0].dossier_id)
    item_code = request.item_code or store.free_item_code(uow.conn, request.operator)
    token, token_hash = capability.issue()
    _put_order(uow, request, transfer, number, item_code, token)
    row = {
        "id": consignment,
        "operator": request.operator,
        "direction": request.direction,
        "service": request.service,
        "order_number": number,
        "item_code": item_code,
        "item_code_ok": None,
        "seal_number": request.seal_number,
        "route_class": request.route_class,
        "cash": request.cash,
        "handoff_id": request.handoff_id,
        "transfer_id": transfer,
        "token_hash": token_hash,
        "now": uow.now,
    }
    store.add(uow.conn, row, request.items)
    if item_code is not None:
        store.take_item_code(uow.conn, item_code, consignment)
    uow.write_audit(consignment, AuditAction.CONSIGNMENT_ORDERED, after=ConsignmentStatus.ORDERED, reason=number)
    return consignment


def _put_order(
    uow: UnitOfWork, request: ConsignmentRequest, transfer: str, number: str, item_code: str | None, token: str
) -> None:
    """Put the order into the outbox, under the ordering key of its first dossier."""
    operator = uow.catalogue.operators[request.operator]
    operator_order = ConsignmentOrder(
        order_number=number,
        item_code=item_code,
        sender=request.sender,
        receiver=request.receiver,
        cash=request.cash,
        callback_url=uow.public_url + capability.PATH + token if operator.callbacks and uow.public_url else None,
    )
    dossier = request.items[0].dossier_id
    uow.put(
        NewTransfer(
            id=transfer,
            kind=ORDER,
            counterparty=operator.counterparty,
            ordering_key=dossier,
            key=transfer,
            subject=dossier,
            body=operator_order.model_dump_json().encode(),
        )
    )


def _order_number(uow: UnitOfWork, operator: str, dossier_id: str) -> str:
    """The dossier's code, which operators expect here; numbered from its second consignment on."""
    code = one(uow.conn, "SELECT code FROM dossier WHERE id = %s FOR UPDATE", (dossier_id,))["code"]
    before = one(
        uow.conn,
        "SELECT count(*) AS n FROM consignment WHERE operator = %s AND (order_number = %s OR order_number LIKE %s)",
        (operator, code, f"{code}-%"),
    )["n"]
    return f"{code}-{before + 1}" if before else str(code)


def accepted(uow: UnitOfWork, transfer: Transfer, reply: ConsignmentAccepted) -> list[Event]:
    """The operator has accepted the order. Its own item code is stored, if it gives one."""
    row = _of(uow, transfer)
    if reply.item_code is not None:
        set_item_code(uow, row, reply.item_code)
    return _record_answer(uow, row, ConsignmentStatus.ACCEPTED)


def refused(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """The operator has refused the order: a person has to find another way."""
    return _record_answer(uow, _of(uow, transfer), ConsignmentStatus.REFUSED, reason)


def cancel(uow: UnitOfWork, consignment_id: str, reason: str) -> None:
    """Cancel the order. Raises NotFound, or InvalidState once it has been collected."""
    row = lock_consignment(uow, consignment_id)
    if row.status not in (ConsignmentStatus.ORDERED, ConsignmentStatus.ACCEPTED):
        raise InvalidState(f"{row.id} is {row.status}: only what has not been collected can be cancelled")
    uow.write_audit(row.id, AuditAction.CONSIGNMENT_CANCELLATION_REQUESTED, before=row.status, reason=reason)
    transfer_row = one(uow.conn, "SELECT state, ordering_key FROM outbox WHERE id = %s", (row.transfer_id,))
    if transfer_row["state"] == "cancelled":
        _record_answer(uow, row, ConsignmentStatus.CANCELLED, reason)
        return
    transfer = new_id(Prefix.TRANSFER)
    uow.put(
        NewTransfer(
            id=transfer,
            kind=CANCEL,
            counterparty=uow.catalogue.operators[row.operator].counterparty,
            ordering_key=transfer_row["ordering_key"],
            key=transfer,
            subject=transfer_row["ordering_key"],
            body=row.order_number.encode(),
        )
    )


def cancelled(uow: UnitOfWork, transfer: Transfer, _: None) -> list[Event]:
    """The operator has cancelled the order. If it collects the consignment all the same, its events tell."""
    return _record_answer(uow, _cancelled_by(uow, transfer), ConsignmentStatus.CANCELLED)


def not_cancelled(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """The operator did not cancel: a person has to call. The consignment stays under way."""
    consignment = _cancelled_by(uow, transfer).id
    uow.write_audit(consignment, AuditAction.CONSIGNMENT_CANCELLATION_REFUSED, reason=reason)
    attention.call_for(uow.conn, consignment, RaisedConcern(Concern.NOT_CANCELLED, transfer.id))
    return []


def _record_answer(uow: UnitOfWork, row: Consignment, to: ConsignmentStatus, reason: str | None = None) -> list[Event]:
    store.order_answered(uow.conn, row.id, to, at=uow.now, reason=reason)
    return apply_tracking(uow, row)


def _of(uow: UnitOfWork, transfer: Transfer) -> Consignment:
    consignment = store.find(uow.conn, transfer=transfer.id)
    if consignment is None:
        raise LookupError(transfer.id)
    return store.lock(uow.conn, consignment.id)


def _cancelled_by(uow: UnitOfWork, transfer: Transfer) -> Consignment:
    """The consignment whose order number this is; a transfer's counterparty is postal.<operator>."""
    consignment = store.by_order(uow.conn, transfer.counterparty.removeprefix("postal."), transfer.body.decode())
    if consignment is None:
        raise LookupError(transfer.id)
    return store.lock(uow.conn, consignment.id)


def lock_consignment(uow: UnitOfWork, consignment_id: str) -> Consignment:
    """Lock the consignment until the transaction ends. Raises NotFound."""
    try:
        return store.lock(uow.conn, consignment_id)
    except LookupError:
        raise NotFound(f"no consignment has the id {consignment_id}") from None


def apply_tracking(uow: UnitOfWork, before: Consignment) -> list[Event]:
    """Recompute a locked consignment's status from its events. Returns the events that follow from a change."""
    row = lock_consignment(uow, before.id)
    tracking = fold(ConsignmentStatus(row.order_status), row.order_status_at, store.tracking_records(uow.conn, row.id))
    promised_on = None
    if tracking.posted_on is not None:
        promised_on = uow.calendar.after(tracking.posted_on, _days(uow, row))
    store.place(uow.conn, row.id, tracking, promised_on)
    attention.look(uow.conn, uow.catalogue, uow.calendar, lock_consignment(uow, row.id), uow.now)
    if tracking.status is before.status:
        return []
    uow.write_audit(row.id, AuditAction.CONSIGNMENT_STATUS_CHANGED, before=before.status, after=tracking.status)
    if tracking.status is not ConsignmentStatus.DELIVERED:
        return []
    return [
        ConsignmentDelivered(dossier, row.id, row.handoff_id, tracking.at, 0 if number else row.cash)
        for number, dossier in enumerate(store.dossiers(uow.conn, row.id))
    ]


def set_item_code(uow: UnitOfWork, row: Consignment, item_code: str) -> None:
    """Store the operator's code of the item. A wrong check digit raises a concern only: their codes may have one."""
    code = ItemCode.received(item_code)
    if code.normalised == row.item_code and row.item_code_ok is not None:
        return
    if row.item_code not in (None, code.normalised):
        uow.write_audit(row.id, AuditAction.CONSIGNMENT_ITEM_CODE_CHANGED, before=row.item_code, after=code.normalised)
    store.coded(uow.conn, row.id, code.normalised, is_valid=code.is_valid)


def _days(uow: UnitOfWork, row: Consignment) -> int:
    """Working days from posting to delivery (n of J+n); more where the postman also brings the slip back."""
    route = uow.catalogue.operators[row.operator].routes[row.route_class]
    return route.days_with_slip if row.service == Service.BOTH else route.days


_OFFICE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/-]{0,39}")
_LONG_NUMBER: Final = re.compile(r"[0-9]{9}")


def record_event(uow: UnitOfWork, message: Message) -> list[Event]:
    """Store an event and recompute the status. A repeated event changes nothing; an unknown code waits for a person."""
    event = TrackingEvent.model_validate_json(message.body)
    operator = uow.catalogue.operators[message.source.removeprefix("postal.")]
    meaning = operator.status.get(event.status_code)
    if meaning is None:
        raise ManualAction(HubCode.STATUS_UNKNOWN, f"{operator.code} has no status {event.status_code!r} in its table")
    known = store.by_order(uow.conn, operator.code, event.order_number)
    if known is None:
        raise RetryLater(HubCode.CONSIGNMENT_UNKNOWN, f"no consignment has the order number {event.order_number}")
    row = lock_consignment(uow, known.id)
    if event.item_code is not None:
        set_item_code(uow, row, event.item_code)
    at = uow.reported_at(message, event.at)
    record = TrackingRecord(event.key, ConsignmentStatus(meaning.value), at)
    is_new = store.note(
        uow.conn, row.id, record, code=event.status_code, place=_office(event.place), message=message.id
    )
    if not is_new:
        uow.write_audit(row.id, AuditAction.CONSIGNMENT_EVENT_REPEATED, after=record.status, reason=event.key)
        return []
    if row.settled_at is not None or (row.posted_on is not None and at < row.last_event_at):
        uow.write_audit(
            row.id, AuditAction.CONSIGNMENT_EVENT_LATE, before=row.status, after=record.status, reason=event.key
        )
    return apply_tracking(uow, row)


def conflicting_event(uow: UnitOfWork, message: Message) -> list[Event]:
    """An event whose key is known, with other content: written to the audit log, and nothing is changed.

    Raises ManualAction where it names another item: which of the two is right, only the operator knows.
    """
    event = TrackingEvent.model_validate_json(message.body)
    row = one(uow.conn, "SELECT body FROM inbox WHERE source = %s AND external_id = %s", (message.source, event.key))
    if event.item_code not in (None, TrackingEvent.model_validate_json(row["body"]).item_code):
        raise ManualAction(HubCode.REPORT_CONFLICT, "the event came before with another item code, or with none")
    known = store.by_order(uow.conn, message.source.removeprefix("postal."), event.order_number)
    uow.write_audit(known.id if known else message.id, AuditAction.CONSIGNMENT_EVENT_CONFLICT, reason=event.key)
    return []


def _office(place: str | None) -> str | None:
    """``place`` if it looks like a post office's name; None otherwise, since free text may be somebody's address."""
    return place if place is not None and _OFFICE.fullmatch(place) and not _LONG_NUMBER.search(place) else None
