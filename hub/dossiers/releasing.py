"""When a dossier goes out: at once, or when its fees have been paid; and what happens while it waits for them."""

from typing import Final

from hub.dossiers import store
from hub.dossiers.model import Dossier, Status
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
from hub.messages.model import Arrival, Message, Nudge
from hub.work import Work
from schemas.identifiers import Prefix, new_id

RELEASE: Final = "dossier.release"
SOURCE: Final = "hub"
_HELD: Final = frozenset({Status.REGISTERED, Status.AWAITING_FEE})


def release(work: Work, event: FeeNotDue) -> list[Event]:
    """Nothing is to be paid: it goes to its department."""
    return _release(work, store.lock(work.conn, event.dossier_id))


def release_or_wait(work: Work, event: FeeDemanded) -> list[Event]:
    """What is paid later does not hold a dossier back; what is paid first does."""
    dossier = store.lock(work.conn, event.dossier_id)
    return _wait(work, dossier) if event.pay_first else _release(work, dossier)


def covered(work: Work, event: FeePaid | FeeWaived) -> list[Event]:
    """Nothing is outstanding: a dossier that was held back is registered again, and its term begins now.

    It goes out by a message of ours, so that the money is booked even while nobody can sign the handoff.
    """
    dossier = store.lock(work.conn, event.dossier_id)
    if dossier.released_at is not None or dossier.stands not in _HELD:
        return []
    message = new_id(Prefix.INBOX)
    arrival = Arrival(message, SOURCE, RELEASE, message, message, dossier.id.encode(), media_type="text/plain")
    work.nudges.append(Nudge(inbox.QUEUE, inbox.accept(work.conn, arrival).id))
    if dossier.stands is Status.REGISTERED:
        return []
    procedure = work.catalogue.procedures.get(dossier.procedure)
    if procedure is not None:
        store.begin_term(work.conn, dossier, due_at=work.calendar.due(event.at, procedure.working_hours))
    return _move(work, dossier, Status.REGISTERED)


def release_paid(work: Work, message: Message) -> list[Event]:
    """The message that ``covered`` left: the dossier goes out, unless the money was taken back meanwhile."""
    dossier = store.lock(work.conn, message.body.decode())
    if dossier.released_at is not None or dossier.stands is not Status.REGISTERED:
        work.note(dossier.id, "not released", before=dossier.status)
        return []
    return _release(work, dossier)


def reopened(work: Work, event: FeeReopened) -> list[Event]:
    """What was paid is taken back: the dossier waits again, if it has not gone out; else a person sees to it."""
    dossier = store.lock(work.conn, event.dossier_id)
    if dossier.released_at is not None:
        work.note(dossier.id, "unpaid after release", before=dossier.status, reason=event.fee.demand_id)
        return []
    return _wait(work, dossier) if dossier.stands is Status.REGISTERED else []


def _wait(work: Work, dossier: Dossier) -> list[Event]:
    return _move(work, dossier, Status.AWAITING_FEE)


def _move(work: Work, dossier: Dossier, to: Status) -> list[Event]:
    store.move(work.conn, dossier, to, at=work.now, reason=None)
    work.note(dossier.id, "moved", before=dossier.status, after=to)
    return [StatusMoved(dossier.id)]


def _release(work: Work, dossier: Dossier) -> list[Event]:
    store.release(work.conn, dossier, at=work.now)
    work.note(dossier.id, "released")
    return [DossierReleased(dossier.id)]
