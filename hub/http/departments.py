"""Endpoints of the departments: status reports in their own codes, and answers to the monthly table of fees."""

import base64
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from config.parties import Department
from hub import audit, feeds
from hub.app import Hub
from hub.audit import AuditAction
from hub.fees.settlements import store
from hub.fees.settlements.store import SettlementState, SettlementView
from hub.http import guards, ingest, openapi, problem_types
from hub.http.answers import AcceptedAnswer, AcceptedReport, SettlementDocument, SettlementFile, SettlementList
from hub.http.problems import Problem
from hub.messages.model import Arrival, InboxReceipt
from schemas import strict
from schemas.department import StatusReport
from schemas.identifiers import Prefix, is_id, new_id
from schemas.settlement import TableAnswer

router: Final = APIRouter(tags=["departments"])

# --- status reports


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
    accepted = take_report(hub, sender, report, key)
    document = AcceptedReport(report_id=report.report_id, state="accepted", received_at=accepted.at)
    return ingest.json_response(document, 202, headers=ingest.replay_header(accepted))


def take_report(hub: Hub, sender: Department, report: StatusReport, key: str | None) -> InboxReceipt:
    """Store the report in the inbox."""
    return ingest.store(hub, feeds.status_report(sender.counterparty, report, key=key))


# --- the monthly table of fees

KIND: Final = "department.settlement"


@router.get(
    "/v1/departments/{code}/settlements",
    responses=openapi.answers(200, SettlementList, *problem_types.OF_A_READ, problem_types.NOT_FOUND),
    response_class=Response,
    openapi_extra=openapi.extra(security=("httpSignature", "clientCertificate")),
)
async def settlements(request: Request, code: str) -> Response:
    """The monthly tables that the department has received."""
    sender = guards.department(request, code)
    return await run_in_threadpool(_list, ingest.hub(request), sender)


@router.get(
    "/v1/departments/{code}/settlements/{settlement_id}",
    responses=openapi.answers(200, SettlementFile, *problem_types.OF_A_READ, problem_types.NOT_FOUND),
    response_class=Response,
    openapi_extra=openapi.extra(security=("httpSignature", "clientCertificate")),
)
async def settlement(request: Request, code: str, settlement_id: str) -> Response:
    """One monthly table, as the Centre sealed it. That it was opened is recorded in the audit log."""
    sender = guards.department(request, code)
    return await run_in_threadpool(_open, ingest.hub(request), sender, settlement_id)


@router.post(
    "/v1/departments/{code}/settlement-answers",
    status_code=202,
    responses=openapi.answers(
        202, AcceptedAnswer, *problem_types.OF_A_WRITE, problem_types.NOT_FOUND, headers=("Idempotency-Replayed",)
    ),
    openapi_extra=openapi.extra(
        security=("httpSignature", "clientCertificate"), body=TableAnswer, parameters=[openapi.IDEMPOTENCY_KEY]
    ),
)
async def answer_settlement(request: Request, code: str) -> Response:
    """Confirm a monthly table, or dispute lines of it. 202: stored durably, will be handled."""
    sender, body = await guards.department_body(request, code)
    key = ingest.idempotency_key(request)
    return await run_in_threadpool(_answer, ingest.hub(request), sender, key, body)


def _list(hub: Hub, sender: Department) -> Response:
    with ingest.connection(hub) as conn:
        views_ = store.of_department(conn, sender.code)
    return ingest.json_response(SettlementList(data=[SettlementDocument(**_shown(view)) for view in views_]))


def _open(hub: Hub, sender: Department, settlement_id: str) -> Response:
    opened = None
    if is_id(settlement_id, Prefix.SETTLEMENT):
        with hub.db.transaction() as conn:
            opened = store.one_of(conn, sender.code, settlement_id)
            if opened is not None:
                audit.write_from_endpoint(conn, settlement_id, AuditAction.SETTLEMENT_OPENED)
    if opened is None:
        raise Problem(problem_types.NOT_FOUND)
    view, handed = opened
    table, signature = (base64.b64encode(part).decode() for part in (handed.body, handed.signature))
    return ingest.json_response(SettlementFile(**_shown(view), table=table, signature=signature))


def _shown(view: SettlementView) -> dict[str, Any]:
    return {
        "settlement_id": view.id,
        "month": f"{view.month:%Y-%m}",
        "state": view.state,
        "state_label": SettlementState(view.state).label,
        "net": view.net,
        "disputed": view.disputed,
        "sha256": view.sha256.hex(),
        "answer_id": view.answer_id,
        "notified_at": view.notified_at,
        "answered_at": view.answered_at,
        "transferred_at": view.transferred_at,
    }


def _answer(hub: Hub, sender: Department, key: str | None, body: bytes) -> Response:
    answer = strict.read(TableAnswer, body)
    accepted = take_answer(hub, sender, answer, key)
    document = AcceptedAnswer(answer_id=answer.answer_id, state="accepted", received_at=accepted.at)
    return ingest.json_response(document, 202, headers=ingest.replay_header(accepted))


def take_answer(hub: Hub, sender: Department, answer: TableAnswer, key: str | None) -> InboxReceipt:
    """Store the answer in the inbox. The prefix keeps its number apart from those of reports, which may be the same."""
    name = f"answer:{answer.answer_id}"
    arrival = Arrival(
        id=new_id(Prefix.INBOX),
        source=sender.counterparty,
        kind=KIND,
        key=key or name,
        external_id=name,
        body=answer.model_dump_json().encode(),
        ordering_key=answer.settlement_id,
    )
    return ingest.store(hub, arrival)
