"""Notices to the portal: an event that it may pull, and a thin webhook to each of its endpoints."""

from collections.abc import Mapping, Sequence
from typing import Final

from hub.audit import AuditAction
from hub.db import Connection, as_set
from hub.dossiers import store
from hub.dossiers.model import Dossier, DossierStatus
from hub.dossiers.views import REFUSED_VERSION
from hub.events import Event, FeeChanged, FeeDemanded, FeeEvent, FeePaid, FeeReopened, FeeWaived
from hub.messages import inbox
from hub.messages.model import Transfer
from hub.messages.outbox import NewTransfer
from hub.unit_of_work import UnitOfWork
from schemas.identifiers import Prefix, new_id
from schemas.portal import FeeNotice, Notice, NoticeData, Submission

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
    _publish_status(uow, event.dossier_id, TYPE)
    return []


def tell_fee(uow: UnitOfWork, event: FeeEvent) -> list[Event]:
    """Publish the state of the fee. It is part of the submission's view, which so gets a new version."""
    store.touch(uow.unflushed, event.dossier_id)
    _publish_status(uow, event.dossier_id, FEE_TYPES[type(event)], event.fee)
    return []


def _publish_status(uow: UnitOfWork, dossier_id: str, type: str, fee: FeeNotice | None = None) -> None:
    dossier = store.by_id(uow.unflushed, dossier_id)
    if dossier is None:
        raise LookupError(dossier_id)
    _publish(uow, _notice(uow, dossier, type, fee))


def tell_refused(uow: UnitOfWork, submission_id: str, reason: str) -> list[Event]:
    """Publish that a submission was refused before it became a dossier, as the status not_accepted."""
    submission = Submission.model_validate_json(inbox.body(uow.unflushed, submission_id))
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
