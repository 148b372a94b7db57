"""Exceptions: each is one thing about money that a person has to settle.

Whoever changes one has locked the dossiers that it is about first.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any, Final

from psycopg import errors
from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from hub.audit import AuditAction
from hub.calendar import WorkingCalendar
from hub.clock import local, now
from hub.db import Connection, as_set
from hub.errors import InvalidState, NotFound
from hub.fees.exceptions.codes import CODES, ExceptionCode, ExceptionDescription, severity
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id

STATES: Final = {
    "open": vi("unassigned"),
    "assigned": vi("assigned"),
    "proposed": vi("waiting for a second person"),
    "resolved": vi("resolved"),
}
"""An exception goes along these; a later match may resolve it from any of them, and a person may open it again."""


@dataclass(frozen=True, slots=True)
class FeeException:
    """An exception's row. ``at_risk`` in đồng; ``severity``: 1 is the worst of four."""

    id: str
    code: str
    severity: int
    at_risk: int
    object_type: str
    """``payment``, ``fee_demand``, ``statement_line``, ``notify_event``, ``statement_file``, ``invariant``, …"""
    object_id: str
    state: str
    due_on: date
    facts: Mapping[str, Any]
    """what was seen and tried, without anybody's words"""
    resolution: str | None
    details: Mapping[str, str]
    """what the resolution has to know: the demand, the line, the decision's number, …"""
    reason: str | None
    persons: int | None
    """how many the resolution takes"""
    maker: str | None
    checker: str | None
    assigned_to: str | None
    carried_by: str | None
    carried_reason: str | None
    opened_at: datetime
    resolved_at: datetime | None

    @property
    def about(self) -> ExceptionDescription:
        return ExceptionCode(self.code).about

    @property
    def payment(self) -> str | None:
        """The payment that it is about."""
        return self.object_id if self.object_type == "payment" else self._fact("payment")

    @property
    def line(self) -> str | None:
        """The statement line that it is about, by its number."""
        return self.object_id if self.object_type == "statement_line" else self._fact("line")

    @property
    def demand(self) -> str | None:
        """The fee demand that it is about."""
        return self.object_id if self.object_type == "fee_demand" else self._fact("demand")

    def _fact(self, name: str) -> str | None:
        value = self.facts.get(name)
        return None if value is None else str(value)


_COLUMNS: Final = ", ".join(field.name for field in fields(FeeException))

_STANDING: Final = """
SELECT l.account, l.item, abs(sum(l.dr - l.cr))::bigint AS net FROM ledger_line l
WHERE l.account IN ('338', '339', '341') AND l.item = ANY(%(items)s) AND NOT EXISTS (
    SELECT 1 FROM fee_exception c WHERE c.state <> 'resolved' AND c.id <> %(id)s AND c.code <> 'N02'
        AND (c.object_id = l.item OR c.facts ->> 'payment' = l.item OR c.facts ->> 'line' = l.item))
GROUP BY l.account, l.item HAVING sum(l.dr - l.cr) <> 0
"""


_MOVEMENT: Final = """
SELECT bank_ref, booking_date AS day, amount AS moved, 1 AS rank FROM statement_line WHERE id::text = %(line)s
UNION ALL SELECT bank_ref, business_date, amount, 2 FROM payment WHERE id = %(payment)s ORDER BY rank LIMIT 1
"""


def find(conn: Connection, exception_id: str) -> FeeException:
    """The exception. Raises NotFound."""
    return _one(conn, exception_id, "")


def lock(conn: Connection, exception_id: str) -> FeeException:
    """Lock the exception. Raises NotFound."""
    return _one(conn, exception_id, " FOR UPDATE")


def _one(conn: Connection, exception_id: str, ending: str) -> FeeException:
    with conn.cursor(row_factory=class_row(FeeException)) as cursor:
        row = cursor.execute(f"SELECT {_COLUMNS} FROM fee_exception WHERE id = %s{ending}", (exception_id,)).fetchone()
    if row is None:
        raise NotFound(vi("there is no exception {exception_id}", exception_id=exception_id))
    return row


def change(conn: Connection, exception_id: str, **columns: Any) -> None:
    """Write these columns of a locked exception.

    Raises InvalidState where the object has another open exception of the code.
    """
    values = {name: Jsonb(value) if isinstance(value, Mapping) else value for name, value in columns.items()}
    assignments = ", ".join(f"{name} = %({name})s" for name in sorted(columns))
    try:
        conn.execute(f"UPDATE fee_exception SET {assignments} WHERE id = %(id)s", {**values, "id": exception_id})
    except errors.UniqueViolation as error:
        raise InvalidState(vi("another exception of this code about this item is open")) from error


def standing(conn: Connection, exception: FeeException) -> int:
    """What still waits on 338, 339 or 341 with nobody but this exception behind it; đồng."""
    items = [item for item in (exception.object_id, exception.payment, exception.line) if item]
    rows = conn.execute(_STANDING, {"items": items, "id": exception.id}).fetchall()
    return sum(int(row["net"]) for row in rows)


def movement(conn: Connection, exception: FeeException) -> dict[str, Any]:
    """What to look for at the bank: its number, day and amount of what the exception is about. No payer's words."""
    row = conn.execute(_MOVEMENT, {"line": exception.line, "payment": exception.payment}).fetchone() or {}
    return {name: row[name] for name in ("bank_ref", "day", "moved") if row.get(name) is not None}


def listing(
    conn: Connection,
    *,
    states: Sequence[str],
    code: str | None = None,
    assigned_to: str | None = None,
    limit: int,
) -> list[FeeException]:
    """Exceptions, the most urgent first: by their day, then the worst, then the dearest."""
    with conn.cursor(row_factory=class_row(FeeException)) as cursor:
        return cursor.execute(
            f"SELECT {_COLUMNS} FROM fee_exception WHERE state = ANY(%(states)s)"
            " AND (%(code)s::text IS NULL OR code = %(code)s)"
            " AND (%(person)s::text IS NULL OR assigned_to = %(person)s)"
            " ORDER BY due_on, severity, at_risk DESC, id LIMIT %(limit)s",
            {"states": list(states), "code": code, "person": assigned_to, "limit": limit},
        ).fetchall()


# Opening: a code, what is at risk, and the day by which it has to be settled.

LINE: Final = "statement_line"
"""what an exception about a line of a statement is about"""

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
    """An exception to be opened, about one object (one of our ids, or a number of ours).

    ``at_risk`` in đồng. ``facts``: what was seen and tried, without anybody's words.
    """

    code: str
    object_type: str
    object_id: str
    at_risk: int
    facts: Mapping[str, Any]


def open_exception(
    uow: UnitOfWork, code: str, object_type: str, object_id: str, at_risk: int, facts: Mapping[str, Any]
) -> str | None:
    """Open an exception and write it to the audit log of its object; its id, or None if it is open already."""
    opened = open_all(uow.conn, uow.calendar, [Opening(code, object_type, object_id, at_risk, facts)])[0]
    if opened is not None:
        uow.write_audit(
            f"line {object_id}" if object_type == LINE else object_id,
            AuditAction.EXCEPTION_OPENED,
            after=code,
            reason=opened,
        )
    return opened


def open_all(conn: Connection, calendar: WorkingCalendar, openings: Sequence[Opening]) -> list[str | None]:
    """Open many at once, and note none: for each its id, or None if it is open already."""
    ids = [new_id(Prefix.EXCEPTION) for _ in openings]
    today = local(now()).date()
    codes = [ExceptionCode(one.code) for one in openings]
    days = {days: calendar.after(today, days) for days in {CODES[code].days for code in codes}}
    rows = [
        {
            "id": exception_id,
            "code": code,
            "severity": severity(code, one.at_risk),
            "at_risk": one.at_risk,
            "object_type": one.object_type,
            "object_id": one.object_id,
            "due_on": days[CODES[code].days],
            "facts": dict(one.facts),
        }
        for exception_id, code, one in zip(ids, codes, openings, strict=True)
    ]
    opened = {row["id"] for row in conn.execute(_OPEN, (as_set(rows),))} if openings else set()
    return [exception_id if exception_id in opened else None for exception_id in ids]


# Exceptions that end by themselves: what came later explains them.

_COVERED: Final = """
UPDATE fee_exception c SET state = 'resolved', resolution = 'paid in full'
FROM fee_demand d WHERE c.object_type = 'fee_demand' AND c.object_id = d.id AND d.id = ANY(%s) AND c.code = 'R04'
    AND c.state <> 'resolved' AND d.allocated + d.waived = d.amount_due
"""

_RESOLVE: Final = """
UPDATE fee_exception SET state = 'resolved', resolution = %(resolution)s, maker = %(maker)s, checker = %(checker)s
WHERE object_type = %(type)s AND object_id = ANY(%(objects)s) AND state <> 'resolved' AND id <> %(but)s
    AND (%(codes)s::text[] IS NULL OR code = ANY(%(codes)s)) RETURNING id
"""

_RESOLVE_REFUNDED: Final = """
UPDATE fee_exception SET state = 'resolved', resolution = %(resolution)s, persons = 2, maker = %(maker)s,
    checker = %(checker)s, details = jsonb_build_object('refund', %(refund)s::text)
WHERE state <> 'resolved' AND code = ANY(%(codes)s) AND (
    object_id IN (%(item)s, %(refund)s) OR facts ->> 'payment' = %(item)s
    OR object_type = 'statement_line' AND object_id = ANY(%(lines)s))
RETURNING id
"""

_REOPEN: Final = """
UPDATE fee_exception c SET state = CASE WHEN assigned_to IS NULL THEN 'open' ELSE 'assigned' END, resolution = NULL,
    persons = NULL, maker = NULL, checker = NULL, details = '{}', reason = NULL
WHERE id = ANY(%s) AND state = 'resolved' AND NOT EXISTS (
    SELECT 1 FROM fee_exception o WHERE o.state <> 'resolved'
      AND (o.code, o.object_type, o.object_id) = (c.code, c.object_type, c.object_id))
RETURNING id
"""


def resolve_paid(conn: Connection, demands: Collection[str]) -> None:
    """Resolve R04 (less came than is due) of those of these demands of which nothing is outstanding any more."""
    conn.execute(_COVERED, (sorted(demands),))


def resolve_about(
    conn: Connection,
    object_type: str,
    object_ids: Collection[str],
    resolution: str,
    *,
    codes: Collection[str] | None = None,
    but: str = "",
    maker: str | None = None,
    checker: str | None = None,
) -> list[str]:
    """Resolve the unresolved exceptions about these objects, for a reason that is no decision about them.

    ``codes``: only of these. ``but``: the id of one that stays as it is. Returns the ids of the resolved.
    """
    parameters = {
        "type": object_type,
        "objects": list(object_ids),
        "resolution": resolution,
        "codes": None if codes is None else list(codes),
        "but": but,
        "maker": maker,
        "checker": checker,
    }
    return [row["id"] for row in conn.execute(_RESOLVE, parameters)]


def resolve_refunded(
    conn: Connection,
    codes: Collection[str],
    *,
    item: str,
    lines: Collection[str],
    refund: str,
    resolution: str,
    maker: str,
    checker: str,
) -> list[str]:
    """Resolve the exceptions about money that ``refund`` gives back, by two persons. Returns their ids.

    ``item``: the demand, payment or line that the refund is of; ``lines``: the statement lines that show the money.
    """
    parameters = {
        "codes": list(codes),
        "item": item,
        "lines": list(lines),
        "refund": refund,
        "resolution": resolution,
        "maker": maker,
        "checker": checker,
    }
    return [row["id"] for row in conn.execute(_RESOLVE_REFUNDED, parameters)]


def reopen(conn: Connection, exception_ids: Collection[str]) -> list[str]:
    """Open resolved exceptions again, except where another about the same object is open. Returns their ids."""
    return [row["id"] for row in conn.execute(_REOPEN, (list(exception_ids),))]


# Reads by what exceptions are about: payments, statement lines, demands.

_ABOUT: Final = """
WITH about AS (  -- a notify_event has a number for its id, as a statement line has
    SELECT id, object_id AS item FROM fee_exception
    WHERE state <> 'resolved' AND object_id = ANY(%(items)s) AND object_type <> 'notify_event'
    UNION SELECT id, facts ->> 'payment' FROM fee_exception
          WHERE state <> 'resolved' AND facts ->> 'payment' = ANY(%(items)s)
    UNION SELECT id, facts ->> 'line' FROM fee_exception WHERE state <> 'resolved' AND facts ->> 'line' = ANY(%(items)s)
)
"""


def open_about(conn: Connection, items: Sequence[str]) -> list[FeeException]:
    """Open exceptions about these payments or statement lines, directly or by their facts; the first due first."""
    with conn.cursor(row_factory=class_row(FeeException)) as cursor:
        return cursor.execute(
            f"{_ABOUT} SELECT {_COLUMNS} FROM fee_exception WHERE id IN (SELECT id FROM about) ORDER BY due_on, id",
            {"items": list(items)},
        ).fetchall()


def codes_about(conn: Connection, items: Sequence[str]) -> dict[str, list[str]]:
    """Item → the codes of the open exceptions about it, in order."""
    rows = conn.execute(
        f"{_ABOUT} SELECT a.item, array_agg(DISTINCT c.code ORDER BY c.code) AS codes"
        " FROM about a JOIN fee_exception c ON c.id = a.id GROUP BY a.item",
        {"items": list(items)},
    )
    return {row["item"]: row["codes"] for row in rows}


# What exceptions are about, as an accountant knows it: dossier, payment reference, the payer's words, the amount.

_NAMED: Final = r"""
WITH asked AS (
    SELECT c.id, c.at_risk, c.facts, c.object_type, c.object_id,
        CASE c.object_type WHEN 'payment' THEN c.object_id ELSE c.facts ->> 'payment' END AS payment,
        CASE c.object_type WHEN 'statement_line' THEN c.object_id ELSE c.facts ->> 'line' END AS line
    FROM fee_exception c WHERE c.id = ANY(%s)
)
SELECT a.id, o.raw_code AS dossier, coalesce(d.reference, p.reference, a.facts -> 'references' ->> 0) AS reference,
    coalesce(nullif(p.text, ''), l.text, e.reference_text) AS words,
    coalesce(nullif(a.at_risk, 0), abs(l.amount), p.amount, e.amount, d.amount_due, 0) AS amount
FROM asked a LEFT JOIN payment p ON p.id = a.payment
LEFT JOIN LATERAL (
    SELECT text, amount FROM statement_line WHERE id = coalesce(
        CASE WHEN a.line ~ '^\d+$' THEN a.line::bigint END,
        (SELECT t.line_id FROM match_leg t WHERE t.payment_id = p.id AND t.confirmed AND t.number = 1))
) AS l ON true
LEFT JOIN notify_event e ON a.object_type = 'notify_event' AND e.id::text = a.object_id
LEFT JOIN fee_demand d ON d.id = coalesce(
    CASE a.object_type WHEN 'fee_demand' THEN a.object_id ELSE a.facts ->> 'demand' END,
    (SELECT min(demand_id) FROM fee_credit WHERE evidence = p.id AND reversed_at IS NULL HAVING count(*) = 1),
    (SELECT id FROM fee_demand WHERE reference = coalesce(p.reference, a.facts -> 'references' ->> 0)))
LEFT JOIN dossier o ON o.id = d.dossier_id
"""


def named(conn: Connection, exception_ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
    """Exception → ``dossier``, ``reference``, ``words`` (personal; None where there are none) and ``amount``, in đồng.

    The amount is what is at risk; where that is nothing, what has moved.
    """
    return {row.pop("id"): row for row in conn.execute(_NAMED, (list(exception_ids),)).fetchall()}
