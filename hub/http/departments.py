"""Endpoint of the departments: status reports of dossiers, each department in its own codes."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from config.parties import Department
from hub import feeds
from hub.app import Hub
from hub.http import guards, ingest, openapi, problem_types
from hub.http.answers import AcceptedReport
from hub.messages.model import InboxReceipt
from schemas import strict
from schemas.department import StatusReport

router: Final = APIRouter(tags=["departments"])


@router.post(
    "/v1/departments/{code}/statuses",
    status_code=202,
    responses=openapi.answers(
        202, AcceptedReport, *problem_types.OF_A_WRITE, problem_types.NOT_FOUND, headers=("Idempotency-Replayed",)
    ),
    openapi_extra=openapi.extra(
        security=("httpSignature", "clientCertificate"), body=StatusReport, parameters=[openapi.IDEMPOTENCY_KEY]
    ),
)
async def report_status(request: Request, code: str) -> Response:
    """Report the status of a dossier. 202: stored durably, will be handled."""
    sender, body = await guards.department_body(request, code)
    key = ingest.idempotency_key(request)
    return await run_in_threadpool(_report, ingest.hub(request), sender, key, body)


def _report(hub: Hub, sender: Department, key: str | None, body: bytes) -> Response:
    report = strict.read(StatusReport, body)
    accepted = take(hub, sender, report, key)
    document = AcceptedReport(report_id=report.report_id, state="accepted", received_at=accepted.at)
    return ingest.json_response(document, 202, headers=ingest.replay_header(accepted))


def take(hub: Hub, sender: Department, report: StatusReport, key: str | None) -> InboxReceipt:
    """Store the report in the inbox."""
    return ingest.store(hub, feeds.status_report(sender.counterparty, report, key=key))
