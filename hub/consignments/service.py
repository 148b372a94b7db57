"""Consignments: order one from the operator, record its answer, cancel, and apply tracking events."""

from dataclasses import dataclass
from typing import Final

from hub.audit import AuditAction
from hub.consignments import attention, capability, store
from hub.consignments.attention import RaisedConcern
from hub.consignments.model import Concern, Consignment, ConsignmentStatus, Direction, ManifestItem, Service
from hub.consignments.tracking import fold
from hub.db import one
from hub.errors import InvalidState, NotFound
from hub.events import ConsignmentDelivered, Event
from hub.messages.model import Transfer
from hub.messages.outbox import NewTransfer
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.item_code import ItemCode
from schemas.postal import ConsignmentAccepted, ConsignmentOrder, Contact

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
