"""The life of a dossier: opened, held for its fee or released, taken by its department, moved by its reports, ended."""

from datetime import date, datetime, timedelta
from typing import Final

from hub.clock import local
from hub.codes import HubCode
from hub.dossiers import store
from hub.dossiers.model import FINAL, LIFECYCLE, MAIN_ROAD, Dossier, DossierStatus
from hub.errors import InvalidState, ManualAction, MessageRefused, NotFound, RetryLater
from hub.events import (
    DossierOpened,
    DossierReleased,
    Event,
    FeeDemanded,
    FeeNotDue,
    FeePaid,
    FeeReopened,
    FeeWaived,
    HandedBack,
    HandoffAcknowledged,
    HandoffRefused,
    StatusMoved,
)
from hub.locale import vi
from hub.messages import inbox
from hub.messages.model import Arrival, Message, Wakeup
from hub.unit_of_work import UnitOfWork
from schemas.department import StatusReport
from schemas.identifiers import DossierCode, Prefix, new_id
from schemas.portal import Submission


def open_dossier(uow: UnitOfWork, message: Message) -> list[Event]:
    """A submission becomes a dossier: code, department, due date, fee (NĐ 61/2018 Đ17; Decision 743 Article 5.2.d)."""
    submission = Submission.model_validate_json(message.body)
    procedure = uow.catalogue.procedures.get(submission.procedure)
    if procedure is None:
        raise ManualAction(
            HubCode.PROCEDURE_UNKNOWN, "the procedure left the catalogue after the submission was accepted"
        )
    today = local(message.received_at).date()
    code = _code(uow, submission) or _issued(uow, today)
    store.add(
        uow.conn,
        message.id,
        code,
        reference=submission.reference,
        procedure=procedure.code,
        department=procedure.department,
        received_at=message.received_at,
        due_at=uow.calendar.due(message.received_at, procedure.working_hours),
    )
    uow.note(message.id, "opened", after=DossierStatus.REGISTERED, reason=code.normalised)
    return [DossierOpened(message.id)]


def _code(uow: UnitOfWork, submission: Submission) -> DossierCode | None:
    """The code that the portal issued, if it did and nobody else has it."""
    if submission.dossier_code is None:
        return None
    code = DossierCode.received(submission.dossier_code)
    if store.is_taken(uow.conn, code):
        # The door has asked before: another submission with this code was under way.
        raise MessageRefused(
            HubCode.DOSSIER_CODE_TAKEN, vi("Dossier code {raw} belongs to another dossier already", raw=code.raw)
        )
    return code


def _issued(uow: UnitOfWork, today: date) -> DossierCode:
    """The next code of the Centre; one that the portal has issued in the Centre's name is passed over."""
    code = store.issue_code(uow.conn, uow.catalogue.portal.centre, today)
    while store.is_taken(uow.conn, code):
        code = store.issue_code(uow.conn, uow.catalogue.portal.centre, today)
    return code


def taken(uow: UnitOfWork, event: HandoffAcknowledged) -> list[Event]:
    """The department gave its receipt: the dossier is accepted, unless a report has already said more."""
    dossier = store.lock(uow.conn, event.dossier_id)
    # Reports that came before the receipt have been waiting for it.
    uow.wakeups.extend(inbox.wake(uow.conn, f"department.{dossier.department}", dossier.code))
    if dossier.status is not DossierStatus.REGISTERED:
        return []
    return _move(uow, dossier, DossierStatus.ACCEPTED, event)


def not_taken(uow: UnitOfWork, event: HandoffRefused) -> list[Event]:
    """The department refused the dossier. That is an answer, not a failure: the applicant is told why."""
    return _move(uow, store.lock(uow.conn, event.dossier_id), DossierStatus.NOT_ACCEPTED, event)


def _move(
    uow: UnitOfWork, dossier: Dossier, to: DossierStatus, event: HandoffAcknowledged | HandoffRefused
) -> list[Event]:
    reason = event.reason if isinstance(event, HandoffRefused) else None
    # A receipt's clock may be wrong, too: nobody takes a dossier later than we hear of it.
    store.move(uow.conn, dossier, to, at=min(event.at, uow.now), reason=reason)
    uow.note(dossier.id, "moved", before=dossier.status, after=to)
    return [StatusMoved(dossier.id)]


def report(uow: UnitOfWork, message: Message) -> list[Event]:
    """A department's word on where a dossier stands, in its own code.

    An unknown code moves nothing and waits for a person, and so does what is dated ahead of its arrival. A late or
    repeated report is journaled and moves nothing; a late one of a result or an end waits for a person. One that comes
    before what has to precede it waits for that, and after the department's patience goes without it.
    """
    status_report = StatusReport.model_validate_json(message.body)
    department = uow.catalogue.departments[message.source.removeprefix("department.")]
    meaning = department.status.get(status_report.status)
    if meaning is None:
        raise ManualAction(
            HubCode.STATUS_UNKNOWN, f"{department.code} has no status {status_report.status!r} in its table"
        )
    dossier = store.lock_by_code(uow.conn, DossierCode.received(status_report.dossier_code), department.code)
    if dossier is None or dossier.released_at is None:
        raise RetryLater(HubCode.DOSSIER_UNKNOWN, "no dossier with this code has been handed to this department")
    to, at = DossierStatus(meaning.value), uow.reported_at(message, status_report.at)
    back = (
        [HandedBack(dossier.id, department.code, to, at, status_report.signed)]
        if status_report.signed is not None
        else []
    )
    if _is_repeated_or_late(uow, message, dossier, status_report.report_id, to, at):
        return [*back]
    steps = LIFECYCLE.path(dossier.status, to, through=MAIN_ROAD)
    if not steps:
        raise ManualAction(HubCode.MOVE_REFUSED, f"{to} is reported of a dossier that is {dossier.status}")
    if len(steps) > 1 and uow.now < message.received_at + timedelta(seconds=department.gap_patience_seconds):
        raise RetryLater(HubCode.REPORT_EARLY, f"{to} is reported while the dossier is still {dossier.status}")
    for step in steps:
        # More than one step: the department has left some out, and has had time to say them after all.
        store.move(uow.conn, dossier, step, at=at, reason=status_report.note, by_report=True)
        verb = "moved" if step is to else "passed"
        uow.note(dossier.id, verb, before=dossier.status, after=step, reason=status_report.report_id)
        dossier = store.lock(uow.conn, dossier.id)
    return [*back, StatusMoved(dossier.id)]


def _is_repeated_or_late(
    uow: UnitOfWork, message: Message, dossier: Dossier, report_id: str, to: DossierStatus, at: datetime
) -> bool:
    """Whether it repeats where the dossier stands, or comes late. Raises ManualAction for a late result or end."""
    if to is dossier.status:
        if dossier.by_report or at >= dossier.status_at - uow.clock_skew:
            # It still stands there at this later time: what is reported of the time between has come too late.
            store.confirm(uow.conn, dossier, at=max(at, dossier.status_at) if dossier.by_report else at)
        uow.note(dossier.id, "report repeated", before=dossier.status, after=to, reason=report_id)
        return True
    if not _is_late(dossier, to, at, uow.clock_skew) or message.held_for == HubCode.REPORT_LATE:
        return False
    has_gone_on = dossier.status in FINAL and _may_precede(to, dossier.status)
    if to in FINAL and not has_gone_on:
        raise ManualAction(HubCode.REPORT_LATE, f"{to} is reported for a time before the dossier was {dossier.status}")
    uow.note(dossier.id, "report late", before=dossier.status, after=to, reason=report_id)
    return True


def _is_late(dossier: Dossier, to: DossierStatus, at: datetime, clock_skew: timedelta) -> bool:
    """Whether the report is of a time before that from which on the dossier stands where it stands.

    A department's reports go by one clock, so that of two of them the later one counts, unless the lifecycle knows the
    other order only. Its receipts, or ours, go by another: within the skew the order of arrival counts.
    """
    if dossier.status is DossierStatus.REGISTERED or at >= dossier.status_at:
        return False
    if at < dossier.status_at - clock_skew:
        return True
    return dossier.by_report and _may_precede(to, dossier.status)


def _may_precede(earlier: DossierStatus, later: DossierStatus) -> bool:
    return bool(LIFECYCLE.path(earlier, later, through=MAIN_ROAD))


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
    if dossier.released_at is not None or dossier.status not in _HELD:
        return []
    message = new_id(Prefix.INBOX)
    arrival = Arrival(message, SOURCE, RELEASE, message, message, dossier.id.encode(), media_type="text/plain")
    uow.wakeups.append(Wakeup(inbox.QUEUE, inbox.accept(uow.conn, arrival).id))
    if dossier.status is DossierStatus.REGISTERED:
        return []
    procedure = uow.catalogue.procedures.get(dossier.procedure)
    if procedure is not None:
        store.begin_term(uow.conn, dossier, due_at=uow.calendar.due(event.at, procedure.working_hours))
    return _set_status(uow, dossier, DossierStatus.REGISTERED)


def release_paid(uow: UnitOfWork, message: Message) -> list[Event]:
    """The message that ``covered`` left: the dossier goes out, unless the money was taken back meanwhile."""
    dossier = store.lock(uow.conn, message.body.decode())
    if dossier.released_at is not None or dossier.status is not DossierStatus.REGISTERED:
        uow.note(dossier.id, "not released", before=dossier.status)
        return []
    return _release(uow, dossier)


def reopened(uow: UnitOfWork, event: FeeReopened) -> list[Event]:
    """What was paid is taken back: the dossier waits again, if it has not gone out; else a person sees to it."""
    dossier = store.lock(uow.conn, event.dossier_id)
    if dossier.released_at is not None:
        uow.note(dossier.id, "unpaid after release", before=dossier.status, reason=event.fee.demand_id)
        return []
    return _wait(uow, dossier) if dossier.status is DossierStatus.REGISTERED else []


def _wait(uow: UnitOfWork, dossier: Dossier) -> list[Event]:
    return _set_status(uow, dossier, DossierStatus.AWAITING_FEE)


def _set_status(uow: UnitOfWork, dossier: Dossier, to: DossierStatus) -> list[Event]:
    store.move(uow.conn, dossier, to, at=uow.now, reason=None)
    uow.note(dossier.id, "moved", before=dossier.status, after=to)
    return [StatusMoved(dossier.id)]


def _release(uow: UnitOfWork, dossier: Dossier) -> list[Event]:
    store.release(uow.conn, dossier, at=uow.now)
    uow.note(dossier.id, "released")
    return [DossierReleased(dossier.id)]


def end_dossier(uow: UnitOfWork, dossier_id: str, to: DossierStatus, reason: str) -> tuple[None, list[Event]]:
    """Withdrawn or stopped.

    Raises NotFound, or InvalidState once it has gone out: from then on its department ends it.
    """
    try:
        dossier = store.lock(uow.conn, dossier_id)
    except LookupError:
        raise NotFound(f"no dossier has the id {dossier_id}") from None
    if dossier.released_at is not None:
        raise InvalidState("the dossier has gone out: its department ends it")
    if to not in (DossierStatus.WITHDRAWN, DossierStatus.STOPPED) or to not in LIFECYCLE.moves[dossier.status]:
        raise InvalidState(f"a dossier that is {dossier.status} cannot be {to}")
    store.move(uow.conn, dossier, to, at=uow.now, reason=reason)
    uow.note(dossier.id, "ended", before=dossier.status, after=to, reason=reason)
    return None, [StatusMoved(dossier.id)]
