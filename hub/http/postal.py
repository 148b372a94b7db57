"""The operators' door: what happened to one consignment, said to the capability URL that names it.

A hurry-up only: the operator's feed says the same, and is believed to be whole. The token is looked at before the body.
"""

from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from hub.app import Hub
from hub.consignments import capability
from hub.consignments.capability import TokenConsignment
from hub.db import one
from hub.errors import KeyReused, ReferenceReused
from hub.http import answers, ingest, openapi, problem_types, request_context
from hub.http.answers import AcceptedEvent
from hub.http.problems import Problem
from hub.messages import set_aside
from hub.messages.model import Arrival, InboxReceipt
from schemas import strict
from schemas.faults import Fault, Refused
from schemas.identifiers import Prefix, new_id
from schemas.postal import TrackingEvent

router: Final = APIRouter(tags=["postal operators"])

KIND: Final = "postal.event"
REFUSALS: Final = (
    problem_types.NOT_FOUND,
    problem_types.METHOD_NOT_ALLOWED,
    problem_types.NOT_JSON,
    problem_types.TOO_SLOW,
    problem_types.IN_FLIGHT,
    problem_types.TOO_LARGE,
    problem_types.ENCODING,
    problem_types.MEDIA_TYPE,
    problem_types.CONTENT,
)


@router.post(
    capability.PATH + "{token}",
    status_code=202,
    responses=openapi.answers(202, AcceptedEvent, *REFUSALS, headers=("Idempotency-Replayed",)),
    openapi_extra=openapi.extra(security=(), body=TrackingEvent),
)
async def report_event(request: Request, token: str) -> Response:
    """Say what happened to the consignment that the address names. 202 means: stored durably, will be handled."""
    named = await run_in_threadpool(_named, ingest.hub(request), token)
    request_context.of(request).client = f"postal.{named.operator}"
    body = await ingest.read_body(request, ingest.JSON_TYPE)
    return await run_in_threadpool(_report, ingest.hub(request), named, body)


def _named(hub: Hub, token: str) -> TokenConsignment:
    with hub.db.connection() as conn:
        named = capability.named_by(conn, token)
    if named is None:
        raise Problem(problem_types.NOT_FOUND)
    return named


def _report(hub: Hub, named: TokenConsignment, body: bytes) -> Response:
    said = strict.read(TrackingEvent, body)
    if said.order_number != named.order_number:
        raise Refused([Fault("/order_number", "foreign", "is not the consignment that this address names")])
    try:
        accepted = ingest.store(hub, _arrival(named, said))
    except (KeyReused, ReferenceReused):
        # The same happening, told otherwise. What was said first stands; a worker looks at what differs.
        accepted = _first_said(hub, named, said)
    document = AcceptedEvent(order_number=said.order_number, state="accepted", received_at=accepted.at)
    return answers.json(document, 202, headers=ingest.replay_header(accepted))


def _arrival(named: TokenConsignment, said: TrackingEvent) -> Arrival:
    """In one form, whichever way it came: an event that is called and polled is one event."""
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=f"postal.{named.operator}",
        kind=KIND,
        key=said.key,
        external_id=said.key,
        ordering_key=said.order_number,
        body=said.model_dump_json().encode(),
    )


def _first_said(hub: Hub, named: TokenConsignment, said: TrackingEvent) -> InboxReceipt:
    """What was stored of this happening before; what came now is kept beside it."""
    source = f"postal.{named.operator}"
    ingest.store(hub, set_aside.in_conflict(_arrival(named, said)))
    with hub.db.connection() as conn:
        row = one(conn, "SELECT id, received_at FROM inbox WHERE source = %s AND external_id = %s", (source, said.key))
    return InboxReceipt(row["id"], row["received_at"], replayed=True)
