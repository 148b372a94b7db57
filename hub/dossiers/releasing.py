"""When a dossier goes out: at once, or when its fees have been paid; and what happens while it waits for them."""

from typing import Final

from hub.dossiers import store
from hub.dossiers.model import Dossier, DossierStatus
from hub.events import (
    DossierReleased,
    Event,
    FeeDemanded,
    FeeNotDue,
    FeePaid,
    FeeReopened,
    FeeWaived,
    StatusMoved,
)
from hub.messages import inbox
from hub.messages.model import Arrival, Message, Wakeup
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id

RELEASE: Final = "dossier.release"
SOURCE: Final = "hub"
_HELD: Final = frozenset({DossierStatus.REGISTERED, DossierStatus.AWAITING_FEE})


def release(uow: UnitOfWork, event: FeeNotDue) -> list[Event]:
    """Nothing is to be paid: it goes to its department."""
    return _release(uow, store.lock(uow.conn, event.dossier_id))


def release_or_wait(uow: UnitOfWork, event: FeeDemanded) -> list[Event]:
    """What is paid later does not hold a dossier back; what is paid first does."""
    dossier = store.lock(uow.conn, event.dossier_id)
    return _wait(uow, dossier) if event.pay_first else _release(uow, dossier)


def covered(uow: UnitOfWork, event: FeePaid | FeeWaived) -> list[Event]:
    """Nothing is outstanding: a dossier that was held back is registered again, and its term begins now.

    It goes out by a message of ours, so that the money is booked even while nobody can sign the handoff.
    """
    dossier = store.lock(uow.conn, event.dossier_id)
    if dossier.released_at is not None or dossier.stands not in _HELD:
        return []
    message = new_id(Prefix.INBOX)
    arrival = Arrival(message, SOURCE, RELEASE, message, message, dossier.id.encode(), media_type="text/plain")
    uow.wakeups.append(Wakeup(inbox.QUEUE, inbox.accept(uow.conn, arrival).id))
    if dossier.stands is DossierStatus.REGISTERED:
        return []
    procedure = uow.catalogue.procedures.get(dossier.procedure)
    if procedure is not None:
        store.begin_term(uow.conn, dossier, due_at=uow.calendar.due(event.at, procedure.working_hours))
    return _move(uow, dossier, DossierStatus.REGISTERED)


def release_paid(uow: UnitOfWork, message: Message) -> list[Event]:
    """The message that ``covered`` left: the dossier goes out, unless the money was taken back meanwhile."""
    dossier = store.lock(uow.conn, message.body.decode())
    if dossier.released_at is not None or dossier.stands is not DossierStatus.REGISTERED:
        uow.note(dossier.id, "not released", before=dossier.status)
        return []
    return _release(uow, dossier)


def reopened(uow: UnitOfWork, event: FeeReopened) -> list[Event]:
    """What was paid is taken back: the dossier waits again, if it has not gone out; else a person sees to it."""
    dossier = store.lock(uow.conn, event.dossier_id)
    if dossier.released_at is not None:
        uow.note(dossier.id, "unpaid after release", before=dossier.status, reason=event.fee.demand_id)
        return []
    return _wait(uow, dossier) if dossier.stands is DossierStatus.REGISTERED else []


def _wait(uow: UnitOfWork, dossier: Dossier) -> list[Event]:
    return _move(uow, dossier, DossierStatus.AWAITING_FEE)


def _move(uow: UnitOfWork, dossier: Dossier, to: DossierStatus) -> list[Event]:
    store.move(uow.conn, dossier, to, at=uow.now, reason=None)
    uow.note(dossier.id, "moved", before=dossier.status, after=to)
    return [StatusMoved(dossier.id)]


def _release(uow: UnitOfWork, dossier: Dossier) -> list[Event]:
    store.release(uow.conn, dossier, at=uow.now)
    uow.note(dossier.id, "released")
    return [DossierReleased(dossier.id)]
