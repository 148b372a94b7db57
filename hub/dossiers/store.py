"""Dossiers: their statuses and lifecycle (ours, and the national list of ten of Cổng DVCQG), and their rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from psycopg.rows import class_row

from hub.db import Connection, as_set, one
from hub.events import DossierTerms
from hub.lifecycle import Lifecycle
from hub.locale import vi
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import DossierCode


class DossierStatus(StrEnum):
    """Status of a dossier. ``national_code`` and ``label`` are those of the national portal."""

    REGISTERED = "registered"
    ACCEPTED = "accepted"
    NOT_ACCEPTED = "not_accepted"
    IN_PROCESS = "in_process"
    SUPPLEMENT_REQUESTED = "supplement_requested"
    AWAITING_FEE = "awaiting_fee"
    WITHDRAWN = "withdrawn"
    STOPPED = "stopped"
    RESOLVED = "resolved"
    RETURNED = "returned"

    @property
    def national_code(self) -> str:
        return NATIONAL[self][0]

    @property
    def label(self) -> str:
        return NATIONAL[self][1]

    @property
    def submission_state(self) -> str:
        """The submission's state in the portal's API."""
        return SUBMISSION_STATE[self]


NATIONAL: Final = {
    DossierStatus.REGISTERED: ("1", vi("Newly registered")),
    DossierStatus.ACCEPTED: ("2", vi("Accepted")),
    DossierStatus.NOT_ACCEPTED: ("3", vi("Not accepted")),
    DossierStatus.IN_PROCESS: ("4", vi("In progress")),
    DossierStatus.SUPPLEMENT_REQUESTED: ("5", vi("Supplement requested")),
    DossierStatus.AWAITING_FEE: ("6", vi("Financial obligation requested")),
    DossierStatus.WITHDRAWN: ("7", vi("Withdrawal requested by the citizen")),
    DossierStatus.STOPPED: ("8", vi("Stopped")),
    DossierStatus.RESOLVED: ("9", vi("Processed")),
    DossierStatus.RETURNED: ("10", vi("Result returned")),
}

SUBMISSION_STATE: Final = {
    DossierStatus.REGISTERED: "accepted",
    DossierStatus.ACCEPTED: "in_progress",
    DossierStatus.NOT_ACCEPTED: "rejected",
    DossierStatus.IN_PROCESS: "in_progress",
    DossierStatus.SUPPLEMENT_REQUESTED: "in_progress",
    DossierStatus.AWAITING_FEE: "in_progress",
    DossierStatus.WITHDRAWN: "withdrawn",
    DossierStatus.STOPPED: "stopped",
    DossierStatus.RESOLVED: "completed",
    DossierStatus.RETURNED: "completed",
}

# Derived from NĐ 61/2018 and the national codes; docs/reference/lifecycles.md has the diagram.
LIFECYCLE: Final = Lifecycle(
    {
        DossierStatus.REGISTERED: frozenset(
            {
                DossierStatus.ACCEPTED,
                DossierStatus.NOT_ACCEPTED,
                DossierStatus.SUPPLEMENT_REQUESTED,
                DossierStatus.AWAITING_FEE,
                DossierStatus.WITHDRAWN,
            }
        ),
        DossierStatus.ACCEPTED: frozenset(
            {
                DossierStatus.IN_PROCESS,
                DossierStatus.SUPPLEMENT_REQUESTED,
                DossierStatus.AWAITING_FEE,
                DossierStatus.WITHDRAWN,
                DossierStatus.STOPPED,
            }
        ),
        DossierStatus.NOT_ACCEPTED: frozenset(),
        DossierStatus.IN_PROCESS: frozenset(
            {
                DossierStatus.NOT_ACCEPTED,
                DossierStatus.SUPPLEMENT_REQUESTED,
                DossierStatus.AWAITING_FEE,
                DossierStatus.WITHDRAWN,
                DossierStatus.STOPPED,
                DossierStatus.RESOLVED,
            }
        ),
        DossierStatus.SUPPLEMENT_REQUESTED: frozenset(
            {DossierStatus.ACCEPTED, DossierStatus.IN_PROCESS, DossierStatus.WITHDRAWN, DossierStatus.STOPPED}
        ),
        DossierStatus.AWAITING_FEE: frozenset(
            {
                DossierStatus.REGISTERED,
                DossierStatus.ACCEPTED,
                DossierStatus.IN_PROCESS,
                DossierStatus.WITHDRAWN,
                DossierStatus.STOPPED,
            }
        ),
        DossierStatus.WITHDRAWN: frozenset(),
        DossierStatus.STOPPED: frozenset(),
        DossierStatus.RESOLVED: frozenset({DossierStatus.RETURNED, DossierStatus.IN_PROCESS}),
        DossierStatus.RETURNED: frozenset(),
    }
)


IMPLIED: Final = frozenset({DossierStatus.ACCEPTED, DossierStatus.IN_PROCESS, DossierStatus.RESOLVED})
"""statuses that a department may leave out of its reports, because later ones imply them"""


FINAL: Final = frozenset({DossierStatus.RESOLVED, *(status for status, moves in LIFECYCLE.moves.items() if not moves)})
"""the result and every end: a late report of one waits for a person"""


@dataclass(frozen=True, slots=True)
class Dossier:
    """A dossier's row. Its content is the submission in the inbox, under the same id."""

    id: str
    code: str
    raw_code: str
    reference: str
    procedure: str
    department: str
    status: DossierStatus
    status_at: datetime
    version: int
    reason: str | None
    received_at: datetime
    due_at: datetime
    updated_at: datetime
    released_at: datetime | None
    """when it was released to its department; None: not yet"""
    by_report: bool
    """whether ``status_at`` is of a report, by the department's clock; else of its receipt, or ours"""

    def __post_init__(self) -> None:
        # Rows come from SQL with the status as text.
        object.__setattr__(self, "status", DossierStatus(self.status))

    @property
    def terms(self) -> DossierTerms:
        return DossierTerms(
            id=self.id,
            code=self.code,
            raw_code=self.raw_code,
            procedure=self.procedure,
            department=self.department,
            received_at=self.received_at,
            due_at=self.due_at,
        )


# --- rows

_COLUMNS: Final = """id, code, raw_code, reference, procedure, department, status, status_at, version, reason,
    received_at, due_at, updated_at, released_at, by_report"""

# What is inserted is new, and what is updated is locked: there is nobody to be in conflict with.
_WRITE: Final = """
INSERT INTO dossier (id, code, raw_code, reference, procedure, department, status, status_at, version, reason,
    received_at, due_at, released_at, by_report)
SELECT id, code, raw_code, reference, procedure, department, status, status_at, version, reason,
    received_at, due_at, released_at, by_report
FROM json_to_recordset(%s) AS row (id text, code text, raw_code text, reference text, procedure text, department text,
    status text, status_at timestamptz, version int, reason text, received_at timestamptz, due_at timestamptz,
    released_at timestamptz, by_report boolean)
ON CONFLICT (id) DO UPDATE SET status = excluded.status, status_at = excluded.status_at, version = excluded.version,
    reason = excluded.reason, due_at = excluded.due_at, released_at = excluded.released_at,
    by_report = excluded.by_report,
    updated_at = CASE WHEN excluded.version > dossier.version THEN now() ELSE dossier.updated_at END
"""


def issue_code(conn: Connection, agency: str, day: date) -> DossierCode:
    """Issue the next code of ``agency`` on ``day``, without gaps. Raises ValueError when the serials are used up."""
    row = one(
        conn,
        "INSERT INTO dossier_serial (agency, day, last) VALUES (%s, %s, 1)"
        " ON CONFLICT (agency, day) DO UPDATE SET last = dossier_serial.last + 1 RETURNING last",
        (agency, day),
    )
    return DossierCode.issued(agency, day, row["last"])


_RESERVE: Final = """
WITH new AS (
    SELECT id, row_number() OVER (ORDER BY at) AS number
    FROM unnest(%(ids)s::text[]) WITH ORDINALITY AS submission (id, at)
    WHERE NOT EXISTS (SELECT 1 FROM reserved_code WHERE submission_id = id)
), counter AS (
    INSERT INTO dossier_serial (agency, day, last) SELECT %(agency)s, %(day)s, count(*) FROM new HAVING count(*) > 0
    ON CONFLICT (agency, day) DO UPDATE SET last = dossier_serial.last + excluded.last
    RETURNING last
)
INSERT INTO reserved_code (submission_id, agency, day, serial)
SELECT id, %(agency)s, %(day)s, last - (SELECT count(*) FROM new) + number FROM new CROSS JOIN counter
ON CONFLICT DO NOTHING
"""


def reserve_codes(conn: Connection, agency: str, day: date, submission_ids: Sequence[str]) -> None:
    """Reserve the next codes of ``agency`` on ``day`` for submissions that have none, in their order, without gaps."""
    conn.execute(_RESERVE, {"ids": list(submission_ids), "agency": agency, "day": day})


def reserved_code(conn: Connection, submission_id: str) -> DossierCode | None:
    """Return the code that is reserved for the submission. Raises ValueError when the day's serials are used up."""
    row = conn.execute(
        "SELECT agency, day, serial FROM reserved_code WHERE submission_id = %s", (submission_id,)
    ).fetchone()
    return None if row is None else DossierCode.issued(row["agency"], row["day"], row["serial"])


def is_taken(conn: Connection, code: DossierCode) -> bool:
    """Whether a dossier has this code."""
    return conn.execute("SELECT 1 FROM dossier WHERE code = %s", (code.normalised,)).fetchone() is not None


def add(
    uow: UnitOfWork,
    dossier_id: str,
    code: DossierCode,
    *,
    reference: str,
    procedure: str,
    department: str,
    received_at: datetime,
    due_at: datetime,
) -> Dossier:
    """Insert a dossier, registered."""
    return _keep(
        uow,
        Dossier(
            id=dossier_id,
            code=code.normalised,
            raw_code=code.raw,
            reference=reference,
            procedure=procedure,
            department=department,
            status=DossierStatus.REGISTERED,
            status_at=received_at,
            version=1,
            reason=None,
            received_at=received_at,
            due_at=due_at,
            updated_at=uow.now,
            released_at=None,
            by_report=False,
        ),
    )


def lock(uow: UnitOfWork, dossier_id: str) -> Dossier:
    """Lock the dossier until the transaction ends; every change of one begins so. Raises LookupError."""
    dossier: Dossier | None = uow.locked_rows.get(dossier_id)
    if dossier is None:
        with uow.unflushed.cursor(row_factory=class_row(Dossier)) as cursor:
            dossier = cursor.execute(
                f"SELECT {_COLUMNS} FROM dossier WHERE id = %s FOR UPDATE", (dossier_id,)
            ).fetchone()
        if dossier is None:
            raise LookupError(dossier_id)
        uow.locked_rows[dossier_id] = dossier
    return dossier


def lock_by_code(uow: UnitOfWork, code: DossierCode, department: str) -> Dossier | None:
    """Lock the dossier with this code, if it is that department's; None otherwise."""
    with uow.unflushed.cursor(row_factory=class_row(Dossier)) as cursor:
        dossier = cursor.execute(
            f"SELECT {_COLUMNS} FROM dossier WHERE code = %s AND department = %s FOR UPDATE",
            (code.normalised, department),
        ).fetchone()
    # What an earlier message of the batch has changed is not written yet.
    return None if dossier is None else uow.locked_rows.setdefault(dossier.id, dossier)


def confirm(uow: UnitOfWork, dossier: Dossier, *, at: datetime) -> Dossier:
    """Record that a report confirmed the dossier's status at ``at``."""
    return _keep(uow, replace(dossier, status_at=at, by_report=True))


def move(
    uow: UnitOfWork, dossier: Dossier, to: DossierStatus, *, at: datetime, reason: str | None, by_report: bool = False
) -> Dossier:
    """Change the status of a locked dossier. ``by_report``: ``at`` is by the clock of the department's reports.

    Raises MoveRefused where the lifecycle has no such move.
    """
    LIFECYCLE.check(dossier.status, to)
    return _keep(
        uow,
        replace(dossier, status=to, status_at=at, by_report=by_report, reason=reason, version=dossier.version + 1),
    )


def release(uow: UnitOfWork, dossier: Dossier) -> Dossier:
    """Mark the dossier as released to its department."""
    return _keep(uow, replace(dossier, released_at=uow.now))


def begin_term(uow: UnitOfWork, dossier: Dossier, *, due_at: datetime) -> Dossier:
    """Restart the dossier's term, which ends at ``due_at``."""
    return _keep(uow, replace(dossier, due_at=due_at))


def touch(uow: UnitOfWork, dossier: Dossier) -> Dossier:
    """Give the dossier a new version, because something shown with it has changed."""
    return _keep(uow, replace(dossier, version=dossier.version + 1))


def _keep(uow: UnitOfWork, dossier: Dossier) -> Dossier:
    """Have the dossier written with others at the end, as it is then."""
    uow.locked_rows[dossier.id] = dossier
    uow.later(_write, dossier)
    return dossier


def _write(conn: Connection, dossiers: Sequence[Dossier]) -> None:
    """Insert or update them; of several versions of one the last. Raises UniqueViolation for a code that is taken."""
    last = {dossier.id: asdict(dossier) for dossier in dossiers}
    conn.execute(_WRITE, (as_set(list(last.values())),))
