"""What the portal sees: the status of its submissions, their events in order, and the notices of its webhooks.

A notice is an event that the portal may pull, and a thin webhook to each of its endpoints.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from hub.audit import AuditAction
from hub.db import Connection, as_set
from hub.dossiers import store
from hub.dossiers.store import Dossier, DossierStatus
from hub.events import Event, FeeChanged, FeeDemanded, FeeEvent, FeePaid, FeeReopened, FeeWaived
from hub.messages.model import Transfer
from hub.messages.outbox import NewTransfer
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.portal import FeeNotice, Notice, NoticeData

# --- notices

KIND: Final = "portal.notice"
TYPE: Final = "submission.status"
FEE_TYPES: Final[Mapping[type[FeeEvent], str]] = {
    FeeDemanded: "fee.demanded",
    FeePaid: "fee.paid",
    FeeReopened: "fee.reopened",
    FeeWaived: "fee.changed",
    FeeChanged: "fee.changed",
}


_INSERT: Final = """
INSERT INTO event (id, type, submission_id, version, notice)
SELECT notice->'data'->>'event_id', notice->>'type', notice->'data'->>'submission_id',
    (notice->'data'->>'version')::int, notice
FROM ROWS FROM (json_to_recordset(%s) AS (notice jsonb)) WITH ORDINALITY AS published (notice, at)
ORDER BY at
"""


def tell_portal(uow: UnitOfWork, event: Event) -> list[Event]:
    """Publish the dossier's status: ids and states, never a citizen's data (Standard Webhooks, thin payload)."""
    _publish(uow, _notice(uow, store.lock(uow, event.dossier_id), TYPE, None))
    return []


def tell_fee(uow: UnitOfWork, event: FeeEvent) -> list[Event]:
    """Publish the state of the fee. It is part of the submission's view, which so gets a new version."""
    dossier = store.touch(uow, store.lock(uow, event.dossier_id))
    _publish(uow, _notice(uow, dossier, FEE_TYPES[type(event)], event.fee))
    return []


def tell_refused(uow: UnitOfWork, submission_id: str, reason: str) -> list[Event]:
    """Publish that a submission was refused before it became a dossier, as the status not_accepted."""
    submission = uow.submission(submission_id)
    data = NoticeData(
        event_id=new_id(Prefix.EVENT),
        submission_id=submission_id,
        reference=submission.reference,
        dossier_code=submission.dossier_code,
        state=DossierStatus.NOT_ACCEPTED.submission_state,
        status=DossierStatus.NOT_ACCEPTED,
        status_code=DossierStatus.NOT_ACCEPTED.national_code,
        version=REFUSED_VERSION,
        reason=reason,
    )
    _publish(uow, Notice(type=TYPE, timestamp=uow.now, data=data))
    return []


def _insert(conn: Connection, notices: Sequence[Notice]) -> None:
    conn.execute(_INSERT, (as_set([{"notice": notice.model_dump(mode="json")} for notice in notices]),))


def _publish(uow: UnitOfWork, notice: Notice) -> None:
    """Store the event and put a webhook for every endpoint that subscribes to its type."""
    about = notice.data.submission_id
    uow.later(_insert, notice)
    body = notice.model_dump_json().encode()
    for endpoint in uow.catalogue.portal.endpoints:
        if not endpoint.types or notice.type in endpoint.types:
            uow.put(
                NewTransfer(
                    id=new_id(Prefix.TRANSFER),
                    kind=KIND,
                    counterparty=endpoint.counterparty,
                    ordering_key=about,
                    key=notice.data.event_id,
                    subject=about,
                    body=body,
                )
            )


def _notice(uow: UnitOfWork, dossier: Dossier, type: str, fee: FeeNotice | None) -> Notice:
    return Notice(
        type=type,
        timestamp=uow.now,
        data=NoticeData(
            event_id=new_id(Prefix.EVENT),
            submission_id=dossier.id,
            reference=dossier.reference,
            dossier_code=dossier.raw_code,
            state=dossier.status.submission_state,
            status=dossier.status,
            status_code=dossier.status.national_code,
            version=dossier.version,
            due_at=dossier.due_at,
            fee=fee,
        ),
    )


def notified(uow: UnitOfWork, transfer: Transfer, _: None) -> list[Event]:
    """The endpoint has the notice."""
    uow.write_audit(transfer.subject, AuditAction.PORTAL_NOTIFIED, reason=transfer.key)
    return []


def declined(uow: UnitOfWork, transfer: Transfer, reason: str) -> list[Event]:
    """The endpoint is gone (410). Nothing is lost: the portal pulls the same event from /v1/events."""
    uow.write_audit(transfer.subject, AuditAction.PORTAL_NOTICE_REFUSED, reason=f"{transfer.key} {reason}".strip())
    return []


# --- queries

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
