"""A handoff is prepared when a dossier is released, and ends with the department's receipt or its refusal."""

from datetime import datetime
from typing import Any, Final

from hub.clock import local
from hub.db import one
from hub.events import DossierReleased, Event, HandoffAcknowledged, HandoffRefused
from hub.handoffs.model import LIFECYCLE, Status
from hub.messages import inbox
from hub.messages.model import Transfer
from hub.messages.outbox import Posting
from hub.work import Work
from schemas.department import Handoff, Receipt
from schemas.identifiers import Prefix, new_id
from schemas.portal import DeclaredFee, Submission

KIND: Final = "department.submit"


def prepare(work: Work, event: DossierReleased) -> list[Event]:
    """The dossier's content for its department, put into the outbox under the department's lane of this dossier."""
    dossier = one(work.conn, "SELECT * FROM dossier WHERE id = %s", (event.dossier_id,))
    department = work.catalogue.departments[dossier["department"]]
    handoff = _compose(work, dossier)
    transfer_id = new_id(Prefix.TRANSFER)
    work.put(
        Posting(
            id=transfer_id,
            kind=KIND,
            counterparty=department.counterparty,
            lane=event.dossier_id,
            key=transfer_id,
            subject=event.dossier_id,
            body=handoff.model_dump_json().encode(),
            deadline=dossier["due_at"],
        )
    )
    work.conn.execute(
        "INSERT INTO handoff (id, dossier_id, leg, department, transfer_id, status, prepared_at)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (handoff.id, event.dossier_id, handoff.leg, department.code, transfer_id, Status.PREPARED, work.now),
    )
    return []


def _compose(work: Work, dossier: dict[str, Any]) -> Handoff:
    submission = Submission.model_validate_json(inbox.body(work.conn, dossier["id"]))
    procedure = work.catalogue.procedures[dossier["procedure"]]
    leg = one(
        work.conn, "SELECT COALESCE(max(leg), 0) + 1 AS leg FROM handoff WHERE dossier_id = %s", (dossier["id"],)
    )["leg"]
    return Handoff(
        id=new_id(Prefix.HANDOFF),
        dossier_code=dossier["raw_code"],
        leg=leg,
        from_agency=work.catalogue.portal.centre,
        to_agency=work.catalogue.departments[dossier["department"]].agency,
        procedure=procedure.code,
        procedure_title=procedure.title,
        channel=submission.channel,
        received_at=dossier["received_at"],
        due_at=dossier["due_at"],
        applicant=submission.applicant,
        summary=submission.summary,
        papers=submission.papers,
        fees=[
            DeclaredFee(code=fee.code, kind=fee.kind, amount=fee.amount)
            for fee in procedure.fees_on(local(dossier["received_at"]).date())
        ],
        result=submission.result,
    )


def acknowledged(work: Work, transfer: Transfer, receipt: Receipt) -> list[Event]:
    """The department has it: its own number is kept beside ours."""
    dossier_id = _answer(work, transfer, Status.ACKNOWLEDGED, number=receipt.number, at=receipt.received_at)
    return [HandoffAcknowledged(dossier_id, receipt.received_at)]


def refused(work: Work, transfer: Transfer, reason: str) -> list[Event]:
    """The department said no; the reason is for the applicant."""
    dossier_id = _answer(work, transfer, Status.REFUSED, number=None, at=work.now)
    return [HandoffRefused(dossier_id, work.now, reason)]


def _answer(work: Work, transfer: Transfer, to: Status, *, number: str | None, at: datetime) -> str:
    row = one(
        work.conn,
        "SELECT h.id, h.dossier_id, h.status FROM handoff h JOIN dossier d ON d.id = h.dossier_id"
        " WHERE h.transfer_id = %s FOR UPDATE OF d, h",
        (transfer.id,),
    )
    LIFECYCLE.check(Status(row["status"]), to)
    work.conn.execute(
        "UPDATE handoff SET status = %s, number = %s, answered_at = %s WHERE id = %s", (to, number, at, row["id"])
    )
    work.note(row["id"], "answered", before=row["status"], after=to, reason=number)
    dossier_id = row["dossier_id"]
    assert isinstance(dossier_id, str)  # noqa: S101 - the column is text
    return dossier_id
