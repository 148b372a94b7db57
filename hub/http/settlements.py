"""The departments' door for the monthly table of fees: they confirm it, or name the lines that they dispute."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from config.parties import Department
from hub.house import House
from hub.http import answers, bodies, guards, kinds, openapi, reception
from hub.http.answers import AcceptedAnswer
from hub.messages.model import Accepted, Arrival
from schemas import strict
from schemas.identifiers import Prefix, new_id
from schemas.settlement import TableAnswer

router: Final = APIRouter(tags=["departments"])

KIND: Final = "department.settlement"


@router.post(
    "/v1/departments/{code}/settlement-answers",
    status_code=202,
    responses=openapi.answers(
        202, AcceptedAnswer, *kinds.OF_A_WRITE, kinds.NOT_FOUND, headers=("Idempotency-Replayed",)
    ),
    openapi_extra=openapi.extra(
        security=("httpSignature", "clientCertificate"), body=TableAnswer, parameters=[openapi.IDEMPOTENCY_KEY]
    ),
)
async def answer_settlement(request: Request, code: str) -> Response:
    """Confirm a month's table, or dispute lines of it. 202 means: stored durably, will be handled."""
    body = await bodies.read(request, bodies.JSON)
    sender = guards.department(request, code, body)
    key = reception.idempotency_key(request)
    return await run_in_threadpool(_answer, reception.house(request), sender, key, body)


def _answer(house: House, sender: Department, key: str | None, body: bytes) -> Response:
    said = strict.read(TableAnswer, body)
    accepted = take(house, sender, said, key)
    document = AcceptedAnswer(answer_id=said.answer_id, state="accepted", received_at=accepted.at)
    return answers.json(document, 202, headers=reception.replay_header(accepted))


def take(house: House, sender: Department, said: TableAnswer, key: str | None) -> Accepted:
    """Store the answer in one form, whichever way it came. Its number is one of answers: a report may have the same."""
    name = f"answer:{said.answer_id}"
    arrival = Arrival(
        id=new_id(Prefix.INBOX),
        source=sender.counterparty,
        kind=KIND,
        key=key or name,
        external_id=name,
        body=said.model_dump_json().encode(),
        lane=said.settlement_id,
    )
    return reception.store(house, arrival)
