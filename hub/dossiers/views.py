"""Queries of the portal: the status of its submissions, and their events in order."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from hub.db import Connection
from hub.dossiers.model import DossierStatus

SOURCE: Final = "portal"
REFUSED_VERSION: Final = 1
"""version of a submission that was refused before it became a dossier: its only change"""


@dataclass(frozen=True, slots=True)
class SubmissionView:
    """A submission as its sender may see it; everything but the first three is None until it has been handled.

    ``version`` 0 is "stored, not yet a dossier": whether it is waiting, being handled or in a person's hands is ours.
    One that was refused became none, and has version 1. Nothing stands here that can change while the version stays.
    """

    id: str
    reference: str
    received_at: datetime
    updated_at: datetime
    version: int
    dossier_code: str | None
    procedure: str | None
    department: str | None
    status: str | None
    reason: str | None
    due_at: datetime | None

    @property
    def state(self) -> str:
        return (DossierStatus(self.status) if self.status else DossierStatus.REGISTERED).submission_state

    @property
    def status_code(self) -> str | None:
        return DossierStatus(self.status).national_code if self.status else None

    @property
    def status_label(self) -> str | None:
        return DossierStatus(self.status).label if self.status else None


@dataclass(frozen=True, slots=True)
class EventView:
    """One event of the portal's feed; ``notice`` is the JSON that its webhooks carry."""

    id: str
    notice: str


_COLUMNS: Final = """
SELECT i.id, i.external_id AS reference, i.received_at,
       coalesce(d.updated_at, i.settled_at, i.received_at) AS updated_at,
       coalesce(d.version, (i.state = 'refused')::integer) AS version, d.raw_code AS dossier_code, d.procedure,
       d.department, coalesce(d.status, CASE i.state WHEN 'refused' THEN 'not_accepted' END) AS status,
       CASE i.state WHEN 'refused' THEN i.error_detail ELSE d.reason END AS reason, d.due_at
FROM inbox i LEFT JOIN dossier d ON d.id = i.id
WHERE i.source = 'portal' AND
"""

# Three short index walks instead of a sort over everything that ever came in. A submission that is handled between two
# pages moves towards the end of the order: it may be listed twice, never left out.
_PAGE: Final = (
    """
WITH page AS (
    (SELECT updated_at, id FROM dossier
     WHERE (updated_at, id) > (%(moment)s, %(after)s)
     ORDER BY updated_at, id LIMIT %(limit)s)
    UNION ALL
    (SELECT received_at, id FROM inbox
     WHERE state IN ('received', 'waiting', 'dead') AND kind = 'portal.submission'
       AND (received_at, id) > (%(moment)s, %(after)s)
     ORDER BY received_at, id LIMIT %(limit)s)
    UNION ALL
    (SELECT settled_at, id FROM inbox
     WHERE state = 'refused' AND kind = 'portal.submission' AND (settled_at, id) > (%(moment)s, %(after)s)
     ORDER BY settled_at, id LIMIT %(limit)s)
    ORDER BY 1, 2 LIMIT %(limit)s
)
"""
    + _COLUMNS
    + "i.id IN (SELECT id FROM page) ORDER BY 4, 1"
)

# What is still being written is older than what a reader sees: only transactions that are over for everybody count,
# so nothing can appear behind a reader's back.
_EVENTS: Final = """
SELECT id, notice::text FROM event
WHERE (tx, seq) > (SELECT tx, seq FROM event WHERE id = %(after)s) AND tx < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY tx, seq LIMIT %(limit)s
"""
_EVENTS_FROM_THE_START: Final = """
SELECT id, notice::text FROM event WHERE tx < pg_snapshot_xmin(pg_current_snapshot()) ORDER BY tx, seq LIMIT %(limit)s
"""


def submission(
    conn: Connection, *, id: str | None = None, reference: str | None = None, code: str | None = None
) -> SubmissionView | None:
    """The submission that matches everything given: our id, the portal's reference, the normalised dossier code."""
    criteria = {"i.id": id, "i.external_id": reference, "d.code": code}
    conditions = {column: value for column, value in criteria.items() if value is not None}
    query = _COLUMNS + " AND ".join(f"{column} = %s" for column in conditions)
    with conn.cursor(row_factory=class_row(SubmissionView)) as cursor:
        return cursor.execute(query, list(conditions.values())).fetchone()


def page(conn: Connection, *, moment: datetime, after: str, limit: int) -> list[SubmissionView]:
    """Submissions by their last change, oldest first, after (``moment``, id ``after``)."""
    row = {"moment": moment, "after": after, "limit": limit}
    with conn.cursor(row_factory=class_row(SubmissionView)) as cursor:
        return cursor.execute(_PAGE, row).fetchall()


def events(conn: Connection, *, after: str | None, limit: int) -> list[EventView]:
    """Events in the order in which they became visible to all transactions, after ``after``. Raises LookupError."""
    if after is not None and conn.execute("SELECT 1 FROM event WHERE id = %s", (after,)).fetchone() is None:
        raise LookupError(after)
    with conn.cursor(row_factory=class_row(EventView)) as cursor:
        query = _EVENTS if after else _EVENTS_FROM_THE_START
        return cursor.execute(query, {"after": after, "limit": limit}).fetchall()
