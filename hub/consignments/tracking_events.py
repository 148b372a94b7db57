"""Handlers of tracking events, which come by callback or feed: each is stored, then the status is recomputed."""

import re
from typing import Final

from hub.audit import AuditAction
from hub.codes import HubCode
from hub.consignments import service, store
from hub.consignments.model import ConsignmentStatus
from hub.consignments.tracking import TrackingRecord
from hub.db import one
from hub.errors import ManualAction, RetryLater
from hub.events import Event
from hub.messages.model import Message
from hub.unit_of_work import UnitOfWork
from schemas.postal import TrackingEvent

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
    row = service.lock_consignment(uow, known.id)
    if event.item_code is not None:
        service.set_item_code(uow, row, event.item_code)
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
    return service.apply_tracking(uow, row)


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
