"""Messages between the hub and a department: handoffs, receipts, status reports."""

from typing import Annotated

from pydantic import Field, StringConstraints

from schemas.handoff import CounterRecord, SignedRecord
from schemas.identifiers import AgencyCode, ProcedureCode, ReceivedDossierCode
from schemas.portal import Applicant, Channel, DeclaredFee, Paper, ResultWish
from schemas.replies import UnreadableEntry
from schemas.strict import Strict
from schemas.values import Moment, Text

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._-]{1,40}$")]


class Handoff(Strict):
    """One dossier handed over to the department that decides it (Decision 743 Article 5.2.d)."""

    id: str
    dossier_code: ReceivedDossierCode
    leg: Annotated[int, Field(ge=1)]
    from_agency: AgencyCode
    to_agency: AgencyCode
    procedure: ProcedureCode
    procedure_title: str
    channel: Channel
    received_at: Moment
    due_at: Moment
    applicant: Applicant
    summary: Text
    papers: list[Paper]
    fees: list[DeclaredFee]
    result: ResultWish
    signed: SignedRecord | None = None
    """the row of the Phiếu kiểm soát that our officer and our seal have signed"""


class HandoffReceipt(Strict):
    """A department's word that it has the dossier: its own number, and when it took it."""

    number: Annotated[str, StringConstraints(pattern=r"^[^\s](.{0,62}[^\s])?$")]
    received_at: Moment
    signed: CounterRecord | None = None
    """the counter-record (ReceiptRecord) of a department that signs"""


class StatusReport(Strict):
    """A department says where a dossier stands, in its own code, at the time when it came to stand there."""

    report_id: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
    dossier_code: ReceivedDossierCode
    status: Code
    at: Moment
    note: Annotated[str, StringConstraints(max_length=1000)] | None = None
    signed: CounterRecord | None = None
    """the way back with the result: a HandoffRecord, its act ``return``"""


class Changes(Strict):
    """A page of a department's feed: reports in its order, and the cursor to ask with next time."""

    reports: list[StatusReport]
    cursor: Annotated[str, StringConstraints(max_length=200)]


class ReadChanges(Changes):
    """A page as it was read: what is no report, though it stands among them, is set aside."""

    unreadable: list[UnreadableEntry] = Field([])
