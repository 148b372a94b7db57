"""Opening a case: a code, what is at risk, and the day by which it has to be settled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hub.calendar import WorkingCalendar
from hub.clock import local, now
from hub.db import Connection, as_set
from hub.fees.exceptions.codes import CODES, ExceptionCode, severity
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id

LINE: Final = "statement_line"
"""what a case about a line of a statement is about"""

_OPEN: Final = """
INSERT INTO fee_exception (id, code, severity, at_risk, object_type, object_id, state, due_on, facts)
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
    uow: UnitOfWork, code: str, object_type: str, object_id: str, at_risk: int, facts: Mapping[str, Any]
) -> str | None:
    """Open a case of ``code`` as Opening says, and note it with what it is about; its id, or None if it is open."""
    opened = open_all(uow.conn, uow.calendar, [Opening(code, object_type, object_id, at_risk, facts)])[0]
    if opened is not None:
        uow.note(f"line {object_id}" if object_type == LINE else object_id, f"case {code}", reason=opened)
    return opened


def open_all(conn: Connection, calendar: WorkingCalendar, openings: Sequence[Opening]) -> list[str | None]:
    """Open many at once, and note none: for each its id, or None if it is open already."""
    ids = [new_id(Prefix.EXCEPTION) for _ in openings]
    today = local(now()).date()
    codes = [ExceptionCode(one.code) for one in openings]
    days = {days: calendar.after(today, days) for days in {CODES[code].days for code in codes}}
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
