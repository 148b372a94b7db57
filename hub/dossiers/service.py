"""Handlers of a dossier's life: open, wait for the fee or release, accept, move by the department's reports, end."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

from hub.audit import AuditAction
from hub.clock import local
from hub.codes import HubCode
from hub.dossiers import store
from hub.dossiers.store import FINAL, IMPLIED, LIFECYCLE, Dossier, DossierStatus
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
    """Make a submission a dossier, with its code, department and due date (NĐ 61/2018 Đ17; Decision 743 Đ5.2.d)."""
    submission = uow.submissions[message.id] = Submission.model_validate_json(message.body)
    procedure = uow.catalogue.procedures.get(submission.procedure)
    if procedure is None:
        raise ManualAction(
            HubCode.PROCEDURE_UNKNOWN, "the procedure left the catalogue after the submission was accepted"
        )
    today = local(message.received_at).date()
    code = _code(uow, submission) or _issued(uow, message.id, today)
    store.add(
        uow,
        message.id,
        code,
        reference=submission.reference,
        procedure=procedure.code,
        department=procedure.department,
        received_at=message.received_at,
        due_at=uow.calendar.due(message.received_at, procedure.working_hours),
    )
    uow.write_audit(message.id, AuditAction.DOSSIER_OPENED, after=DossierStatus.REGISTERED, reason=code.normalised)
    return [DossierOpened(message.id, procedure.code, message.received_at)]


def _code(uow: UnitOfWork, submission: Submission) -> DossierCode | None:
    """The code that the portal issued, if any. Raises MessageRefused if another dossier has it."""
    if submission.dossier_code is None:
        return None
    code = DossierCode.received(submission.dossier_code)
    if store.is_taken(uow.unflushed, code):
        # The endpoint checks this too, but another submission with this code was under way then.
        raise MessageRefused(
            HubCode.DOSSIER_CODE_TAKEN, vi("Dossier code {raw} belongs to another dossier already", raw=code.raw)
        )
    return code


def reserve_codes(uow: UnitOfWork, messages: Sequence[Message]) -> None:
    """Reserve codes of the Centre for the submissions that come without one of the portal's."""
    days: dict[date, list[str]] = {}
    for message in messages:
        if Submission.model_validate_json(message.body).dossier_code is None:
            days.setdefault(local(message.received_at).date(), []).append(message.id)
    for day, submissions in sorted(days.items()):
        store.reserve_codes(uow.unflushed, uow.catalogue.portal.centre, day, submissions)


def _issued(uow: UnitOfWork, submission_id: str, today: date) -> DossierCode:
    """The Centre's code for the submission, skipping those that the portal has issued in the Centre's name."""
    code = store.reserved_code(uow.unflushed, submission_id)
    if code is None:
        code = store.issue_code(uow.unflushed, uow.catalogue.portal.centre, today)
    while store.is_taken(uow.unflushed, code):
        code = store.issue_code(uow.unflushed, uow.catalogue.portal.centre, today)
    return code


def taken(uow: UnitOfWork, event: HandoffAcknowledged) -> list[Event]:
    """The department has the dossier: it is accepted, unless a report has already moved it on."""
    dossier = store.lock(uow, event.dossier_id)
    # Reports that came before the receipt have been waiting for it.
    uow.wakeups.extend(inbox.wake(uow.unflushed, f"department.{dossier.department}", dossier.code))
    if dossier.status is not DossierStatus.REGISTERED:
        return []
    return _move(uow, dossier, DossierStatus.ACCEPTED, event)


def not_taken(uow: UnitOfWork, event: HandoffRefused) -> list[Event]:
    """The department has refused the dossier. That is an answer, not a failure: the applicant is told why."""
    return _move(uow, store.lock(uow, event.dossier_id), DossierStatus.NOT_ACCEPTED, event)


def _move(
    uow: UnitOfWork, dossier: Dossier, to: DossierStatus, event: HandoffAcknowledged | HandoffRefused
) -> list[Event]:
    reason = event.reason if isinstance(event, HandoffRefused) else None
    # A receipt's clock may be wrong, too: nobody takes a dossier later than we hear of it.
    store.move(uow, dossier, to, at=min(event.at, uow.now), reason=reason)
    uow.write_audit(dossier.id, AuditAction.DOSSIER_STATUS_CHANGED, before=dossier.status, after=to)
    return [StatusMoved(dossier.id, to)]


def report(uow: UnitOfWork, message: Message) -> list[Event]:
    """Apply a department's status report.

    1. Map its code to our status. An unknown code, or a report dated ahead of its arrival, waits for a person.
    2. A repeated or late report goes to the audit log and moves nothing; a late result or end waits for a person.
    3. Find the path to the new status. Where reports in between are missing, wait for them for the department's
       ``gap_patience_seconds``, then go on without them.
    4. Move the dossier along the path.
    """
    # 1.
    status_report = StatusReport.model_validate_json(message.body)
    department = uow.catalogue.departments[message.source.removeprefix("department.")]
    meaning = department.status.get(status_report.status)
    if meaning is None:
        raise ManualAction(
            HubCode.STATUS_UNKNOWN, f"{department.code} has no status {status_report.status!r} in its table"
        )
    dossier = store.lock_by_code(uow, DossierCode.received(status_report.dossier_code), department.code)
    if dossier is None or dossier.released_at is None:
        raise RetryLater(HubCode.DOSSIER_UNKNOWN, "no dossier with this code has been handed to this department")
    to, at = DossierStatus(meaning.value), uow.reported_at(message, status_report.at)
    back = (
        [HandedBack(dossier.id, department.code, to, at, status_report.signed)]
        if status_report.signed is not None
        else []
    )
    # 2.
    if _is_repeated_or_late(uow, message, dossier, status_report.report_id, to, at):
        return [*back]
    # 3.
    steps = LIFECYCLE.path(dossier.status, to, through=IMPLIED)
    if not steps:
        raise ManualAction(HubCode.MOVE_REFUSED, f"{to} is not a valid transition from {dossier.status}")
    if len(steps) > 1 and uow.now < message.received_at + timedelta(seconds=department.gap_patience_seconds):
        raise RetryLater(HubCode.REPORT_EARLY, f"{to} is reported while the dossier is still {dossier.status}")
    # 4.
    for step in steps:
        action = AuditAction.DOSSIER_STATUS_CHANGED if step is to else AuditAction.DOSSIER_STATUS_INFERRED
        uow.write_audit(dossier.id, action, before=dossier.status, after=step, reason=status_report.report_id)
        dossier = store.move(uow, dossier, step, at=at, reason=status_report.note, by_report=True)
    return [*back, StatusMoved(dossier.id, to)]


def _is_repeated_or_late(
    uow: UnitOfWork, message: Message, dossier: Dossier, report_id: str, to: DossierStatus, at: datetime
) -> bool:
    """Whether the report repeats the dossier's status or is late. Raises ManualAction for a late result or end."""
    if to is dossier.status:
        if dossier.by_report or at >= dossier.status_at - uow.clock_skew:
            # The status is confirmed at this later time: reports of the time between are late from now on.
            store.confirm(uow, dossier, at=max(at, dossier.status_at) if dossier.by_report else at)
        uow.write_audit(
            dossier.id, AuditAction.DOSSIER_REPORT_REPEATED, before=dossier.status, after=to, reason=report_id
        )
        return True
    if not _is_late(dossier, to, at, uow.clock_skew) or message.held_for == HubCode.REPORT_LATE:
        return False
    has_gone_on = dossier.status in FINAL and _may_precede(to, dossier.status)
    if to in FINAL and not has_gone_on:
        raise ManualAction(HubCode.REPORT_LATE, f"{to} is reported for a time before the dossier was {dossier.status}")
    uow.write_audit(dossier.id, AuditAction.DOSSIER_REPORT_LATE, before=dossier.status, after=to, reason=report_id)
    return True


def _is_late(dossier: Dossier, to: DossierStatus, at: datetime, clock_skew: timedelta) -> bool:
    """Whether the report's time is before the time of the dossier's current status.

    A department's reports share one clock, so of two of them the later one counts, unless the lifecycle allows the
    other order only. Receipts have another clock: within the clock skew the order of arrival counts.
    """
    if dossier.status is DossierStatus.REGISTERED or at >= dossier.status_at:
        return False
    if at < dossier.status_at - clock_skew:
        return True
    return dossier.by_report and _may_precede(to, dossier.status)


def _may_precede(earlier: DossierStatus, later: DossierStatus) -> bool:
    return bool(LIFECYCLE.path(earlier, later, through=IMPLIED))


RELEASE: Final = "dossier.release"
SOURCE: Final = "hub"
_HELD: Final = frozenset({DossierStatus.REGISTERED, DossierStatus.AWAITING_FEE})


def release(uow: UnitOfWork, event: FeeNotDue) -> list[Event]:
    """No fee is due: release the dossier to its department."""
    return _release(uow, store.lock(uow, event.dossier_id))


def release_or_wait(uow: UnitOfWork, event: FeeDemanded) -> list[Event]:
    """Hold the dossier if its fee is to be paid first; release it otherwise."""
    dossier = store.lock(uow, event.dossier_id)
    return _wait(uow, dossier) if event.pay_first else _release(uow, dossier)


def covered(uow: UnitOfWork, event: FeePaid | FeeWaived) -> list[Event]:
    """The fee is paid or waived: a dossier that waited is registered again, and its term begins now.

    It is released by an inbox message of our own, so that the money is booked even while nobody can sign the handoff.
    """
    dossier = store.lock(uow, event.dossier_id)
    if dossier.released_at is not None or dossier.status not in _HELD:
        return []
    message = new_id(Prefix.INBOX)
    arrival = Arrival(message, SOURCE, RELEASE, message, message, dossier.id.encode(), media_type="text/plain")
    uow.wakeups.append(Wakeup(inbox.QUEUE, inbox.accept(uow.unflushed, arrival).id))
    if dossier.status is DossierStatus.REGISTERED:
        return []
    procedure = uow.catalogue.procedures.get(dossier.procedure)
    if procedure is not None:
        dossier = store.begin_term(uow, dossier, due_at=uow.calendar.due(event.at, procedure.working_hours))
    return _set_status(uow, dossier, DossierStatus.REGISTERED)


def release_paid(uow: UnitOfWork, message: Message) -> list[Event]:
    """Handle the message of ``covered``: release the dossier, unless the payment was reversed meanwhile."""
    dossier = store.lock(uow, message.body.decode())
    if dossier.released_at is not None or dossier.status is not DossierStatus.REGISTERED:
        uow.write_audit(dossier.id, AuditAction.DOSSIER_NOT_RELEASED, before=dossier.status)
        return []
    return _release(uow, dossier)


def reopened(uow: UnitOfWork, event: FeeReopened) -> list[Event]:
    """A payment was reversed: the dossier waits again if it is not released; else fees open an exception."""
    dossier = store.lock(uow, event.dossier_id)
    if dossier.released_at is not None:
        uow.write_audit(
            dossier.id, AuditAction.DOSSIER_UNPAID_AFTER_RELEASE, before=dossier.status, reason=event.fee.demand_id
        )
        return []
    return _wait(uow, dossier) if dossier.status is DossierStatus.REGISTERED else []


def _wait(uow: UnitOfWork, dossier: Dossier) -> list[Event]:
    return _set_status(uow, dossier, DossierStatus.AWAITING_FEE)


def _set_status(uow: UnitOfWork, dossier: Dossier, to: DossierStatus) -> list[Event]:
    store.move(uow, dossier, to, at=uow.now, reason=None)
    uow.write_audit(dossier.id, AuditAction.DOSSIER_STATUS_CHANGED, before=dossier.status, after=to)
    return [StatusMoved(dossier.id, to)]


def _release(uow: UnitOfWork, dossier: Dossier) -> list[Event]:
    store.release(uow, dossier)
    uow.write_audit(dossier.id, AuditAction.DOSSIER_RELEASED)
    return [DossierReleased(dossier.id, dossier.terms)]


def end_dossier(uow: UnitOfWork, dossier_id: str, to: DossierStatus, reason: str) -> tuple[None, list[Event]]:
    """End the dossier as withdrawn or stopped.

    Raises NotFound, or InvalidState once it is released: from then on its department ends it.
    """
    try:
        dossier = store.lock(uow, dossier_id)
    except LookupError:
        raise NotFound(f"no dossier has the id {dossier_id}") from None
    if dossier.released_at is not None:
        raise InvalidState("the dossier has been handed to its department, which ends it")
    if to not in (DossierStatus.WITHDRAWN, DossierStatus.STOPPED) or to not in LIFECYCLE.moves[dossier.status]:
        raise InvalidState(f"a dossier that is {dossier.status} cannot be {to}")
    store.move(uow, dossier, to, at=uow.now, reason=reason)
    uow.write_audit(dossier.id, AuditAction.DOSSIER_ENDED, before=dossier.status, after=to, reason=reason)
    return None, [StatusMoved(dossier.id, to)]
