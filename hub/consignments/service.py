"""A consignment is ordered from the operator, accepted or refused by it, and cancelled before it is collected."""

from dataclasses import dataclass
from typing import Final

from hub.consignments import attention, capability, pool, standing, store
from hub.consignments.levels import Raised
from hub.consignments.model import Consignment, ConsignmentStatus, Direction, ManifestItem, Service
from hub.consignments.words import Concern
from hub.db import one
from hub.errors import InvalidState
from hub.events import Event
from hub.messages.model import Transfer
from hub.messages.outbox import Posting
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.postal import ConsignmentAccepted, ConsignmentOrder, Contact

ORDER: Final = "postal.order"
CANCEL: Final = "postal.cancel"


@dataclass(frozen=True, slots=True)
class ConsignmentRequest:
    """What is to be carried, from whom to whom. ``items`` are not empty; money in đồng."""

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


def order(uow: UnitOfWork, wanted: ConsignmentRequest) -> str:
    """Owe the operator an order for this; the new consignment's id.

    The order says names, addresses, phones and a number, and nothing of what is inside. Nothing legal begins here: a
    dossier is submitted when the minute of its handover is signed (QĐ 45/2016 Đ7), not when it is ordered or posted.
    """
    consignment, transfer = new_id(Prefix.CONSIGNMENT), new_id(Prefix.TRANSFER)
    number = _order_number(uow, wanted.operator, wanted.items[0].dossier_id)
    item_code = wanted.item_code or pool.free(uow.conn, wanted.operator)
    token, token_hash = capability.issue()
    _tell(uow, wanted, transfer, number, item_code, token)
    row = {
        "id": consignment,
        "operator": wanted.operator,
        "direction": wanted.direction,
        "service": wanted.service,
        "order_number": number,
        "item_code": item_code,
        "item_code_ok": None,
        "seal_number": wanted.seal_number,
        "route_class": wanted.route_class,
        "cash": wanted.cash,
        "handoff_id": wanted.handoff_id,
        "transfer_id": transfer,
        "token_hash": token_hash,
        "now": uow.now,
    }
    store.add(uow.conn, row, wanted.items)
    if item_code is not None:
        pool.take(uow.conn, item_code, consignment)
    uow.note(consignment, "ordered", after=ConsignmentStatus.ORDERED, reason=number)
    return consignment


def _tell(
    uow: UnitOfWork, wanted: ConsignmentRequest, transfer: str, number: str, item_code: str | None, token: str
) -> None:
    """Put the order into the outbox, under the ordering key of its first dossier."""
    operator = uow.catalogue.operators[wanted.operator]
    said = ConsignmentOrder(
        order_number=number,
        item_code=item_code,
        sender=wanted.sender,
        receiver=wanted.receiver,
        cash=wanted.cash,
        callback_url=uow.public_url + capability.PATH + token if operator.callbacks and uow.public_url else None,
    )
    dossier = wanted.items[0].dossier_id
    uow.put(
        Posting(
            id=transfer,
            kind=ORDER,
            counterparty=operator.counterparty,
            ordering_key=dossier,
            key=transfer,
            subject=dossier,
            body=said.model_dump_json().encode(),
        )
    )


def _order_number(uow: UnitOfWork, operator: str, dossier_id: str) -> str:
    """The dossier's code, which operators want here; with a number behind it from its second consignment on."""
    code = one(uow.conn, "SELECT code FROM dossier WHERE id = %s FOR UPDATE", (dossier_id,))["code"]
    before = one(
        uow.conn,
        "SELECT count(*) AS n FROM consignment WHERE operator = %s AND (order_number = %s OR order_number LIKE %s)",
        (operator, code, f"{code}-%"),
    )["n"]
    return f"{code}-{before + 1}" if before else str(code)


def accepted(uow: UnitOfWork, transfer: Transfer, reply: ConsignmentAccepted) -> list[Event]:
    """The operator will collect it; its own item code is kept if it gives one."""
    row = _of(uow, transfer)
    if reply.item_code is not None:
        standing.coded(uow, row, reply.item_code)
    return _ordering(uow, row, ConsignmentStatus.ACCEPTED)


def refused(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """The operator does not take it: a person has to find another way."""
    return _ordering(uow, _of(uow, transfer), ConsignmentStatus.REFUSED, reason)


def cancel(uow: UnitOfWork, consignment_id: str, reason: str) -> None:
    """Take the order back. Raises NotFound, or InvalidState once it has been collected."""
    row = standing.locked(uow, consignment_id)
    if row.stands not in (ConsignmentStatus.ORDERED, ConsignmentStatus.ACCEPTED):
        raise InvalidState(f"{row.id} is {row.status}: only what has not been collected can be cancelled")
    uow.note(row.id, "cancelling", before=row.status, reason=reason)
    told = one(uow.conn, "SELECT state, ordering_key FROM outbox WHERE id = %s", (row.transfer_id,))
    if told["state"] == "cancelled":
        _ordering(uow, row, ConsignmentStatus.CANCELLED, reason)
        return
    transfer = new_id(Prefix.TRANSFER)
    uow.put(
        Posting(
            id=transfer,
            kind=CANCEL,
            counterparty=uow.catalogue.operators[row.operator].counterparty,
            ordering_key=told["ordering_key"],
            key=transfer,
            subject=told["ordering_key"],
            body=row.order_number.encode(),
        )
    )


def cancelled(uow: UnitOfWork, transfer: Transfer, _: None) -> list[Event]:
    """The operator will not collect it. If it does all the same, its events say so."""
    return _ordering(uow, _cancelled_by(uow, transfer), ConsignmentStatus.CANCELLED)


def not_cancelled(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """It is too late, or this operator cannot: somebody has to call. The consignment goes its way."""
    consignment = _cancelled_by(uow, transfer).id
    uow.note(consignment, "not cancelled", reason=reason)
    attention.call_for(uow.conn, consignment, Raised(Concern.NOT_CANCELLED, transfer.id))
    return []


def _ordering(uow: UnitOfWork, row: Consignment, to: ConsignmentStatus, reason: str | None = None) -> list[Event]:
    store.order_answered(uow.conn, row.id, to, at=uow.now, reason=reason)
    return standing.refold(uow, row)


def _of(uow: UnitOfWork, transfer: Transfer) -> Consignment:
    found = store.find(uow.conn, transfer=transfer.id)
    if found is None:
        raise LookupError(transfer.id)
    return store.lock(uow.conn, found.id)


def _cancelled_by(uow: UnitOfWork, transfer: Transfer) -> Consignment:
    """The consignment whose order number this is; a transfer's counterparty is postal.<operator>."""
    found = store.by_order(uow.conn, transfer.counterparty.removeprefix("postal."), transfer.body.decode())
    if found is None:
        raise LookupError(transfer.id)
    return store.lock(uow.conn, found.id)
