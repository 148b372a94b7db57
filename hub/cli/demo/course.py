"""How far the demo's submissions have come, read as an operator would: from the hub's own database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from hub.consignments.model import ConsignmentStatus as Carriage
from hub.db import Connection
from hub.dossiers.model import LIFECYCLE, DossierStatus

# A dossier has one handoff here, and many notices to the portal; each is a transfer.
_COURSE: Final = """
SELECT i.external_id AS reference, i.id, i.received_at, i.state AS inbox_state, d.status, d.department,
       h.state AS handoff_state, h.settled_at AS answered_at,
       (SELECT count(*) FROM outbox o WHERE o.subject = i.id AND o.settled_at IS NULL) AS owed
FROM inbox i LEFT JOIN dossier d ON d.id = i.id
LEFT JOIN outbox h ON h.subject = i.id AND h.kind = 'department.submit'
WHERE i.source = 'portal' AND i.external_id = ANY(%s)
"""
_OWED: Final = """
SELECT o.id, o.counterparty, o.state, o.error_code, o.attempts, c.failures
FROM outbox o JOIN counterparty c ON c.code = o.counterparty
WHERE o.subject = ANY(%s) AND o.settled_at IS NULL ORDER BY o.counterparty, o.seq
"""
_HANDED: Final = """
SELECT h.department, h.dossier_id, h.status,
       h.leaf_id IS NOT NULL AS signed, h.receipt_leaf_id IS NOT NULL AS countersigned
FROM handoff h WHERE h.dossier_id = ANY(%s) AND h.act = 'transfer'
"""
_PARCELS: Final = """
SELECT c.id, c.order_number, c.direction, c.status, c.attempts, i.dossier_id
FROM consignment c JOIN consignment_item i ON i.consignment_id = c.id AND i.number = 1 WHERE i.dossier_id = ANY(%s)
"""
_CARRIED: Final = frozenset(
    {Carriage.DELIVERED, Carriage.RETURNED, Carriage.LOST, Carriage.REFUSED, Carriage.CANCELLED}
)
"""where a parcel's way ends; what was lost waits for a person then, and for nothing else"""
DOWN_AFTER: Final = 5
"""failures in a row, after which a counterparty is taken to be down"""
_UNHANDLED: Final = """
SELECT count(*) FILTER (WHERE state <> 'dead') AS unhandled, count(*) FILTER (WHERE state = 'dead') AS dead
FROM inbox WHERE received_at >= %s AND state <> 'handled'
"""


@dataclass(frozen=True, slots=True)
class SubmissionProgress:
    """One submission's way so far; what has not happened yet is None."""

    reference: str
    id: str
    received_at: datetime
    inbox_state: str
    status: str | None
    department: str | None
    handoff_state: str | None
    answered_at: datetime | None
    owed: int

    @property
    def acknowledged(self) -> bool:
        return self.handoff_state == "delivered"

    @property
    def resolved(self) -> bool:
        """It has come to its end: returned, refused, or stopped."""
        return self.status is not None and not LIFECYCLE.moves[DossierStatus(self.status)]

    @property
    def seconds_to_answer(self) -> float | None:
        """From the front door to the department's answer."""
        return (self.answered_at - self.received_at).total_seconds() if self.answered_at else None


@dataclass(frozen=True, slots=True)
class Owed:
    """A transfer that has not ended: what is being waited for, and why."""

    id: str
    counterparty: str
    state: str
    error_code: str | None
    attempts: int
    failures: int
    """of its counterparty, in a row"""


@dataclass(frozen=True, slots=True)
class HandoffProgress:
    """A handoff: whether each side has signed, and what it has come to."""

    department: str
    dossier_id: str
    status: str
    signed: bool
    countersigned: bool


@dataclass(frozen=True, slots=True)
class Parcel:
    """A consignment of one of the dossiers."""

    id: str
    order_number: str
    direction: str
    status: str
    attempts: Sequence[datetime]
    """of delivery, that failed"""
    dossier_id: str


@dataclass(frozen=True, slots=True)
class Course:
    """All of it at one moment."""

    legs: Mapping[str, SubmissionProgress]
    """by reference"""
    owed: Sequence[Owed]
    handed: Sequence[HandoffProgress]
    parcels: Sequence[Parcel]
    unhandled: int
    """messages of the front door that are not handled yet"""
    dead: int
    """messages that wait for a person"""

    @property
    def carried(self) -> list[Parcel]:
        """What the post still has."""
        return [parcel for parcel in self.parcels if parcel.status not in _CARRIED]

    @property
    def moved(self) -> tuple[object, ...]:
        """Another value whenever something has moved: not by a vain attempt at somebody who is down."""
        tried = sum(one.attempts for one in self.owed if one.failures < DOWN_AFTER)
        return self.legs, self.handed, self.parcels, len(self.owed), self.unhandled, self.dead, tried

    @property
    def stuck(self) -> int:
        return sum(one.state == "stuck" for one in self.owed)

    def over(self, expected: int) -> bool:
        """Everything has ended: nothing moves any more."""
        resolved = sum(leg.resolved for leg in self.legs.values())
        return resolved == expected and not (self.carried or self.owed or self.unhandled)


def look(conn: Connection, references: Sequence[str], since: datetime) -> Course:
    """The course of the submissions called ``references``; messages count from ``since`` on."""
    with conn.cursor(row_factory=class_row(SubmissionProgress)) as cursor:
        legs = {leg.reference: leg for leg in cursor.execute(_COURSE, (list(references),)).fetchall()}
    ids = [leg.id for leg in legs.values()]
    with conn.cursor(row_factory=class_row(Owed)) as cursor:
        owed = cursor.execute(_OWED, (ids,)).fetchall()
    with conn.cursor(row_factory=class_row(HandoffProgress)) as cursor:
        handed = cursor.execute(_HANDED, (ids,)).fetchall()
    with conn.cursor(row_factory=class_row(Parcel)) as cursor:
        parcels = cursor.execute(_PARCELS, (ids,)).fetchall()
    row = conn.execute(_UNHANDLED, (since,)).fetchone()
    return Course(legs, owed, handed, parcels, row["unhandled"] if row else 0, row["dead"] if row else 0)
