"""Paid fees without a receipt, or with one that the issuer does not know: exception M03, and a gate of the month."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from psycopg.rows import class_row

from hub.clock import VIETNAM, last_of
from hub.db import Connection
from hub.errors import InvalidState
from hub.events import Event
from hub.fees import exceptions
from hub.fees.exceptions import FeeException
from hub.fees.receipts.store import BARE
from hub.locale import vi
from hub.unit_of_work import UnitOfWork

PATIENCE: Final = timedelta(days=1)
"""a receipt is issued and voided on the day on which that is due"""
_MOST: Final = 1000
"""exceptions that are opened at a time"""
_WHY: Final = {
    "not issued": vi("not made"),
    "not published": vi("not sent to the issuer"),
    "other number": vi("the issuer's number is not the hub's"),
}

# What is missing or not known to the issuer, of demands that were paid in [%(first)s, %(behind)s). OFFSET 0 keeps the
# planner from working receipt_due out for every demand there is.
_GAPS: Final = f"""
WITH suspect AS MATERIALIZED ({BARE} UNION SELECT r.demand_id FROM receipt r WHERE r.voided_at IS NULL
    AND r.counterparty IS NOT NULL AND r.issuer_number IS DISTINCT FROM r.number)
SELECT due.demand_id, due.kind, due.amount, due.department, due.since, r.id AS receipt_id,
       CASE WHEN r.id IS NULL THEN 'not issued' WHEN r.published_at IS NULL THEN 'not published'
            ELSE 'other number' END AS why
FROM suspect s CROSS JOIN LATERAL (
    SELECT demand_id, kind, amount, department, since FROM receipt_due WHERE demand_id = s.demand_id OFFSET 0) AS due
LEFT JOIN receipt r ON (r.demand_id, r.kind) = (due.demand_id, due.kind) AND r.voided_at IS NULL
WHERE (r.id IS NULL OR (r.counterparty IS NOT NULL AND r.issuer_number IS DISTINCT FROM r.number))
  AND due.since >= %(first)s AND due.since < %(behind)s
ORDER BY due.since, due.demand_id, due.kind
"""


@dataclass(frozen=True, slots=True)
class Gap:
    """A kind of fee of a paid demand without a receipt that is valid in the hub and at the issuer alike."""

    demand_id: str
    kind: str
    amount: int
    department: str
    since: datetime
    """since when it is due"""
    receipt_id: str | None
    why: str
    """"not issued", "not published", "other number" """


def missing(conn: Connection, month: date) -> list[Gap]:
    """The gaps of a month (any day of it): while there is one, the month cannot be closed."""
    return _gaps(conn, _midnight(month.replace(day=1)), _midnight(last_of(month) + timedelta(days=1)))


def report(uow: UnitOfWork) -> int:
    """Open M03 for each gap older than a day; how many were opened."""
    opened = 0
    for gap in _gaps(uow.conn, datetime.min.replace(tzinfo=VIETNAM), uow.now - PATIENCE)[:_MOST]:
        about = ("receipt", gap.receipt_id) if gap.receipt_id else ("fee_demand", gap.demand_id)
        facts = {"why": gap.why, "kind": gap.kind, "demand": gap.demand_id}
        opened += exceptions.open_exception(uow, "M03", *about, gap.amount, facts) is not None
    return opened


def mended(uow: UnitOfWork, exception: FeeException, details: Mapping[str, str]) -> list[Event]:  # noqa: ARG001 - takes none
    """Resolve M03: nothing is missing any more. Raises InvalidState where something is."""
    gap = uow.conn.execute(
        f"SELECT why FROM ({_GAPS}) AS g WHERE %(object)s IN (demand_id, receipt_id) LIMIT 1",
        {"first": datetime.min.replace(tzinfo=VIETNAM), "behind": uow.now, "object": exception.object_id},
    ).fetchone()
    if gap is not None:
        raise InvalidState(vi("receipts are still missing: {reasons}", reasons=_WHY[gap["why"]]))
    return []


def _gaps(conn: Connection, first: datetime, behind: datetime) -> list[Gap]:
    parameters: dict[str, Any] = {"first": first, "behind": behind}
    with conn.cursor(row_factory=class_row(Gap)) as cursor:
        return cursor.execute(_GAPS, parameters).fetchall()


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=VIETNAM)
