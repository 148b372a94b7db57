"""Progress of the demo's submissions, read from the hub's own database; what differs from the expectation."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from config.catalogue import Catalogue
from connectors.sandbox.postal_behaviours import PostalBehaviour
from hub.cli.demo.trials import SubmissionTrial
from hub.consignments.model import ConsignmentStatus as Carriage
from hub.consignments.model import Direction
from hub.db import Connection
from hub.dossiers.store import LIFECYCLE, DossierStatus
from hub.locale import vi

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
    """Progress of one submission; what has not happened yet is None."""

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
        """Whether it has ended: returned, refused, or stopped."""
        return self.status is not None and not LIFECYCLE.moves[DossierStatus(self.status)]

    @property
    def seconds_to_answer(self) -> float | None:
        """From acceptance to the department's answer."""
        return (self.answered_at - self.received_at).total_seconds() if self.answered_at else None


@dataclass(frozen=True, slots=True)
class OpenTransfer:
    """A transfer that has not ended, and why."""

    id: str
    counterparty: str
    state: str
    error_code: str | None
    attempts: int
    failures: int
    """of its counterparty, in a row"""


@dataclass(frozen=True, slots=True)
class HandoffProgress:
    """Progress of a handoff: its status, and which sides have signed."""

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
    """Progress of all submissions at one moment."""

    legs: Mapping[str, SubmissionProgress]
    """by reference"""
    owed: Sequence[OpenTransfer]
    handed: Sequence[HandoffProgress]
    parcels: Sequence[Parcel]
    unhandled: int
    """inbox messages that are not handled yet"""
    dead: int
    """dead letters, which need a person"""

    @property
    def carried(self) -> list[Parcel]:
        """Consignments that have not ended."""
        return [parcel for parcel in self.parcels if parcel.status not in _CARRIED]

    @property
    def moved(self) -> tuple[object, ...]:
        """A value that changes with any progress; failed attempts at a counterparty that is down are none."""
        tried = sum(one.attempts for one in self.owed if one.failures < DOWN_AFTER)
        return self.legs, self.handed, self.parcels, len(self.owed), self.unhandled, self.dead, tried

    @property
    def stuck(self) -> int:
        return sum(one.state == "stuck" for one in self.owed)

    def over(self, expected: int) -> bool:
        """Whether everything has ended."""
        resolved = sum(leg.resolved for leg in self.legs.values())
        return resolved == expected and not (self.carried or self.owed or self.unhandled)


def look(conn: Connection, references: Sequence[str], since: datetime) -> Course:
    """Read the progress of these submissions; messages count from ``since`` on."""
    with conn.cursor(row_factory=class_row(SubmissionProgress)) as cursor:
        legs = {leg.reference: leg for leg in cursor.execute(_COURSE, (list(references),)).fetchall()}
    ids = [leg.id for leg in legs.values()]
    with conn.cursor(row_factory=class_row(OpenTransfer)) as cursor:
        owed = cursor.execute(_OWED, (ids,)).fetchall()
    with conn.cursor(row_factory=class_row(HandoffProgress)) as cursor:
        handed = cursor.execute(_HANDED, (ids,)).fetchall()
    with conn.cursor(row_factory=class_row(Parcel)) as cursor:
        parcels = cursor.execute(_PARCELS, (ids,)).fetchall()
    row = conn.execute(_UNHANDLED, (since,)).fetchone()
    return Course(legs, owed, handed, parcels, row["unhandled"] if row else 0, row["dead"] if row else 0)


def findings(trials: Iterable[SubmissionTrial], course: Course, catalogue: Catalogue) -> list[str]:
    """Return what differs from the expectation, a sentence each."""
    handed = {one.dossier_id: one for one in course.handed}
    parcels = {(one.dossier_id, Direction(one.direction)): one for one in course.parcels}
    return [
        f"{trial.code} ({trial.behaviour.name}): {finding}"
        for trial in trials
        if (leg := course.legs.get(trial.reference))
        for finding in (
            *_handoff(trial, handed.get(leg.id), catalogue.departments[trial.department].signing.signs),
            *_parcel(trial.parcel, parcels.get((leg.id, Direction.RESULT_TO_CITIZEN)), "result"),
            *_parcel(trial.papers, parcels.get((leg.id, Direction.CENTRE_TO_DEPARTMENT)), "papers"),
        )
    ]


def _handoff(trial: SubmissionTrial, handed: HandoffProgress | None, signs: bool) -> Iterator[str]:
    if handed is None:
        yield "has no handoff"
    elif not handed.signed:
        yield "its handoff is not signed"
    elif trial.behaviour.transfer != "refused" and signs and not handed.countersigned:
        yield "its department can sign and has not"


def _parcel(behaviour: PostalBehaviour | None, parcel: Parcel | None, what: str) -> Iterator[str]:
    if behaviour is None and parcel is not None:
        yield f"has a consignment of {what}, should have none"
    elif behaviour is not None and parcel is None:
        yield f"has no consignment of {what}, should have one"
    elif behaviour is not None and parcel is not None and parcel.status != behaviour.status:
        yield f"the consignment of its {what} ends as {parcel.status}, should be {behaviour.status}"


EXAMPLES: Final = 3
"""of what does not hold; the rest is a number"""


@dataclass(frozen=True, slots=True)
class DemoFinding:
    """Something that is wrong. ``command`` shows more about it while the stack runs."""

    what: str
    cause: str
    command: str
    examples: Sequence[str] = ()

    @property
    def lines(self) -> list[str]:
        """The sentence first, then some examples."""
        more = len(self.examples) - EXAMPLES
        shown = [f"    {example}" for example in self.examples[:EXAMPLES]]
        return [
            vi(
                "✗ {what}; probably because {cause}; see: {command}",
                what=self.what,
                cause=self.cause,
                command=self.command,
            ),
            *shown,
            *([vi("    … and {more} more of the same", more=more)] if more > 0 else []),
        ]


def unfinished(course: Course, expected: int, still: float, fees_wait_for: str) -> DemoFinding:
    """Nothing progressed any more before everything had ended."""
    left = expected - sum(leg.resolved for leg in course.legs.values())
    waits = [
        *([vi("{left}/{expected} dossiers not done", left=left, expected=expected)] if left else []),
        *([vi("{owed} transfers still waiting", owed=len(course.owed))] if course.owed else []),
        *([vi("{unhandled} messages not handled", unhandled=course.unhandled)] if course.unhandled else []),
        *([vi("{carried} consignments not delivered", carried=len(course.carried))] if course.carried else []),
        *([vi("fees: waiting for {fees_wait_for}", fees_wait_for=fees_wait_for)] if fees_wait_for else []),
    ]
    cause, command = _cause(course)
    return DemoFinding(
        vi("{listed} (nothing moved for {still:.0f} seconds)", listed=", ".join(waits), still=still), cause, command
    )


def _cause(course: Course) -> tuple[str, str]:
    """Return the likely cause and a command: dead letters, stuck transfers, silent partners, then idle workers."""
    stuck = Counter((one.counterparty, one.error_code) for one in course.owed if one.state == "stuck")
    down = Counter(one.counterparty for one in course.owed if one.failures >= DOWN_AFTER)
    if course.dead:
        return vi("{dead} messages need a person", dead=course.dead), "hub inbox list"
    if stuck:
        (counterparty, code), count = stuck.most_common(1)[0]
        return vi(
            "{count} transfers to {counterparty} are stuck ({code})", count=count, counterparty=counterparty, code=code
        ), "hub transfer list --state stuck"
    if down:
        counterparty = down.most_common(1)[0][0]
        return vi("{counterparty} does not answer", counterparty=counterparty), f"hub partner test {counterparty}"
    if course.unhandled or any(one.state == "queued" for one in course.owed):
        return vi("the worker or the broker does not work"), "hub doctor"
    if course.carried:
        return vi("the sandbox post does not report"), "hub consignment attention"
    return vi("the sandbox department does not report results"), "hub partner list"


def unproved(findings: Sequence[str], count: int) -> DemoFinding:
    """Everything has ended, and the counterparties' own records differ from the hub's."""
    return DemoFinding(
        vi(
            "{count} dossiers have ended, but {findings} findings disagree with the counterparties' books",
            count=count,
            findings=len(findings),
        ),
        vi("a message was lost or repeated, or somebody interfered with var/ meanwhile"),
        vi("hub submission show DOSSIER-CODE"),
        findings,
    )


def unsettled(findings: Sequence[str]) -> DemoFinding:
    """The fees do not add up, or are not settled."""
    return DemoFinding(
        vi("fees: {findings} findings are wrong", findings=len(findings)),
        vi("a step of the bank's day did not end"),
        "hub fee exceptions list",
        findings,
    )


def waiting_for_a_person(dead: int) -> DemoFinding:
    """Dead letters, which need a person."""
    return DemoFinding(
        vi("{dead} messages need a person", dead=dead),
        vi("content that is not understood, or too many attempts"),
        "hub inbox list",
    )


def without_evidence(why: str) -> DemoFinding:
    """No handoff was proved."""
    return DemoFinding(
        vi("no handoff is proved: {why}", why=why), vi("a signing key or a time stamp"), "hub custody verify"
    )
