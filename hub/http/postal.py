"""Webhook of the postal operators: tracking events of one consignment, posted to its capability URL.

It only brings news earlier: the operator's feed has the same events, and all of them. The token is checked before the
body is read.
"""

from typing import Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from config.limits import PARTNER
from hub import feeds
from hub.app import Hub
from hub.consignments import capability
from hub.consignments.capability import TokenConsignment
from hub.db import one
from hub.errors import KeyReused, ReferenceReused
from hub.http import admission, guards, ingest, openapi, problem_types, request_context
from hub.http.answers import AcceptedEvent
from hub.messages import set_aside
from hub.messages.model import Arrival, InboxReceipt
from schemas import strict
from schemas.postal import TrackingEvent
from schemas.strict import Fault, Refused

router: Final = APIRouter(tags=["postal operators"])

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
    problem_types.BACKLOG_FULL,
)


@router.post(
    capability.PATH + "{token}",
    status_code=202,
    responses=openapi.answers(202, AcceptedEvent, *REFUSALS, headers=("Idempotency-Replayed",)),
    openapi_extra=openapi.extra(security=(), body=TrackingEvent),
)
async def report_event(request: Request, token: str) -> Response:
    """Report a tracking event of the consignment that the address names. 202: stored durably, will be handled."""
    admission.rate_limits(request).check_address(request)
    consignment = await run_in_threadpool(_consignment, ingest.hub(request), token)
    if consignment is None:
        raise guards.not_found(request)
    client = request_context.of(request).client = f"postal.{consignment.operator}"
    operator = ingest.hub(request).catalogue.operators.get(consignment.operator)
    # One whose file has been taken out of the catalogue since still reports on what it carries.
    admission.rate_limits(request).count_client(request, client, operator.rate_limit if operator else PARTNER)
    body = await ingest.read_body(request, ingest.JSON_TYPE)
    return await run_in_threadpool(_report, ingest.hub(request), consignment, body)


def _consignment(hub: Hub, token: str) -> TokenConsignment | None:
    with ingest.connection(hub) as conn:
        return capability.named_by(conn, token)


def _report(hub: Hub, consignment: TokenConsignment, body: bytes) -> Response:
    event = strict.read(TrackingEvent, body)
    if event.order_number != consignment.order_number:
        raise Refused([Fault("/order_number", "foreign", "is not the consignment that this address names")])
    try:
        accepted = ingest.store(hub, _arrival(consignment, event))
    except (KeyReused, ReferenceReused):
        # The same event with other content: the first one counts; a worker compares the two.
        accepted = _first_receipt(hub, consignment, event)
    document = AcceptedEvent(order_number=event.order_number, state="accepted", received_at=accepted.at)
    return ingest.json_response(document, 202, headers=ingest.replay_header(accepted))


def _arrival(consignment: TokenConsignment, event: TrackingEvent) -> Arrival:
    return feeds.tracking_event(f"postal.{consignment.operator}", event)


def _first_receipt(hub: Hub, consignment: TokenConsignment, event: TrackingEvent) -> InboxReceipt:
    """Return the receipt of the event stored first, and store the differing one beside it."""
    source = f"postal.{consignment.operator}"
    ingest.store(hub, set_aside.in_conflict(_arrival(consignment, event)))
    with ingest.connection(hub) as conn:
        row = one(conn, "SELECT id, received_at FROM inbox WHERE source = %s AND external_id = %s", (source, event.key))
    return InboxReceipt(row["id"], row["received_at"], replayed=True)
