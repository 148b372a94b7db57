"""A consignment is ordered from the operator, accepted or refused by it, and cancelled before it is collected."""

from dataclasses import dataclass
from typing import Final

from hub.consignments import attention, capability, pool, standing, store
from hub.consignments.levels import Raised
from hub.consignments.model import Consignment, Direction, Item, Service, Status
from hub.consignments.words import Concern
from hub.db import one
from hub.errors import NotNow
from hub.events import Event
from hub.messages.model import Transfer
from hub.messages.outbox import Posting
from hub.work import Work
from schemas.identifiers import Prefix, new_id
from schemas.postal import Accepted, Contact, Order

ORDER: Final = "postal.order"
CANCEL: Final = "postal.cancel"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be carried, from whom to whom. ``items`` are not empty; money in đồng."""

    operator: str
    direction: Direction
    service: Service
    items: tuple[Item, ...]
    sender: Contact
    receiver: Contact
    route_class: str
    cash: int = 0
    seal_number: str | None = None
    item_code: str | None = None
    handoff_id: str | None = None


def order(work: Work, wanted: Wanted) -> str:
    """Owe the operator an order for this; the new consignment's id.

    The order says names, addresses, phones and a number, and nothing of what is inside. Nothing legal begins here: a
    dossier is submitted when the minute of its handover is signed (QĐ 45/2016 Đ7), not when it is ordered or posted.
    """
    consignment, transfer = new_id(Prefix.CONSIGNMENT), new_id(Prefix.TRANSFER)
    number = _order_number(work, wanted.operator, wanted.items[0].dossier_id)
    item_code = wanted.item_code or pool.free(work.conn, wanted.operator)
    token, token_hash = capability.issue()
    _tell(work, wanted, transfer, number, item_code, token)
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
        "now": work.now,
    }
    store.add(work.conn, row, wanted.items)
    if item_code is not None:
        pool.take(work.conn, item_code, consignment)
    work.note(consignment, "ordered", after=Status.ORDERED, reason=number)
    return consignment


def _tell(work: Work, wanted: Wanted, transfer: str, number: str, item_code: str | None, token: str) -> None:
    """Put the order into the outbox, in the lane of its first dossier."""
    operator = work.catalogue.operators[wanted.operator]
    said = Order(
        order_number=number,
        item_code=item_code,
        sender=wanted.sender,
        receiver=wanted.receiver,
        cash=wanted.cash,
        callback_url=work.public_url + capability.PATH + token if operator.callbacks and work.public_url else None,
    )
    dossier = wanted.items[0].dossier_id
    work.put(
        Posting(
            id=transfer,
            kind=ORDER,
            counterparty=operator.counterparty,
            lane=dossier,
            key=transfer,
            subject=dossier,
            body=said.model_dump_json().encode(),
        )
    )


def _order_number(work: Work, operator: str, dossier_id: str) -> str:
    """The dossier's code, which operators want here; with a number behind it from its second consignment on."""
    code = one(work.conn, "SELECT code FROM dossier WHERE id = %s FOR UPDATE", (dossier_id,))["code"]
    before = one(
        work.conn,
        "SELECT count(*) AS n FROM consignment WHERE operator = %s AND (order_number = %s OR order_number LIKE %s)",
        (operator, code, f"{code}-%"),
    )["n"]
    return f"{code}-{before + 1}" if before else str(code)


def accepted(work: Work, transfer: Transfer, reply: Accepted) -> list[Event]:
    """The operator will collect it; its own item code is kept if it gives one."""
    row = _of(work, transfer)
    if reply.item_code is not None:
        standing.coded(work, row, reply.item_code)
    return _ordering(work, row, Status.ACCEPTED)


def refused(work: Work, transfer: Transfer, reason: str) -> list[Event]:
    """The operator does not take it: a person has to find another way."""
    return _ordering(work, _of(work, transfer), Status.REFUSED, reason)


def cancel(work: Work, consignment_id: str, reason: str) -> None:
    """Take the order back. Raises NotFound, or NotNow once it has been collected."""
    row = standing.locked(work, consignment_id)
    if row.stands not in (Status.ORDERED, Status.ACCEPTED):
        raise NotNow(f"{row.id} is {row.status}: only what has not been collected can be cancelled")
    work.note(row.id, "cancelling", before=row.status, reason=reason)
    told = one(work.conn, "SELECT state, lane FROM outbox WHERE id = %s", (row.transfer_id,))
    if told["state"] == "cancelled":
        _ordering(work, row, Status.CANCELLED, reason)
        return
    transfer = new_id(Prefix.TRANSFER)
    work.put(
        Posting(
            id=transfer,
            kind=CANCEL,
            counterparty=work.catalogue.operators[row.operator].counterparty,
            lane=told["lane"],
            key=transfer,
            subject=told["lane"],
            body=row.order_number.encode(),
        )
    )


def cancelled(work: Work, transfer: Transfer, _: None) -> list[Event]:
    """The operator will not collect it. If it does all the same, its events say so."""
    return _ordering(work, _cancelled_by(work, transfer), Status.CANCELLED)


def not_cancelled(work: Work, transfer: Transfer, reason: str) -> list[Event]:
    """It is too late, or this operator cannot: somebody has to call. The consignment goes its way."""
    consignment = _cancelled_by(work, transfer).id
    work.note(consignment, "not cancelled", reason=reason)
    attention.call_for(work.conn, consignment, Raised(Concern.NOT_CANCELLED, transfer.id))
    return []


def _ordering(work: Work, row: Consignment, to: Status, reason: str | None = None) -> list[Event]:
    store.order_answered(work.conn, row.id, to, at=work.now, reason=reason)
    return standing.refold(work, row)


def _of(work: Work, transfer: Transfer) -> Consignment:
    found = store.find(work.conn, transfer=transfer.id)
    if found is None:
        raise LookupError(transfer.id)
    return store.lock(work.conn, found.id)


def _cancelled_by(work: Work, transfer: Transfer) -> Consignment:
    """The consignment whose order number this is; a transfer's counterparty is postal.<operator>."""
    found = store.by_order(work.conn, transfer.counterparty.removeprefix("postal."), transfer.body.decode())
    if found is None:
        raise LookupError(transfer.id)
    return store.lock(work.conn, found.id)
