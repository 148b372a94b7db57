"""A department that speaks SOAP 1.1, document/literal, by schemas/wire/department.wsdl, with WS-Security.

Every message is held against the contract's schema, in both directions.
"""

import logging
from http import HTTPStatus
from typing import Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from connectors.sandbox import soap_messages as messages
from connectors.sandbox.accountant import TableRefused
from connectors.sandbox.department import (
    AlreadyThere,
    DepartmentBusy,
    DossierRefused,
    DossierTaken,
    Faulty,
    Garbled,
    SandboxDepartment,
    Silent,
)
from connectors.sandbox.dossier_register import KeyReusedError
from connectors.sandbox.effects import EvidenceMismatch
from connectors.sandbox.server import NoAnswer, Obstacles, control
from connectors.sandbox.soap_messages import DepartmentSoapSecurity
from connectors.sandbox.status_push import UnknownCursorError
from connectors.transport.envelope import CONTENT_TYPE, NotSOAP, fault, payload_of, to_bytes, wrap
from connectors.transport.wsse_verifier import Untrusted
from connectors.transport.xml import Element, UnsafeXML, parse, schema_of, vendored_document
from schemas import strict
from schemas.department import HandoffReceipt

LIMIT: Final = 80 * 1024 * 1024
"""bytes of one request: inline papers travel inside the handoff, a month's table inside its delivery"""
_PLACEHOLDER: Final = b"https://department.invalid/soap"

log = logging.getLogger(__name__)


class ContractViolation(Exception):
    """The message is not what the contract allows; the text says what is wrong without quoting it."""


class SoapDepartment:
    """The server behind one SOAP endpoint."""

    def __init__(self, server: SandboxDepartment, security: DepartmentSoapSecurity) -> None:
        self._office = server
        self._security = security
        self._schema = schema_of(messages.WSDL, messages.NAMESPACE)
        self.app = Starlette(
            routes=[
                control(
                    server.runtime,
                    effects=server.cases.all,
                    dossiers=server.dossier_states,
                    tables=server.accountant.statuses,
                ),
                Route("/{path:path}", self._contract, methods=["GET"]),
                Route("/{path:path}", self._answer, methods=["POST"]),
            ],
            middleware=[Middleware(Obstacles, runtime=server.runtime)],
            lifespan=lambda _: server.open(),
        )

    async def _contract(self, request: Request) -> Response:
        if "wsdl" not in {name.lower() for name in request.query_params}:
            return Response(status_code=HTTPStatus.NOT_FOUND)
        url = str(request.url.replace(query="")).encode()
        return Response(vendored_document(messages.WSDL).replace(_PLACEHOLDER, url), media_type="text/xml")

    async def _answer(self, request: Request) -> Response:
        try:
            message = self._message_in(await request.body())
            return await self._operation(message)
        except (
            UnsafeXML,
            NotSOAP,
            Untrusted,
            ContractViolation,
            strict.Refused,
            KeyReusedError,
            EvidenceMismatch,
        ) as error:
            log.warning("%s refused a message: %s", self._office.department.counterparty, type(error).__name__)
            return self._fault("Client", str(error) or type(error).__name__)

    def _message_in(self, data: bytes) -> Element:
        message = payload_of(self._security.body_of(parse(data, limit=LIMIT)))
        finding = self._schema.fault(message)
        if finding:
            raise ContractViolation(finding)
        return message

    async def _operation(self, message: Element) -> Response:
        match message.tag.removeprefix(messages.tag("")):
            case "SubmitDossier":
                return await self._submit(message)
            case "FindDossier":
                code = messages.text_of(message, "dossierCode")
                return self._reply(messages.find_response(code, self._receipt_of(code)))
            case "ListChanges":
                return self._reply(self._changes(messages.text_of(message, "after")))
            case "DeliverCheckpoint":
                return await self._witness(message)
            case "DeliverSettlement":
                return await self._settle(message)
            case "Ping":
                return self._reply(messages.ping_response(f"sandbox: {self._office.department.name}"))
            case name:
                raise ContractViolation(f"{name} is no operation")

    async def _submit(self, message: Element) -> Response:
        handoff = messages.handoff_in(message)
        code = handoff.dossier_code
        reply = await self._office.submit(handoff, messages.text_of(message, "key"))
        match reply:
            case DossierTaken(receipt):
                return self._reply(messages.submit_response(code, receipt))
            case AlreadyThere(receipt):
                return self._fault("Client", "the dossier is here already", messages.exists(code, receipt))
            case Garbled():
                return Response(b'<?xml version="1.0"?><soap:Envelope xmlns:soap="http://sch', media_type="text/xml")
            case Silent():
                return NoAnswer(self._office.runtime, self._office.runtime.environment.hang_seconds)
            case DossierRefused() | DepartmentBusy() | Faulty():
                return self._without_effect(code, reply)

    async def _witness(self, message: Element) -> Response:
        answer = await self._office.witness(messages.checkpoint_in(message), messages.text_of(message, "key"))
        if isinstance(answer, DossierRefused):
            detail = messages.checkpoint_refused(answer.reason)
            return self._fault("Client", "the log does not go on", detail)
        return self._reply(messages.checkpoint_response(answer))

    async def _settle(self, message: Element) -> Response:
        key = messages.text_of(message, "key")
        try:
            receipt, _ = await self._office.accountant.settle(messages.table_in(message), key)
        except TableRefused as error:
            return self._fault("Client", "the table is not taken", messages.settlement_refused(str(error)))
        return self._reply(messages.settlement_response(receipt))

    def _without_effect(self, code: str, reply: DossierRefused | DepartmentBusy | Faulty) -> Response:
        match reply:
            case DossierRefused(reason):
                return self._fault("Client", "the dossier is refused", messages.refused(code, reason))
            case DepartmentBusy(seconds):
                response = self._fault("Server", "come back later", messages.busy(seconds))
                response.status_code = HTTPStatus.SERVICE_UNAVAILABLE
                response.headers["Retry-After"] = str(seconds)
                return response
            case Faulty():
                return self._fault("Server", "something went wrong; nothing was done")

    def _receipt_of(self, code: str) -> HandoffReceipt | None:
        try:
            return self._office.find(code)
        except ValueError as error:
            raise ContractViolation(str(error)) from None

    def _changes(self, cursor: str) -> Element:
        try:
            return messages.changes_response(self._office.changes(cursor))
        except UnknownCursorError:
            raise ContractViolation("no such cursor") from None

    def _reply(self, payload: Element) -> Response:
        return self._sent(payload, wrap(payload), HTTPStatus.OK)

    def _fault(self, code: str, reason: str, detail: Element | None = None) -> Response:
        return self._sent(detail, fault(code, reason, detail), HTTPStatus.INTERNAL_SERVER_ERROR)

    def _sent(self, payload: Element | None, envelope: Element, status: HTTPStatus) -> Response:
        """Signed, unless it is a fault and the runtime says that faults are not."""
        finding = self._schema.fault(payload) if payload is not None else None
        if finding:
            raise RuntimeError(f"the sandbox is about to break its own contract: {finding}")
        if status is HTTPStatus.OK or not self._office.runtime.settings.unsigned_faults:
            self._security.sign(envelope)
        return Response(to_bytes(envelope), status, headers={"Content-Type": CONTENT_TYPE})
