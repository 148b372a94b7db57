"""Complaints, loss and damage (TT 17/2017/TT-BTTTT; QĐ 45/2016/QĐ-TTg Đ14): written by people, in terms set by law."""

from datetime import date

from config.postal import Operator
from hub import audit
from hub.calendar import WorkingCalendar
from hub.consignments.levels import months_after
from hub.consignments.model import Consignment
from hub.consignments.words import IncidentKind, Liable, Outcome, Subject
from hub.db import Connection
from hub.errors import InvalidState, NotFound
from hub.locale import vi
from schemas.identifiers import Prefix, new_id


def file(
    conn: Connection,
    calendar: WorkingCalendar,
    operator: Operator,
    row: Consignment,
    *,
    subject: Subject,
    detail: str,
    today: date,
    actor: str,
) -> str:
    """A complaint about this consignment; its id. Raises InvalidState once the time for one is over."""
    levels = operator.levels
    if row.promised_on is not None and today > months_after(row.promised_on, levels.complaint_months):
        raise InvalidState(
            f"{row.id} was promised for {row.promised_on}: complaints end {levels.complaint_months} months later"
        )
    complaint = new_id(Prefix.COMPLAINT)
    is_far = operator.routes[row.route_class].inter_province
    days = levels.complaint_days_inter_province if is_far else levels.complaint_days
    due_on = calendar.after(today, days)
    conn.execute(
        "INSERT INTO complaint (id, consignment_id, subject, detail, filed_on, due_on) VALUES (%s, %s, %s, %s, %s, %s)",
        (complaint, row.id, subject, detail, today, due_on),
    )
    audit.note(conn, row.id, actor, "complaint filed", after=subject, reason=complaint)
    return complaint


def resolve(conn: Connection, complaint: str, *, outcome: Outcome, answer: str, today: date, actor: str) -> str:
    """Settle a complaint; the id of its consignment. Raises NotFound, or InvalidState where it is settled already."""
    row = conn.execute(
        "SELECT consignment_id, outcome FROM complaint WHERE id = %s FOR UPDATE", (complaint,)
    ).fetchone()
    if row is None:
        raise NotFound(f"no complaint has the id {complaint}")
    if row["outcome"] is not None:
        raise InvalidState(f"{complaint} is {row['outcome']} already")
    conn.execute(
        "UPDATE complaint SET outcome = %s, answer = %s, resolved_on = %s WHERE id = %s",
        (outcome, answer, today, complaint),
    )
    audit.note(conn, row["consignment_id"], actor, "complaint resolved", after=outcome, reason=complaint)
    return str(row["consignment_id"])


def incident(
    conn: Connection,
    row: Consignment,
    *,
    kind: IncidentKind,
    liable: Liable,
    compensation: int,
    note: str,
    today: date,
    actor: str,
) -> str:
    """Write down a loss or damage, who is liable and what is paid; its id. A second word corrects the first."""
    found = conn.execute(
        "INSERT INTO incident (id, consignment_id, kind, found_on, liable, compensation, note)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)"
        " ON CONFLICT (consignment_id, kind) DO UPDATE SET liable = excluded.liable, note = excluded.note,"
        "  compensation = excluded.compensation RETURNING id",
        (new_id(Prefix.INCIDENT), row.id, kind, today, liable, compensation, note),
    ).fetchone()
    assert found is not None  # noqa: S101 - one of the two has happened
    audit.note(conn, row.id, actor, f"{kind} recorded", after=liable, reason=vi("{amount} dong", amount=compensation))
    return str(found["id"])
