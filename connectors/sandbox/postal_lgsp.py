"""A postal operator that speaks the newer dialect (LGSP): orders, our feed, our callback."""

import hmac
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from config.catalogue import Catalogue
from connectors.sandbox.postal_forms import CodedForm, Form, LgspForm, answered, malformed, read
from connectors.sandbox.postal_operator import LARGEST_PAGE, PostalOperatorServer
from connectors.sandbox.server import Obstacles, control
from schemas import strict

Endpoint = Callable[[Request], Awaitable[Response]]


class LgspServer:
    """The server behind the province's gateway."""

    def __init__(self, server: PostalOperatorServer, catalogue: Catalogue) -> None:
        operator = server.operator
        if operator.token is None:
            raise ValueError(f"{operator.code}: lgsp needs a token")
        self._token = catalogue.secret(operator.token).encode()
        self._office = server
        self.app = Starlette(
            routes=[
                Route(f"/{operator.operation('order')}", self._known(self._orders(LgspForm)), methods=["POST"]),
                Route(
                    f"/{operator.operation('order_with_item_code')}",
                    self._known(self._orders(CodedForm)),
                    methods=["POST"],
                ),
                Route(f"/{operator.operation('feed')}", self._known(self._feed), methods=["GET"]),
                control(server.runtime, effects=server.orders, items=server.items, events=server.book.all),
            ],
            middleware=[Middleware(Obstacles, runtime=server.runtime)],
            lifespan=lambda _: server.open(),
        )

    def _known(self, endpoint: Endpoint) -> Endpoint:
        """Let in only who shows our token."""

        async def guarded(request: Request) -> Response:
            if not hmac.compare_digest(request.headers.get("access_token", "").encode(), self._token):
                return _unknown()
            return await endpoint(request)

        return guarded

    def _orders(self, form: type[Form]) -> Endpoint:
        async def ordering(request: Request) -> Response:
            try:
                order = await read(request, form, self._office.operator)
            except strict.Refused as refused:
                return malformed(refused)
            return answered(self._office, await self._office.order(order), with_item_code=True)

        return ordering

    async def _feed(self, request: Request) -> Response:
        after, limit = request.query_params.get("after") or "0", request.query_params.get("limit", "500")
        if not after.isdecimal() or not limit.isdecimal() or not 1 <= int(limit) <= LARGEST_PAGE:
            return JSONResponse({"errors": ["after is a cursor of ours, limit 1 to 1000"]}, HTTPStatus.BAD_REQUEST)
        page = self._office.book.page(int(after), int(limit))
        if self._office.token_expires(page):
            return _unknown()
        events = [event.model_dump(mode="json", exclude_none=True) for _, event in page]
        return JSONResponse({"events": events, "cursor": str(page[-1][0]) if page else after})


def _unknown() -> Response:
    return JSONResponse({"error": "unknown caller"}, HTTPStatus.UNAUTHORIZED)
