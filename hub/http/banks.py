"""The notification doors: what a bank or gateway tells of money, each answered in its own words.

Who sent the raw bytes is decided before they are kept: a caller who proves nothing is counted, and leaves nothing else.
They are kept before they are read; the same movement told again gets the same answer; and nobody hears a success before
the commit. A provider without notifications has no door.
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
from connectors.banks.notifications.dialect import (
    Dialect,
    NotificationRequest,
    NotificationVerdict,
    NotVerified,
    ProviderContract,
)
from hub import clock, crashpoints
from hub.app import Hub
from hub.crashpoints import Point
from hub.db import Connection
from hub.fees.reconciliation import named_references, notification_intake
from hub.fees.reconciliation.notification_intake import DemandStatus, Judgement
from hub.http import ingest, openapi, problem_types, request_context
from hub.http.problems import Problem
from hub.messages import inbox
from hub.messages.model import Wakeup
from schemas.payment import Notification
from schemas.strict import Refused

router: Final = APIRouter(tags=["banks"])
log: Final = structlog.stdlib.get_logger()

PATH: Final = "/v1/banks/{code}/notifications"
LIMIT: Final = 65_536
"""bytes: no notification is half as long"""
LONGEST_QUERY: Final = 8_192
AHEAD: Final = timedelta(days=1)
"""by which a movement may lie before us: clocks differ, and no bank books what is still to come"""

CODES: Final[Mapping[NotificationVerdict, str]] = {
    NotificationVerdict.BAD_SIGNATURE: "N04",
    NotificationVerdict.MALFORMED: "N04",
    NotificationVerdict.STALE: "N05",
    NotificationVerdict.UNKNOWN_KEY: "N06",
    NotificationVerdict.CONFLICT: "N03",
    NotificationVerdict.UNKNOWN_ORDER: "R01",
}
SIGNED: Final = frozenset({NotificationVerdict.STALE, NotificationVerdict.UNKNOWN_KEY})
"""refusals of what the provider has signed, at another time or with a key that has run out: kept for a dispute"""
MOST_DISPUTED: Final = 100
"""of them in a day, for each provider and reason: whoever holds one such delivery can send it for ever"""
ORDERS: Final[Mapping[DemandStatus, NotificationVerdict]] = {
    DemandStatus.OPEN: NotificationVerdict.ACCEPTED,
    DemandStatus.UNKNOWN: NotificationVerdict.UNKNOWN_ORDER,
    DemandStatus.OTHER_AMOUNT: NotificationVerdict.WRONG_AMOUNT,
    DemandStatus.FINAL: NotificationVerdict.FINAL,
}

_WORDS: Final[dict[str, Any]] = {"application/json": {"schema": {"type": "object"}}}
_OWN: Final[dict[int | str, Any]] = {
    200: {"description": "Kept, in the provider's own words (or refused in them: VNPAY).", "content": _WORDS},
    204: {"description": "Kept (MoMo)."},
    401: {"description": "Not signed by the provider.", "content": _WORDS},
    409: {"description": "Told before with other content: what was said first stands.", "content": _WORDS},
}
RESPONSES: Final = _OWN | openapi.problems(
    problem_types.NOT_FOUND,
    problem_types.METHOD_NOT_ALLOWED,
    problem_types.TOO_SLOW,
    problem_types.TOO_LARGE,
    problem_types.ENCODING,
    problem_types.MEDIA_TYPE,
    also=_WORDS,
)
EXTRA: Final = openapi.extra(security=())


@dataclass(frozen=True, slots=True)
class NotificationSender:
    """Who may speak at this door, and how."""

    contract: ProviderContract
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
    body = await ingest.read_body(request, ingest.JSON_TYPE, limit=LIMIT)
    return await run_in_threadpool(_take, request, provider, body)


@router.get(PATH, status_code=200, response_class=Response, responses=RESPONSES, openapi_extra=EXTRA)
async def notify_by_query(request: Request, code: str) -> Response:
    """The same for a provider that says it in the query (VNPAY's IPN)."""
    return await run_in_threadpool(_take, request, _at_this_door(request, code, "GET"), b"")


def _at_this_door(request: Request, code: str, method: Literal["GET", "POST"]) -> NotificationSender:
    catalogue = ingest.hub(request).catalogue
    bank = catalogue.banks.get(code)
    contract = table.contract(bank, catalogue) if bank else None
    dialect = table.DIALECTS[contract.terms.dialect] if contract else None
    if contract is None or dialect is None or dialect.method != method:
        raise Problem(problem_types.NOT_FOUND)
    if len(request.scope["query_string"]) > LONGEST_QUERY:
        raise Problem(problem_types.TOO_LARGE)
    return NotificationSender(contract, dialect)


def _take(request: Request, provider: NotificationSender, body: bytes) -> Response:
    hub, contract, now = ingest.hub(request), provider.contract, clock.now()
    came = NotificationRequest(request.scope["query_string"], _headers(request, provider), body)
    key = _signed_by(provider, came, now)
    with hub.db.connection() as conn:
        if isinstance(key, NotificationVerdict):
            delivery, found = _refused(conn, provider, came, key, now)
        else:
            delivery = _kept(conn, provider, came)
            found = _found(conn, hub, provider, came, delivery, key, now)
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
        request_context.of(request).client = f"bank.{contract.provider} {found.key_id}"
    return Response(found.body, found.status, media_type="application/json" if found.body is not None else None)


def _headers(request: Request, provider: NotificationSender) -> dict[str, str]:
    """Those on which the verdict stands; one that was given twice could be read in two ways, and counts as missing."""
    names = {*provider.dialect.headers, *provider.contract.terms.headers}
    given = {name: request.headers.getlist(name) for name in sorted(names)}
    return {name: values[0] for name, values in given.items() if len(values) == 1}


def _signed_by(provider: NotificationSender, came: NotificationRequest, now: datetime) -> str | NotificationVerdict:
    """The id of the key that signed it, or why it is not believed."""
    try:
        return provider.dialect.verify(came, provider.contract, now)
    except NotVerified as error:
        return error.verdict
    except Refused:
        return NotificationVerdict.MALFORMED


def _refused(
    conn: Connection,
    provider: NotificationSender,
    came: NotificationRequest,
    verdict: NotificationVerdict,
    now: datetime,
) -> tuple[int | None, Judgement]:
    """Counted; and kept only where the provider has signed it, up to a bound."""
    found = _judgement(provider, verdict, None, now)
    times = notification_intake.refused(conn, f"bank.{provider.contract.provider}", verdict.value)
    if verdict not in SIGNED or times > MOST_DISPUTED:
        return None, found
    delivery = _kept(conn, provider, came)
    notification_intake.judge(conn, delivery, found)
    return delivery, found


def _kept(conn: Connection, provider: NotificationSender, came: NotificationRequest) -> int:
    delivery = notification_intake.keep(conn, provider.contract.provider, came.query, came.headers, came.body)
    crashpoints.reached(Point.ACCEPT_BEFORE_COMMIT)
    return delivery


def _judgement(provider: NotificationSender, verdict: NotificationVerdict, key: str | None, now: datetime) -> Judgement:
    answer = provider.dialect.answer(verdict, provider.contract, now)
    return Judgement(verdict.value, answer.status, answer.body, CODES.get(verdict), key)


def _found(
    conn: Connection,
    hub: Hub,
    provider: NotificationSender,
    came: NotificationRequest,
    delivery: int,
    key: str,
    now: datetime,
) -> Judgement:
    """Verdict, kept; and what is answered."""
    said, verdict = None, NotificationVerdict.IGNORED
    try:
        said = _read(provider, came, now)
    except NotVerified as error:
        verdict = error.verdict
    except Refused:
        verdict = NotificationVerdict.MALFORMED
    if said is None:
        found = _judgement(provider, verdict, key, now)
        notification_intake.judge(conn, delivery, found)
        return found
    first = _judgement(provider, _standing(conn, hub, provider.dialect, said), key, now)
    taken = notification_intake.believe(
        conn, delivery, said, first, _judgement(provider, NotificationVerdict.CONFLICT, key, now)
    )
    if taken.message is not None:
        hub.wake([Wakeup(inbox.QUEUE, taken.message)])
    return taken.answer


def _read(provider: NotificationSender, came: NotificationRequest, now: datetime) -> Notification | None:
    """What the dialect reads in it. Raises Refused, NotVerified."""
    said = provider.dialect.read(came, provider.contract)
    if said is not None and said.paid_at is not None and said.paid_at > now + AHEAD:
        raise NotVerified(NotificationVerdict.MALFORMED)
    return said


def _standing(conn: Connection, hub: Hub, dialect: Dialect, said: Notification) -> NotificationVerdict:
    if not dialect.orders:
        return NotificationVerdict.ACCEPTED
    desk = hub.catalogue.fee_desk
    references = named_references.references(said, desk.prefix if desk else None)
    return ORDERS[notification_intake.order(conn, references, said.amount)]
