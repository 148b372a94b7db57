"""Messages for tests: complete, valid, about people who are clearly invented. Say only what matters to the test."""

import hashlib
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from hub.clock import local, now
from hub.messages.model import Arrival
from schemas.department import Handoff, HandoffReceipt, StatusReport
from schemas.identifiers import DossierCode, Prefix, new_id
from schemas.portal import Submission

_numbers = itertools.count(1)

PROCEDURES = {"rest-a": "9.000001", "rest-b": "9.000002", "soap-a": "9.000003", "soap-b": "9.000004"}


def a_submission(department: str = "rest-a", **changes: Any) -> dict[str, Any]:
    """A submission as the portal's JSON has it, for a procedure of ``department``."""
    number = next(_numbers)
    paper = f"Đơn đề nghị số {number}".encode()
    return {
        "reference": f"CDVC-{number:08d}",
        "procedure": PROCEDURES[department],
        "channel": "online",
        "submitted_at": "2026-11-24T08:15:00+07:00",
        "applicant": {
            "kind": "citizen",
            "name": "Nguyễn Văn Thử Nghiệm",
            "identity": {"kind": "cccd", "number": f"{number:012d}"},
            "phone": "0900000000",
            "email": "thu.nghiem@example.vn",
            "address": {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": "Số 1 đường Ví Dụ"},
        },
        "summary": "Đề nghị cấp giấy xác nhận để thử nghiệm",
        "papers": [
            {
                "code": "TP-01",
                "name": "Đơn đề nghị",
                "media_type": "application/pdf",
                "size": len(paper),
                "sha256": hashlib.sha256(paper).hexdigest(),
                "reference": f"kho/{number}.pdf",
            }
        ],
        "fees": [],
        "result": {"method": "electronic"},
    } | changes


def submission_arrival(submission: dict[str, Any] | None = None, *, key: str | None = None) -> Arrival:
    """The same as the portal's endpoint hands it to the inbox."""
    submission = submission or a_submission()
    return Arrival(
        id=new_id(Prefix.SUBMISSION),
        source="portal",
        kind="portal.submission",
        key=key or submission["reference"],
        external_id=submission["reference"],
        body=json.dumps(submission, ensure_ascii=False).encode(),
    )


def a_code(serial: int, *, agency: str = "000.00.01.H42") -> str:
    """A dossier code of today, by Vietnam's date, with this serial, which chooses the sandbox's behaviour."""
    return f"{agency}-{local(now()):%y%m%d}-{serial:04d}"


def a_receipt(number: str = "SO-1", at: datetime | None = None) -> HandoffReceipt:
    return HandoffReceipt(number=number, received_at=at or now())


def a_report(dossier_code: str, status: str, *, minutes: float = 1, report_id: str | None = None) -> StatusReport:
    """A department's word in its own code, ``minutes`` from now."""
    return StatusReport(
        report_id=report_id or f"BC-{next(_numbers)}",
        dossier_code=dossier_code,
        status=status,
        at=(now() + timedelta(minutes=minutes)).astimezone(UTC),
    )


def report_arrival(report: StatusReport, department: str = "rest-a") -> Arrival:
    """The same as the department's endpoint hands it to the inbox."""
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=f"department.{department}",
        kind="department.status",
        key=report.report_id,
        external_id=report.report_id,
        ordering_key=DossierCode.received(report.dossier_code).normalised,
        body=report.model_dump_json().encode(),
    )


def a_handoff(department: str = "rest-a", *, dossier_code: str) -> Handoff:
    """What a department is handed: the content of ``a_submission``."""
    submission = Submission.model_validate_json(json.dumps(a_submission(department)))
    moment = now().replace(microsecond=0)
    return Handoff(
        id=new_id(Prefix.HANDOFF),
        dossier_code=dossier_code,
        leg=1,
        from_agency="000.00.01.H42",
        to_agency="000.00.21.H42",
        procedure=submission.procedure,
        procedure_title="Thủ tục để thử nghiệm",
        channel=submission.channel,
        received_at=moment,
        due_at=moment + timedelta(days=5),
        applicant=submission.applicant,
        summary=submission.summary,
        papers=submission.papers,
        fees=[],
        result=submission.result,
    )
