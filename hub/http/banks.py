"""Payment notifications of banks and gateways (webhooks, VNPAY's IPN), each answered as its contract has it.

1. Verify the signature over the raw bytes. Of an unsigned request only a count by reason and day is stored.
2. Store the raw delivery before it is parsed.
3. Judge it. The same movement notified again gets the same answer, and no success is answered before the commit.

A provider without notifications has no endpoint (404).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal

import structlog
from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from connectors.banks.notifications import providers
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
from hub.fees.reconciliation import notification_intake, notifications
from hub.fees.reconciliation.notification_intake import DemandStatus, Judgement
from hub.http import admission, guards, ingest, openapi, problem_types, request_context
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
MAX_QUERY_BYTES: Final = 8_192
MAX_FUTURE: Final = timedelta(days=1)
"""by which a movement may lie in the future: clocks differ, and no bank books what is still to come"""

CODES: Final[Mapping[NotificationVerdict, str]] = {
    NotificationVerdict.BAD_SIGNATURE: "N04",
    NotificationVerdict.MALFORMED: "N04",
    NotificationVerdict.STALE: "N05",
    NotificationVerdict.UNKNOWN_KEY: "N06",
    NotificationVerdict.CONFLICT: "N03",
    NotificationVerdict.UNKNOWN_ORDER: "R01",
}
SIGNED_REFUSALS: Final = frozenset({NotificationVerdict.STALE, NotificationVerdict.UNKNOWN_KEY})
"""refusals of what the provider has signed, at another time or with a key that has run out: kept for a dispute"""
MAX_DISPUTED_PER_DAY: Final = 100
"""signed refusals stored per provider, reason and day: whoever holds one such delivery can send it for ever"""
ORDERS: Final[Mapping[DemandStatus, NotificationVerdict]] = {
    DemandStatus.OPEN: NotificationVerdict.ACCEPTED,
    DemandStatus.UNKNOWN: NotificationVerdict.UNKNOWN_ORDER,
    DemandStatus.OTHER_AMOUNT: NotificationVerdict.WRONG_AMOUNT,
    DemandStatus.FINAL: NotificationVerdict.FINAL,
}

_PROVIDER_JSON: Final[dict[str, Any]] = {"application/json": {"schema": {"type": "object"}}}
_PROVIDER_RESPONSES: Final[dict[int | str, Any]] = {
    200: {
        "description": "Stored; the body is as the provider's contract has it (VNPAY: refusals too).",
        "content": _PROVIDER_JSON,
    },
    204: {"description": "Stored (MoMo)."},
    401: {"description": "Not signed by the provider.", "content": _PROVIDER_JSON},
    409: {"description": "Notified before with other content: the first one counts.", "content": _PROVIDER_JSON},
}
RESPONSES: Final = _PROVIDER_RESPONSES | openapi.problems(
    problem_types.NOT_FOUND,
    problem_types.METHOD_NOT_ALLOWED,
    problem_types.TOO_SLOW,
    problem_types.TOO_LARGE,
    problem_types.ENCODING,
    problem_types.MEDIA_TYPE,
    also=_PROVIDER_JSON,
)
EXTRA: Final = openapi.extra(security=())


@dataclass(frozen=True, slots=True)
class NotificationSender:
    """The provider of a notification, and the dialect it signs and writes in."""

    contract: ProviderContract
    dialect: Dialect


@router.post(
    PATH,
    status_code=200,
    response_class=Response,
    responses=RESPONSES,
    openapi_extra=EXTRA
    | {
        "requestBody": {
            "required": True,
            "content": _PROVIDER_JSON,
            "description": "docs/integrators/banks.md: a form each.",
        }
    },
)
async def notify(request: Request, code: str) -> Response:
    """Notify a movement of money. Every provider signs and is answered as its own contract has it."""
    provider = _sender(request, code, "POST")
    admission.rate_limits(request).check_address(request)
    body = await ingest.read_body(request, ingest.JSON_TYPE, limit=LIMIT)
    return await run_in_threadpool(_take, request, provider, body)


@router.get(PATH, status_code=200, response_class=Response, responses=RESPONSES, openapi_extra=EXTRA)
async def notify_by_query(request: Request, code: str) -> Response:
    """The same for a provider that notifies in the query string (VNPAY's IPN)."""
    return await run_in_threadpool(_take, request, _sender(request, code, "GET"), b"")


def _sender(request: Request, code: str, method: Literal["GET", "POST"]) -> NotificationSender:
    catalogue = ingest.hub(request).catalogue
    bank = catalogue.banks.get(code)
    contract = providers.contract(bank, catalogue) if bank else None
    dialect = providers.DIALECTS[contract.terms.dialect] if contract else None
    if contract is None or dialect is None or dialect.method != method:
        raise guards.not_found(request)
    if len(request.scope["query_string"]) > MAX_QUERY_BYTES:
        raise Problem(problem_types.TOO_LARGE)
    return NotificationSender(contract, dialect)


def _take(request: Request, provider: NotificationSender, body: bytes) -> Response:
    hub, contract, now = ingest.hub(request), provider.contract, clock.now()
    counters = admission.rate_limits(request)
    received = NotificationRequest(request.scope["query_string"], _headers(request, provider), body)
    key = _verify(provider, received, now)
    if isinstance(key, NotificationVerdict):
        counters.count_unidentified(request)
    else:
        bank = hub.catalogue.banks[contract.provider]
        counters.count_client(request, bank.counterparty, bank.rate_limit)
    with ingest.connection(hub) as conn:
        if isinstance(key, NotificationVerdict):
            delivery, judgement = _refused(conn, provider, received, key, now)
        else:
            delivery = _store(conn, provider, received)
            judgement = _judge_delivery(conn, hub, provider, received, delivery, key, now)
    crashpoints.reached(Point.ACCEPT_AFTER_COMMIT)
    if judgement.code is not None:
        log.warning(
            "notification_refused",
            provider=contract.provider,
            delivery=delivery,
            verdict=judgement.verdict,
            code=judgement.code,
        )
    if judgement.key_id is not None:
        request_context.of(request).client = f"bank.{contract.provider} {judgement.key_id}"
    return Response(
        judgement.body, judgement.status, media_type="application/json" if judgement.body is not None else None
    )


def _headers(request: Request, provider: NotificationSender) -> dict[str, str]:
    """The headers that the verdict needs. One that is given twice is ambiguous, and counts as missing."""
    names = {*provider.dialect.headers, *provider.contract.terms.headers}
    by_name = {name: request.headers.getlist(name) for name in sorted(names)}
    return {name: values[0] for name, values in by_name.items() if len(values) == 1}


def _verify(provider: NotificationSender, received: NotificationRequest, now: datetime) -> str | NotificationVerdict:
    """Return the id of the key that signed it, or the verdict against it."""
    try:
        return provider.dialect.verify(received, provider.contract, now)
    except NotVerified as error:
        return error.verdict
    except Refused:
        return NotificationVerdict.MALFORMED


def _refused(
    conn: Connection,
    provider: NotificationSender,
    received: NotificationRequest,
    verdict: NotificationVerdict,
    now: datetime,
) -> tuple[int | None, Judgement]:
    """Count the refusal; store the delivery only if the provider signed it, up to a bound per day."""
    judgement = _judgement(provider, verdict, None, now)
    times = notification_intake.refused(conn, f"bank.{provider.contract.provider}", verdict.value)
    if verdict not in SIGNED_REFUSALS or times > MAX_DISPUTED_PER_DAY:
        return None, judgement
    delivery = _store(conn, provider, received)
    notification_intake.judge(conn, delivery, judgement)
    return delivery, judgement


def _store(conn: Connection, provider: NotificationSender, received: NotificationRequest) -> int:
    delivery = notification_intake.keep(
        conn, provider.contract.provider, received.query, received.headers, received.body
    )
    crashpoints.reached(Point.ACCEPT_BEFORE_COMMIT)
    return delivery


def _judgement(provider: NotificationSender, verdict: NotificationVerdict, key: str | None, now: datetime) -> Judgement:
    answer = provider.dialect.answer(verdict, provider.contract, now)
    return Judgement(verdict.value, answer.status, answer.body, CODES.get(verdict), key)


def _judge_delivery(
    conn: Connection,
    hub: Hub,
    provider: NotificationSender,
    received: NotificationRequest,
    delivery: int,
    key: str,
    now: datetime,
) -> Judgement:
    """Parse and judge a stored delivery; store the verdict, and return it with its answer."""
    notification, verdict = None, NotificationVerdict.IGNORED
    try:
        notification = _read(provider, received, now)
    except NotVerified as error:
        verdict = error.verdict
    except Refused:
        verdict = NotificationVerdict.MALFORMED
    if notification is None:
        judgement = _judgement(provider, verdict, key, now)
        notification_intake.judge(conn, delivery, judgement)
        return judgement
    first = _judgement(provider, _order_verdict(conn, hub, provider.dialect, notification), key, now)
    result = notification_intake.believe(
        conn, delivery, notification, first, _judgement(provider, NotificationVerdict.CONFLICT, key, now)
    )
    if result.message is not None:
        hub.wake([Wakeup(inbox.QUEUE, result.message)])
    return result.answer


def _read(provider: NotificationSender, received: NotificationRequest, now: datetime) -> Notification | None:
    """Parse it by the dialect; None: nothing to book. Raises Refused, NotVerified."""
    notification = provider.dialect.read(received, provider.contract)
    if notification is not None and notification.paid_at is not None and notification.paid_at > now + MAX_FUTURE:
        raise NotVerified(NotificationVerdict.MALFORMED)
    return notification


def _order_verdict(conn: Connection, hub: Hub, dialect: Dialect, notification: Notification) -> NotificationVerdict:
    if not dialect.orders:
        return NotificationVerdict.ACCEPTED
    fee_settings = hub.catalogue.fee_settings
    references = notifications.references(notification, fee_settings.prefix if fee_settings else None)
    return ORDERS[notification_intake.order(conn, references, notification.amount)]
