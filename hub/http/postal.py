"""The operators' door: what happened to one consignment, said to the capability URL that names it.

A hurry-up only: the operator's feed says the same, and is believed to be whole. The token is looked at before the body.
"""

from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from hub.consignments import capability
from hub.consignments.capability import Named
from hub.db import one
from hub.errors import KeyReused, ReferenceReused
from hub.house import House
from hub.http import answers, bodies, kinds, openapi, passage, reception
from hub.http.answers import AcceptedEvent
from hub.http.problems import Problem
from hub.messages import set_aside
from hub.messages.model import Accepted, Arrival
from schemas import strict
from schemas.faults import Fault, Refused
from schemas.identifiers import Prefix, new_id
from schemas.postal import TrackingEvent

router: Final = APIRouter(tags=["postal operators"])

KIND: Final = "postal.event"
REFUSALS: Final = (
    kinds.NOT_FOUND,
    kinds.METHOD_NOT_ALLOWED,
    kinds.NOT_JSON,
    kinds.TOO_SLOW,
    kinds.IN_FLIGHT,
    kinds.TOO_LARGE,
    kinds.ENCODING,
    kinds.MEDIA_TYPE,
    kinds.CONTENT,
)


@router.post(
    capability.PATH + "{token}",
    status_code=202,
    responses=openapi.answers(202, AcceptedEvent, *REFUSALS, headers=("Idempotency-Replayed",)),
    openapi_extra=openapi.extra(security=(), body=TrackingEvent),
)
async def report_event(request: Request, token: str) -> Response:
    """Say what happened to the consignment that the address names. 202 means: stored durably, will be handled."""
    named = await run_in_threadpool(_named, reception.house(request), token)
    passage.of(request).client = f"postal.{named.operator}"
    body = await bodies.read(request, bodies.JSON)
    return await run_in_threadpool(_report, reception.house(request), named, body)


def _named(house: House, token: str) -> Named:
    with house.db.connection() as conn:
        named = capability.named_by(conn, token)
    if named is None:
        raise Problem(kinds.NOT_FOUND)
    return named


def _report(house: House, named: Named, body: bytes) -> Response:
    said = strict.read(TrackingEvent, body)
    if said.order_number != named.order_number:
        raise Refused([Fault("/order_number", "foreign", "is not the consignment that this address names")])
    try:
        accepted = reception.store(house, _arrival(named, said))
    except (KeyReused, ReferenceReused):
        # The same happening, told otherwise. What was said first stands; a worker looks at what differs.
        accepted = _first_said(house, named, said)
    document = AcceptedEvent(order_number=said.order_number, state="accepted", received_at=accepted.at)
    return answers.json(document, 202, headers=reception.replay_header(accepted))


def _arrival(named: Named, said: TrackingEvent) -> Arrival:
    """In one form, whichever way it came: an event that is called and polled is one event."""
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=f"postal.{named.operator}",
        kind=KIND,
        key=said.key,
        external_id=said.key,
        lane=said.order_number,
        body=said.model_dump_json().encode(),
    )


def _first_said(house: House, named: Named, said: TrackingEvent) -> Accepted:
    """What was stored of this happening before; what came now is kept beside it."""
    source = f"postal.{named.operator}"
    reception.store(house, set_aside.in_conflict(_arrival(named, said)))
    with house.db.connection() as conn:
        row = one(conn, "SELECT id, received_at FROM inbox WHERE source = %s AND external_id = %s", (source, said.key))
    return Accepted(row["id"], row["received_at"], replayed=True)
