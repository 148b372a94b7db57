"""A route whose door wants nothing but the request, so FastAPI need not look for what to fill in at every one."""

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.routing import APIRoute
from typing_extensions import override


class RawRequestRoute(APIRoute):
    """For the door that everything comes through; it is described like any other."""

    @override
    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handler: Callable[[Request], Coroutine[Any, Any, Response]] = self.endpoint
        return handler
