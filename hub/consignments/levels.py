"""What the operator owes us in time (TT 17/2017/TT-BTTTT), and when a person has to look: pure functions of days.

J is the day on the slip, n counts working days. None of this moves a legal time: a dossier is submitted when the minute
of its handover is signed, not when it is posted (QĐ 45/2016 Đ7).
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from config.postal import Levels
from hub.calendar import WorkingCalendar
from hub.clock import local
from hub.consignments.model import SETTLED, Consignment, ConsignmentStatus
from hub.consignments.words import Concern


@dataclass(frozen=True, slots=True)
class Raised:
    """One thing for a person to look at; ``occasion`` tells it from the same thing at another time."""

    kind: Concern
    occasion: str


@dataclass(frozen=True, slots=True)
class Known:
    """What else is known of a consignment when one asks what is wrong with it."""

    incidents: frozenset[str] = frozenset()
    overdue_complaints: tuple[str, ...] = ()


def months_after(day: date, months: int) -> date:
    """The same day so many months on; the month's last where it has no such day (Civil Code 2015 Đ147)."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first_of_next = date(year + (month + 1) // 12, (month + 1) % 12 + 1, 1)
    return date(year, month + 1, min(day.day, (first_of_next - timedelta(days=1)).day))


def concerns(calendar: WorkingCalendar, levels: Levels, row: Consignment, known: Known, now: datetime) -> set[Raised]:
    """Everything about this consignment that a person has to look at now."""
    found = {Raised(Concern.COMPLAINT_OVERDUE, complaint) for complaint in known.overdue_complaints}
    found |= _faults(levels, row, known)
    if row.stands in (ConsignmentStatus.ORDERED, ConsignmentStatus.ACCEPTED):
        ordered_on = local(row.ordered_at).date()
        if _is_over(calendar, calendar.after(ordered_on, levels.days_to_collect), now):
            found.add(Raised(Concern.NOT_COLLECTED, ordered_on.isoformat()))
    elif row.stands not in SETTLED | {ConsignmentStatus.LOST}:
        found |= _delays(calendar, levels, row, now)
    return found


def _faults(levels: Levels, row: Consignment, known: Known) -> set[Raised]:
    """What went wrong, whatever the day."""
    found: set[Raised] = set()
    once = row.status_at.isoformat()
    if row.stands in (ConsignmentStatus.REFUSED, ConsignmentStatus.RETURNED):
        found.add(Raised(Concern(row.status), once))
    if (
        row.stands in (ConsignmentStatus.RETURNING, ConsignmentStatus.RETURNED)
        and len(row.attempts) < levels.invitations
    ):
        found.add(Raised(Concern.RETURNED_EARLY, ""))
    if row.stands is ConsignmentStatus.LOST and "loss" not in known.incidents:
        found.add(Raised(Concern.LOST, once))
    if row.damaged and "damage" not in known.incidents:
        found.add(Raised(Concern.DAMAGED, ""))
    if row.late_events:
        found.add(Raised(Concern.AFTER_THE_END, str(row.late_events)))
    if row.item_code_ok is False:
        found.add(Raised(Concern.ITEM_CODE, str(row.item_code)))
    return found


def _delays(calendar: WorkingCalendar, levels: Levels, row: Consignment, now: datetime) -> set[Raised]:
    """What has not happened in time, of a consignment that is on its way."""
    found: set[Raised] = set()
    heard_on = local(row.last_event_at).date()
    if _is_over(calendar, calendar.after(heard_on, levels.silent_after_days), now):
        found.add(Raised(Concern.SILENT, row.last_event_at.isoformat()))
    if row.promised_on and not row.attempts and _is_over(calendar, row.promised_on, now):
        found.add(Raised(Concern.LATE, row.promised_on.isoformat()))
    if row.attempts and row.stands is not ConsignmentStatus.RETURNING:
        last = local(row.attempts[-1]).date()
        if len(row.attempts) < levels.invitations:
            kind, days = Concern.NO_SECOND_INVITATION, levels.days_between_invitations
        else:
            kind, days = Concern.NO_RETURN, levels.days_to_return
        if _is_over(calendar, calendar.after(last, days), now):
            found.add(Raised(kind, row.attempts[-1].isoformat()))
    return found


def _is_over(calendar: WorkingCalendar, day: date, now: datetime) -> bool:
    """Whether the work of ``day`` is done: asked that evening, before the citizen calls us in the morning."""
    return now >= calendar.closing(day) if calendar.is_working_day(day) else local(now).date() > day
