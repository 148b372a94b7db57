"""SOAP 1.1 endpoint of the departments, as the JSON endpoints (schemas/wire/hub-department.wsdl)."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Request
from lxml import etree
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from config.parties import CertificateGuard, Department, SoapGuard
from connectors.transport import envelope, xml
from connectors.transport.envelope import NotSOAP, NotUnderstood
from connectors.transport.wsse import SECURITY
from connectors.transport.xml import Element, UnsafeXML
from hub.app import Hub
from hub.http import (
    admission,
    departments,
    guards,
    ingest,
    openapi,
    problem_types,
    problems,
    request_context,
)
from hub.http.problem_types import ProblemType
from hub.http.problems import Problem
from hub.locale import msgid, translated
from schemas import strict
from schemas.department import StatusReport
from schemas.settlement import TableAnswer
from schemas.strict import Fault

router: Final = APIRouter(tags=["departments"])

WSDL: Final = "hub-department.wsdl"
WSDL_ASKED: Final = ("wsdl", "WSDL", "singleWsdl")
"""query parameters with which SOAP stacks ask for the WSDL"""
NAMESPACE: Final = "urn:lienthong:hub:1"
ADDRESS: Final = "{http://schemas.xmlsoap.org/wsdl/soap/}address"
FIELDS: Final = {
    "reportId": "report_id",
    "dossierCode": "dossier_code",
    "status": "status",
    "at": "at",
    "note": "note",
    "signed": "signed",
}
"""element of ReportStatus = field of StatusReport"""
ANSWER_FIELDS: Final = {
    "answerId": "answer_id",
    "settlementId": "settlement_id",
    "sha256": "sha256",
    "verdict": "verdict",
    "answeredBy": "answered_by",
    "answeredAt": "answered_at",
}
"""element of AnswerSettlement = field of TableAnswer"""
LONGEST_REASON: Final = 1000
"""characters, by the contract"""
PREFIX: Final = {"h": NAMESPACE}
UNDERSTOOD: Final[Mapping[type, tuple[str, ...]]] = {SoapGuard: (SECURITY,), CertificateGuard: ()}
"""Kind of guard → the header blocks that are read; others that must be understood are refused (SOAP 1.1 §4.2.3)."""
STATUS_OF_A_FAULT: Final = 500
"""of every fault, the client's too (WS-I Basic Profile 1.1, R1126): many stacks read no envelope at another status"""
FAULT_CODES: Final = {problem_types.HEADER_UNKNOWN: "MustUnderstand"}
"""Server where the same message may pass later, Client otherwise, but for these (SOAP 1.1 §4.4.1)"""
ADVICE: Final = {
    problem_types.SIGNATURE_REFUSED: msgid(
        "Sign Body and Timestamp by WS-Security with the certificate that the Centre knows, or connect"
        " with the client certificate; check the clock (300 seconds at most)."
    ),
    problem_types.MEDIA_TYPE: msgid("Send text/xml (SOAP 1.1), in UTF-8."),
    problem_types.CONTENT: msgid("Correct each element named here as the WSDL has it."),
    problem_types.REFERENCE_REUSED: msgid("A reportId (answerId) is never reused. Use a new one for new content."),
    problem_types.UNAVAILABLE: msgid(
        "It may not have been stored. Send the same message with the same reportId (answerId) after retryAfterSeconds."
    ),
    problem_types.INTERNAL: msgid(
        "Send it again later with the same reportId (answerId). If it persists, give the Centre the X-Request-Id."
    ),
}
"""Advice for SOAP clients, where that of the problem type speaks of JSON and HTTP headers."""

XML: Final[dict[str, Any]] = {"text/xml": {"schema": {"type": "string"}}}
SEALED: Final[dict[str, Any]] = {"security": [{"clientCertificate": []}, {}]}
"""OpenAPI has no security scheme for WS-Security, which is inside the message."""


@router.head("/soap/{code}", include_in_schema=False)
@router.get(
    "/soap/{code}",
    response_class=Response,
    responses={200: {"description": "WSDL 1.1", "content": XML}, **openapi.problems(problem_types.NOT_FOUND)},
)
async def wsdl(request: Request, code: str) -> Response:
    """The WSDL, with the address of this endpoint."""
    guards.department_with(request, code, SoapGuard, CertificateGuard)
    ingest.check_parameters(request, WSDL_ASKED)
    contract = xml.parse(xml.vendored_document(WSDL))
    for address in contract.iter(ADDRESS):
        address.set("location", ingest.url(ingest.hub(request), f"/soap/{code}"))
    return Response(envelope.to_bytes(contract), media_type=envelope.CONTENT_TYPE)


@router.post(
    "/soap/{code}",
    response_class=Response,
    responses={
        200: {"description": "ReportStatusResponse, AnswerSettlementResponse", "content": XML},
        STATUS_OF_A_FAULT: {"description": "soap:Fault", "content": XML},
        **openapi.problems(problem_types.NOT_FOUND, also=XML),
    },
    openapi_extra=SEALED | {"requestBody": {"required": True, "content": XML}},
)
async def report_by_soap(request: Request, code: str) -> Response:
    """Report the status of a dossier, or answer a monthly table: signed by WS-Security, or with a client certificate.

    Refusals are SOAP faults. The contract is the WSDL at this address.
    """
    sender = guards.department_with(request, code, SoapGuard, CertificateGuard)
    try:
        admission.rate_limits(request).check_address(request)
        body = await ingest.read_body(request, ingest.SOAP_TYPE)
        return await run_in_threadpool(_report, request, sender, body)
    except problems.EXPECTED as error:
        problem = problems.problem_of(error)
        problems.log_refusal(problem)
        return _fault(request, problem)


def _report(request: Request, sender: Department, body: bytes) -> Response:
    try:
        message = xml.parse(body)
        payload = envelope.payload_of(guards.soap_body(request, sender, message))
        envelope.check_understood(message, *UNDERSTOOD[type(sender.guard)])
    except UnsafeXML as error:
        raise Problem(problem_types.NOT_SOAP, reason=error.code) from None
    except NotSOAP:
        raise Problem(problem_types.NOT_SOAP) from None
    except NotUnderstood:
        raise Problem(problem_types.HEADER_UNKNOWN) from None
    operation = _operation(payload)
    name, number = OPERATIONS[operation](ingest.hub(request), sender, payload)
    answer = etree.Element(f"{{{NAMESPACE}}}{operation}Response", nsmap=PREFIX)
    _add(_add(answer, "accepted"), name, number)
    return Response(envelope.to_bytes(envelope.wrap(answer)), media_type=envelope.CONTENT_TYPE)


def _operation(payload: Element) -> str:
    """Return the operation's name. Raises Problem unless the payload is valid by the WSDL."""
    name = etree.QName(payload)
    if name.namespace != NAMESPACE or name.localname not in OPERATIONS:
        raise Problem(problem_types.CONTENT, faults=[Fault("/Body", "schema", "holds no operation of this service")])
    wrong = xml.schema_of(WSDL, NAMESPACE).fault(payload)
    if wrong is not None:
        raise Problem(problem_types.CONTENT, faults=[Fault(f"/{name.localname}", "schema", wrong)])
    return name.localname


def _take_status(hub: Hub, sender: Department, payload: Element) -> tuple[str, str]:
    """Store a ReportStatus. Raises Refused."""
    document = {FIELDS[etree.QName(element).localname]: xml.value_of(element) for element in payload}
    report = strict.read(StatusReport, json.dumps(document).encode())
    departments.take_report(hub, sender, report, None)
    return "reportId", report.report_id


def _take_answer(hub: Hub, sender: Department, payload: Element) -> tuple[str, str]:
    """Store an AnswerSettlement. Raises Refused."""
    elements = {etree.QName(element).localname: element for element in payload}
    texts = {field: xml.value_of(elements[name]) for name, field in ANSWER_FIELDS.items() if name in elements}
    lines = [
        {"number": int(number.text or ""), "reason": reason.text}
        for number, reason in payload.iterfind(f"{{{NAMESPACE}}}line")
    ]
    answer = strict.read(TableAnswer, json.dumps(texts | {"lines": lines}).encode())
    departments.take_answer(hub, sender, answer, None)
    return "answerId", answer.answer_id


OPERATIONS: Final[Mapping[str, Callable[[Hub, Department, Element], tuple[str, str]]]] = {
    "ReportStatus": _take_status,
    "AnswerSettlement": _take_answer,
}
"""Operation → function that stores it, and returns the name and the value of the id that the response repeats."""


def _fault(request: Request, problem: Problem) -> Response:
    """Build the fault of the WSDL: ServiceBusy where the same message may pass later, else ReportRefused."""
    kind = problem_types.REFERENCE_REUSED if problem.kind is problem_types.KEY_REUSED else problem.kind
    retry_after = problem.retry_after
    if retry_after is None:
        detail = etree.Element(f"{{{NAMESPACE}}}ReportRefused", nsmap=PREFIX)
        _add(detail, "code", kind.code)
        _add(detail, "reason", _reason(request, kind, problem))
    else:
        detail = etree.Element(f"{{{NAMESPACE}}}ServiceBusy", nsmap=PREFIX)
        _add(detail, "retryAfterSeconds", str(retry_after))
    title = translated(kind.title, problems.preferred_language(request_context.of(request).accept_language))
    code = FAULT_CODES.get(kind, "Client" if retry_after is None else "Server")
    message = envelope.fault(code, title, detail)
    return Response(envelope.to_bytes(message), STATUS_OF_A_FAULT, media_type=envelope.CONTENT_TYPE)


def _reason(request: Request, kind: ProblemType, problem: Problem) -> str:
    """The advice, with the rule and the place of each fault, never a value."""
    advice = translated(
        ADVICE.get(kind, kind.advice), problems.preferred_language(request_context.of(request).accept_language)
    )
    places = [f"{fault.pointer}: {fault.detail}" for fault in problem.faults]
    return "; ".join([advice, *places])[:LONGEST_REASON]


def _add(parent: Element, name: str, text: str | None = None) -> Element:
    element = etree.SubElement(parent, f"{{{NAMESPACE}}}{name}")
    element.text = text
    return element
