"""A department that speaks REST: the dialect of docs/integrators/departments-rest.md, from the other side."""

import hmac
import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from connectors.sandbox.accountant import TableRefused
from connectors.sandbox.department import (
    AlreadyThere,
    DepartmentBusy,
    DossierRefused,
    DossierTaken,
    Faulty,
    Garbled,
    Reply,
    SandboxDepartment,
    Silent,
)
from connectors.sandbox.dossier_register import KeyReusedError
from connectors.sandbox.effects import EvidenceMismatch
from connectors.sandbox.server import NoAnswer, Obstacles, control
from connectors.sandbox.status_push import UnknownCursorError
from schemas import strict
from schemas.custody import WitnessedCheckpoint
from schemas.department import Changes, Handoff, HandoffReceipt
from schemas.settlement import HandedTable
from schemas.strict import parse


class PartnerVocabulary:
    """Reads what the hub says under the department's names, and says its own answers under them."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._ours = dict(fields)
        self._theirs = {ours: theirs for theirs, ours in fields.items()}

    def to_ours(self, body: bytes) -> bytes:
        """The hub's document under our names: what stands at its top under a name of theirs goes to our place.

        Raises schemas.strict.Refused for what is no JSON.
        """
        document = parse(body) if self._ours else None
        if not isinstance(document, dict):
            return body
        for theirs, ours in self._ours.items():
            if theirs in document:
                _put(document, ours.split("."), document.pop(theirs))
        return json.dumps(document, ensure_ascii=False).encode()

    def to_theirs(self, document: Any) -> Any:
        """An answer under their names, wherever a field of ours stands in it."""
        if isinstance(document, list):
            return [self.to_theirs(item) for item in document]
        if not isinstance(document, dict):
            return document
        return {self._theirs.get(name, name): self.to_theirs(value) for name, value in document.items()}


def _put(document: dict[str, Any], path: list[str], value: Any) -> None:
    *parents, name = path
    for parent in parents:
        document = document.setdefault(parent, {})
    document[name] = value


Endpoint = Callable[[Request], Awaitable[Response]]


class RestDepartment:
    """The server behind its REST endpoints. ``token`` is None for a department that asks for none."""

    def __init__(self, server: SandboxDepartment, token: str | None) -> None:
        self._office = server
        self._token = token
        self._names = PartnerVocabulary(server.department.fields)
        self.app = Starlette(
            routes=[
                Route("/dossiers", self._known(self._submit), methods=["POST"]),
                Route("/dossiers/{dossier_code:path}", self._known(self._find), methods=["GET"]),
                Route("/changes", self._known(self._changes), methods=["GET"]),
                Route("/checkpoints", self._known(self._witness), methods=["POST"]),
                Route("/settlements", self._known(self._settle), methods=["POST"]),
                Route("/health", self._known(self._health), methods=["GET"]),
                control(
                    server.runtime,
                    effects=server.cases.all,
                    dossiers=server.dossier_states,
                    tables=server.accountant.statuses,
                ),
            ],
            middleware=[Middleware(Obstacles, runtime=server.runtime)],
            lifespan=lambda _: server.open(),
        )

    def _known(self, endpoint: Endpoint) -> Endpoint:
        """Let in only who shows our token."""
        expected = f"Bearer {self._token}".encode()

        async def guarded(request: Request) -> Response:
            shown = request.headers.get("authorization", "").encode()
            if self._token is not None and not hmac.compare_digest(shown, expected):
                return JSONResponse({"error": "unknown caller"}, HTTPStatus.UNAUTHORIZED)
            return await endpoint(request)

        return guarded

    async def _submit(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key", "")
        if not key:
            return _malformed("the header Idempotency-Key is missing")
        try:
            handoff = strict.read(Handoff, self._names.to_ours(await request.body()))
            return self._response(await self._office.submit(handoff, key))
        except strict.Refused as refused:
            return _malformed(*(f"{fault.pointer}: {fault.code}" for fault in refused.faults))
        except EvidenceMismatch as error:
            return _malformed(str(error))
        except KeyReusedError:
            return _malformed("this Idempotency-Key stands for another handoff")

    async def _find(self, request: Request) -> Response:
        try:
            receipt = self._office.find(request.path_params["dossier_code"])
        except ValueError as error:
            return _malformed(str(error))
        if receipt is None:
            return JSONResponse({"error": "no such dossier"}, HTTPStatus.NOT_FOUND)
        return self._json(receipt)

    async def _changes(self, request: Request) -> Response:
        try:
            return self._json(self._office.changes(request.query_params.get("after", "")))
        except UnknownCursorError:
            return _malformed("no such cursor")

    async def _witness(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key", "")
        try:
            checkpoint = strict.read(WitnessedCheckpoint, await request.body())
            answer = await self._office.witness(checkpoint, key)
        except strict.Refused as refused:
            return _malformed(*(f"{fault.pointer}: {fault.code}" for fault in refused.faults))
        if isinstance(answer, DossierRefused):
            return _without_effect(answer)
        return JSONResponse(answer.model_dump(mode="json", exclude_none=True), HTTPStatus.CREATED)

    async def _settle(self, request: Request) -> Response:
        key = request.headers.get("idempotency-key", "")
        try:
            handed = strict.read(HandedTable, await request.body())
            receipt, fresh = await self._office.accountant.settle(handed, key)
        except strict.Refused as refused:
            return _malformed(*(f"{fault.pointer}: {fault.code}" for fault in refused.faults))
        except TableRefused as error:
            return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", str(error))
        return JSONResponse(receipt.model_dump(mode="json"), HTTPStatus.CREATED if fresh else HTTPStatus.OK)

    async def _health(self, _: Request) -> Response:
        return JSONResponse({"status": "ok", "system": f"sandbox: {self._office.department.name}"})

    def _response(self, reply: Reply) -> Response:
        match reply:
            case DossierTaken(receipt, fresh):
                return self._json(receipt, HTTPStatus.CREATED if fresh else HTTPStatus.OK)
            case AlreadyThere(receipt):
                return JSONResponse(self._names.to_theirs({"number": receipt.number}), HTTPStatus.CONFLICT)
            case Garbled():
                return Response('{"number": "', HTTPStatus.CREATED, media_type="application/json")
            case Silent():
                return NoAnswer(self._office.runtime, self._office.runtime.environment.hang_seconds)
            case DossierRefused() | DepartmentBusy() | Faulty():
                return _without_effect(reply)

    def _json(self, answer: HandoffReceipt | Changes, status: HTTPStatus = HTTPStatus.OK) -> Response:
        return JSONResponse(self._names.to_theirs(answer.model_dump(mode="json", exclude_none=True)), status)


def _without_effect(reply: DossierRefused | DepartmentBusy | Faulty) -> Response:
    match reply:
        case DossierRefused(reason):
            return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, "refused", reason)
        case DepartmentBusy(seconds):
            headers = {"Retry-After": str(seconds)}
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "busy", "come back later", headers)
        case Faulty():
            return _problem(HTTPStatus.INTERNAL_SERVER_ERROR, "fault", "something went wrong; nothing was done")


def _problem(status: HTTPStatus, code: str, detail: str, headers: dict[str, str] | None = None) -> Response:
    """RFC 9457."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "code": code, "detail": detail}
    return JSONResponse(problem, status, headers, media_type="application/problem+json")


def _malformed(*findings: str) -> Response:
    """400, and no problem+json: this speaks of the protocol; a refusal of a dossier is another matter."""
    return JSONResponse({"errors": findings}, HTTPStatus.BAD_REQUEST)
