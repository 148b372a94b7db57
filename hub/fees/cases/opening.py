"""Opening a case: a code, what is at risk, and the day by which it has to be settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final

from hub.calendar import Calendar
from hub.calendar.law import year_by_law
from hub.clock import local, now
from hub.db import Connection, as_set
from hub.fees.cases.codes import CODES, Code, severity
from schemas.identifiers import Prefix, new_id

_SATURDAY: Final = 5

_OPEN: Final = """
INSERT INTO exception_case (id, code, severity, at_risk, object_type, object_id, state, due_on, facts)
SELECT id, code, severity, at_risk, object_type, object_id, 'open', due_on, facts
FROM ROWS FROM (json_to_recordset(%s) AS (id text, code text, severity smallint, at_risk bigint, object_type text,
        object_id text, due_on date, facts jsonb))
    WITH ORDINALITY AS c (id, code, severity, at_risk, object_type, object_id, due_on, facts, place)
ORDER BY place
ON CONFLICT (code, object_type, object_id) WHERE state <> 'resolved' DO NOTHING RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Opening:
    """A case to be opened, about one object (one of our ids, or a number of ours).

    ``at_risk`` in đồng. ``facts``: what was seen and tried, without anybody's words.
    """

    code: str
    object_type: str
    object_id: str
    at_risk: int
    facts: Mapping[str, Any]


def open_case(
    conn: Connection,
    code: str,
    object_type: str,
    object_id: str,
    at_risk: int,
    facts: Mapping[str, Any],
    *,
    calendar: Calendar | None = None,
) -> str | None:
    """Open a case of ``code`` as Opening says; its id, or None if it is open already."""
    return open_all(conn, [Opening(code, object_type, object_id, at_risk, facts)], calendar=calendar)[0]


def open_all(conn: Connection, openings: Sequence[Opening], *, calendar: Calendar | None = None) -> list[str | None]:
    """``open_case`` for many at once: for each its id, or None if it is open already.

    ``calendar``: the Centre's; without it the working days are those of the law.
    """
    ids = [new_id(Prefix.EXCEPTION) for _ in openings]
    today = local(now()).date()
    codes = [Code(one.code) for one in openings]
    days = {days: due(today, days, calendar) for days in {CODES[code].days for code in codes}}
    rows = [
        {
            "id": case,
            "code": code,
            "severity": severity(code, one.at_risk),
            "at_risk": one.at_risk,
            "object_type": one.object_type,
            "object_id": one.object_id,
            "due_on": days[CODES[code].days],
            "facts": dict(one.facts),
        }
        for case, code, one in zip(ids, codes, openings, strict=True)
    ]
    opened = {row["id"] for row in conn.execute(_OPEN, (as_set(rows),))} if openings else set()
    return [case if case in opened else None for case in ids]


def due(day: date, working_days: int, calendar: Calendar | None = None) -> date:
    """The day on which ``working_days`` after ``day`` are over."""
    while working_days:
        day += timedelta(days=1)
        working_days -= calendar.is_working_day(day) if calendar else _is_worked(day)
    return day


def _is_worked(day: date) -> bool:
    listed = year_by_law(day.year)
    return day in listed.worked or (day.weekday() < _SATURDAY and day not in listed.off)
