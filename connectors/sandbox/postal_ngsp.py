"""A postal operator that speaks the older dialect (NGSP): tokens, PostOrder, CancelOrder, GetOrderTracking."""

import base64
import hmac
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.catalogue import Catalogue
from connectors.postal.messages import VIETNAM
from connectors.sandbox.postal_forms import Form, answered, malformed, read
from connectors.sandbox.postal_operator import LARGEST_PAGE, PostalOperatorServer
from connectors.sandbox.server import Obstacles, control
from schemas import strict
from schemas.postal import TrackingEvent

_OBJECT_ID: Final = re.compile(r"[0-9a-f]{24}")
_DIGITS: Final = 24

Endpoint = Callable[[Request], Awaitable[Response]]


class NgspServer:
    """The server behind the national gateway."""

    def __init__(self, server: PostalOperatorServer, catalogue: Catalogue) -> None:
        operator = server.operator
        if operator.consumer_key is None or operator.consumer_secret is None:
            raise ValueError(f"{operator.code}: ngsp needs consumer_key and consumer_secret")
        pair = f"{catalogue.secret(operator.consumer_key)}:{catalogue.secret(operator.consumer_secret)}"
        self._expected = b"Basic " + base64.b64encode(pair.encode())
        self._office = server
        self._tokens: dict[str, float] = {}
        """token → until when it is good"""
        self.app = Starlette(
            routes=[
                Route(f"/{operator.operation('token')}", self._token, methods=["POST"]),
                Route(f"/{operator.operation('order')}", self._known(self._order), methods=["POST"]),
                Route(f"/{operator.operation('cancel')}", self._known(self._cancel), methods=["GET"]),
                Route(f"/{operator.operation('feed')}", self._known(self._feed), methods=["GET"]),
                control(server.runtime, effects=server.orders, items=server.items, events=server.book.all),
            ],
            middleware=[Middleware(Obstacles, runtime=server.runtime)],
            lifespan=lambda _: server.open(),
        )

    async def _token(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), self._expected):
            return JSONResponse({"error": "invalid_client"}, HTTPStatus.UNAUTHORIZED)
        if (await request.body()) != b"grant_type=client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, HTTPStatus.BAD_REQUEST)
        seconds = self._office.runtime.settings.token_seconds
        token = secrets.token_urlsafe(24)
        self._tokens = {known: until for known, until in self._tokens.items() if until > time.monotonic()}
        self._tokens[token] = time.monotonic() + seconds
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": seconds})

    def _known(self, endpoint: Endpoint) -> Endpoint:
        """Let in only who shows a token that is still good."""

        async def guarded(request: Request) -> Response:
            kind, _, token = request.headers.get("authorization", "").partition(" ")
            if kind != "Bearer" or self._tokens.get(token, 0) <= time.monotonic():
                return _unknown()
            return await endpoint(request)

        return guarded

    async def _order(self, request: Request) -> Response:
        try:
            order = await read(request, Form, self._office.operator)
        except strict.Refused as refused:
            return malformed(refused)
        return answered(self._office, await self._office.order(order), with_item_code=False)

    async def _cancel(self, request: Request) -> Response:
        if request.query_params.get("CustomerCode") != self._office.operator.customer_code:
            return JSONResponse({"errors": ["CustomerCode: unknown"]}, HTTPStatus.BAD_REQUEST)
        reply = await self._office.cancel(request.query_params.get("OrderNumber", ""))
        return answered(self._office, reply, with_item_code=False)

    async def _feed(self, request: Request) -> Response:
        size, after = request.query_params.get("pagesize", ""), request.query_params.get("lastId", "")
        if not size.isdecimal() or not 1 <= int(size) <= LARGEST_PAGE or not _OBJECT_ID.fullmatch(after):
            return JSONResponse({"errors": ["pagesize is 1 to 1000, lastId an ObjectId"]}, HTTPStatus.BAD_REQUEST)
        page = self._office.book.page(int(after, 16), int(size))
        if self._office.token_expires(page):
            self._tokens.clear()
            return _unknown()
        entries = [self._entry(place, event) for place, event in page]
        whole = len(self._office.book.all())
        return JSONResponse(
            {
                "_size": whole,
                "_total_pages": -(-whole // int(size)),
                "_returned": len(entries),
                "_embedded": {"rh:doc": entries},
            }
        )

    def _entry(self, place: int, event: TrackingEvent) -> dict[str, Any]:
        return {
            "_id": {"$oid": f"{place:0{_DIGITS}x}"},
            "CustomerCode": self._office.operator.customer_code,
            "OrderNumber": event.order_number,
            "EventTime": f"{event.at.astimezone(VIETNAM):%Y-%m-%dT%H:%M:%S}",
            "POSID": event.place,
            "ItemCode": event.item_code,
            "StatusCode": event.status_code,
            "StatusMessage": event.text,
            "Notes": "",
        }


def _unknown() -> Response:
    return JSONResponse({"error": "invalid_token"}, HTTPStatus.UNAUTHORIZED)
