"""The notification doors: what a bank or gateway tells of money, each answered in its own words.

The raw bytes are kept first; who sent them is decided on them before they are read; the same movement told again gets
the same answer; and nobody hears a success before the commit. A provider without notifications has no door.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import structlog
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.banks.notifications import table
from connectors.banks.notifications.dialect import Contract, Delivery, Dialect, NotVerified, Verdict
from hub import clock, crashpoints
from hub.crashpoints import Point
from hub.db import Connection
from hub.fees import intake
from hub.fees.intake import Judgement, Order
from hub.house import House
from hub.http import bodies, kinds, openapi, passage, reception
from hub.http.problems import Problem
from hub.messages import inbox
from hub.messages.model import Nudge
from schemas.payment import Notification
from schemas.strict import Refused

router: Final = APIRouter(tags=["banks"])
log: Final = structlog.stdlib.get_logger()

PATH: Final = "/v1/banks/{code}/notifications"
LIMIT: Final = 65_536
"""bytes: a stranger's deliveries are kept too, and no notification is half as long"""
LONGEST_QUERY: Final = 8_192
AHEAD: Final = timedelta(days=1)
"""by which a movement may lie before us: clocks differ, and no bank books what is still to come"""

CODES: Final[Mapping[Verdict, str]] = {
    Verdict.BAD_SIGNATURE: "N04",
    Verdict.MALFORMED: "N04",
    Verdict.STALE: "N05",
    Verdict.UNKNOWN_KEY: "N06",
    Verdict.CONFLICT: "N03",
    Verdict.UNKNOWN_ORDER: "R01",
}
ORDERS: Final[Mapping[Order, Verdict]] = {
    Order.OPEN: Verdict.ACCEPTED,
    Order.UNKNOWN: Verdict.UNKNOWN_ORDER,
    Order.OTHER_AMOUNT: Verdict.WRONG_AMOUNT,
    Order.FINAL: Verdict.FINAL,
}

_WORDS: Final[dict[str, Any]] = {"application/json": {"schema": {"type": "object"}}}
_OWN: Final[dict[int | str, Any]] = {
    200: {"description": "Kept, in the provider's own words (or refused in them: VNPAY).", "content": _WORDS},
    204: {"description": "Kept (MoMo)."},
    401: {"description": "Not signed by the provider.", "content": _WORDS},
    409: {"description": "Told before with other content: what was said first stands.", "content": _WORDS},
}
RESPONSES: Final = _OWN | openapi.problems(
    kinds.NOT_FOUND,
    kinds.METHOD_NOT_ALLOWED,
    kinds.TOO_SLOW,
    kinds.TOO_LARGE,
    kinds.ENCODING,
    kinds.MEDIA_TYPE,
    also=_WORDS,
)
EXTRA: Final = openapi.extra(security=())


@dataclass(frozen=True, slots=True)
class Provider:
    """Who may speak at this door, and how."""

    contract: Contract
    dialect: Dialect


@router.post(
    PATH,
    status_code=200,
    response_class=Response,
    responses=RESPONSES,
    openapi_extra=EXTRA
    | {"requestBody": {"required": True, "content": _WORDS, "description": "docs/integrators/banks.md: a form each."}},
)
async def notify(request: Request, code: str) -> Response:
    """Tell of a movement of money. Every provider signs and is answered as its own contract has it."""
    provider = _at_this_door(request, code, "POST")
    body = await bodies.read(request, bodies.JSON, limit=LIMIT)
    return await run_in_threadpool(_take, request, provider, body)


@router.get(PATH, status_code=200, response_class=Response, responses=RESPONSES, openapi_extra=EXTRA)
async def notify_by_query(request: Request, code: str) -> Response:
    """The same for a provider that says it in the query (VNPAY's IPN)."""
    return await run_in_threadpool(_take, request, _at_this_door(request, code, "GET"), b"")


def _at_this_door(request: Request, code: str, method: Literal["GET", "POST"]) -> Provider:
    catalogue = reception.house(request).catalogue
    bank = catalogue.banks.get(code)
    contract = table.contract(bank, catalogue) if bank else None
    dialect = table.DIALECTS[contract.terms.dialect] if contract else None
    if contract is None or dialect is None or dialect.method != method:
        raise Problem(kinds.NOT_FOUND)
    if len(request.scope["query_string"]) > LONGEST_QUERY:
        raise Problem(kinds.TOO_LARGE)
    return Provider(contract, dialect)


def _take(request: Request, provider: Provider, body: bytes) -> Response:
    house, contract = reception.house(request), provider.contract
    came = Delivery(request.scope["query_string"], _headers(request, provider), body)
    with house.db.connection() as conn:
        delivery = intake.keep(conn, contract.provider, came.query, came.headers, came.body)
        crashpoints.reached(Point.ACCEPT_BEFORE_COMMIT)
        found = _found(conn, house, provider, came, delivery, clock.now())
    crashpoints.reached(Point.ACCEPT_AFTER_COMMIT)
    if found.code is not None:
        log.warning(
            "notification_found",
            provider=contract.provider,
            delivery=delivery,
            verdict=found.verdict,
            code=found.code,
        )
    if found.key_id is not None:
        passage.of(request).client = f"bank.{contract.provider} {found.key_id}"
    return Response(found.body, found.status, media_type="application/json" if found.body is not None else None)


def _headers(request: Request, provider: Provider) -> dict[str, str]:
    """Those on which the verdict stands; one that was given twice could be read in two ways, and counts as missing."""
    names = {*provider.dialect.headers, *provider.contract.terms.headers}
    given = {name: request.headers.getlist(name) for name in sorted(names)}
    return {name: values[0] for name, values in given.items() if len(values) == 1}


def _found(
    conn: Connection, house: House, provider: Provider, came: Delivery, delivery: int, now: datetime
) -> Judgement:
    """Verdict, kept; and what is answered."""
    contract, dialect = provider.contract, provider.dialect
    key, said, verdict = None, None, Verdict.IGNORED
    try:
        key = dialect.verify(came, contract, now)
        said = _read(provider, came, now)
    except NotVerified as error:
        verdict = error.verdict
    except Refused:
        verdict = Verdict.MALFORMED

    def judgement(verdict: Verdict) -> Judgement:
        answer = dialect.answer(verdict, contract, now)
        return Judgement(verdict.value, answer.status, answer.body, CODES.get(verdict), key)

    if said is None:
        found = judgement(verdict)
        intake.judge(conn, delivery, found)
        return found
    taken = intake.believe(conn, delivery, said, judgement(_standing(conn, dialect, said)), judgement(Verdict.CONFLICT))
    if taken.message is not None:
        house.nudge([Nudge(inbox.QUEUE, taken.message)])
    return taken.answer


def _read(provider: Provider, came: Delivery, now: datetime) -> Notification | None:
    """What the dialect reads in it. Raises Refused, NotVerified."""
    said = provider.dialect.read(came, provider.contract)
    if said is not None and said.paid_at is not None and said.paid_at > now + AHEAD:
        raise NotVerified(Verdict.MALFORMED)
    return said


def _standing(conn: Connection, dialect: Dialect, said: Notification) -> Verdict:
    return ORDERS[intake.order(conn, said.reference, said.amount)] if dialect.orders else Verdict.ACCEPTED
