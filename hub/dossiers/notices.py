"""What the portal is told: an event that it may pull, and the same as a thin webhook to each of its endpoints."""

from collections.abc import Mapping
from typing import Final

from psycopg.types.json import Jsonb

from hub.dossiers import store
from hub.dossiers.model import Dossier
from hub.events import Event, FeeChanged, FeeDemanded, FeeEvent, FeePaid, FeeReopened, FeeWaived
from hub.messages.model import Transfer
from hub.messages.outbox import Posting
from hub.work import Work
from schemas.identifiers import Prefix, new_id
from schemas.portal import FeeNotice, Notice, NoticeData

KIND: Final = "portal.notice"
TYPE: Final = "submission.status"
FEE_TYPES: Final[Mapping[type[FeeEvent], str]] = {
    FeeDemanded: "fee.demanded",
    FeePaid: "fee.paid",
    FeeReopened: "fee.reopened",
    FeeWaived: "fee.changed",
    FeeChanged: "fee.changed",
}


def tell_portal(work: Work, event: Event) -> list[Event]:
    """Ids and states, never a citizen's data (Standard Webhooks, thin payload)."""
    _tell(work, event.dossier_id, TYPE)
    return []


def tell_fee(work: Work, event: FeeEvent) -> list[Event]:
    """What is demanded has changed. That is another version of the submission: it is shown with it."""
    store.touch(work.conn, event.dossier_id)
    _tell(work, event.dossier_id, FEE_TYPES[type(event)], event.fee)
    return []


def _tell(work: Work, dossier_id: str, type: str, fee: FeeNotice | None = None) -> None:
    dossier = store.by_id(work.conn, dossier_id)
    if dossier is None:
        raise LookupError(dossier_id)
    notice = _notice(work, dossier, type, fee)
    work.conn.execute(
        "INSERT INTO event (id, type, submission_id, version, notice) VALUES (%s, %s, %s, %s, %s)",
        (notice.data.event_id, notice.type, dossier.id, dossier.version, Jsonb(notice.model_dump(mode="json"))),
    )
    body = notice.model_dump_json().encode()
    for endpoint in work.catalogue.portal.endpoints:
        if not endpoint.types or notice.type in endpoint.types:
            work.put(
                Posting(
                    id=new_id(Prefix.TRANSFER),
                    kind=KIND,
                    counterparty=endpoint.counterparty,
                    lane=dossier.id,
                    key=notice.data.event_id,
                    subject=dossier.id,
                    body=body,
                )
            )


def _notice(work: Work, dossier: Dossier, type: str, fee: FeeNotice | None) -> Notice:
    return Notice(
        type=type,
        timestamp=work.now,
        data=NoticeData(
            event_id=new_id(Prefix.EVENT),
            submission_id=dossier.id,
            reference=dossier.reference,
            dossier_code=dossier.raw_code,
            state=dossier.stands.submission_state,
            status=dossier.status,
            status_code=dossier.stands.national_code,
            version=dossier.version,
            due_at=dossier.due_at,
            fee=fee,
        ),
    )


def told(work: Work, transfer: Transfer, _: None) -> list[Event]:
    """The endpoint has the notice."""
    work.note(transfer.subject, "portal told", reason=transfer.key)
    return []


def declined(work: Work, transfer: Transfer, reason: str) -> list[Event]:
    """The endpoint is gone (410). Nothing is lost: the portal pulls the same event from /v1/events."""
    work.note(transfer.subject, "portal declined", reason=f"{transfer.key} {reason}".strip())
    return []
