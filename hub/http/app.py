"""The HTTP application: the endpoints of every party, on one hub."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any, Final

import anyio.to_thread
from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from hub.app import Hub
from hub.http import (
    banks,
    departments,
    fees,
    health,
    openapi,
    portal,
    postal,
    problems,
    procedures,
    soap,
)
from hub.http.admission import Admission, AdmissionMiddleware, RateLimits
from hub.http.request_context import RequestContextMiddleware

ROUTERS: Final = (
    portal.direct,
    portal.reads,
    procedures.reads,
    fees.reads,
    departments.router,
    postal.router,
    banks.router,
    soap.router,
    health.router,
)


def create(hub: Hub) -> FastAPI:
    """The application on ``hub``, which it opens when it starts and closes when it stops."""

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[dict[str, Any]]:
        limits = hub.catalogue.limits
        admission = Admission(limits.in_progress)
        anyio.to_thread.current_default_thread_limiter().total_tokens = admission.threads
        with hub:
            yield {
                "stopping": asyncio.Event(),
                "behind_a_proxy": hub.settings.proxy_secret is not None,
                "admission": admission,
                "rate_limits": RateLimits(limits.unidentified),
            }

    app = application(lifespan=lifespan)
    app.state.hub = hub
    return app


def application(**parts: Any) -> FastAPI:
    """Build the endpoints without a hub: enough for the OpenAPI description."""
    app = FastAPIOffline(  # /docs with its own copy of Swagger UI: a Centre's network may not reach a public one
        title="Liên thông Hub",
        version=version("lienthong-hub"),
        openapi_url="/openapi.json",
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,
        redirect_slashes=False,  # a redirect would break the signature, which covers the address
        telemetry={"tracing": False, "metrics": False, "logs": False},  # not configured here; asked at every request
        **parts,
    )
    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # flat: include_router would look each route up twice per request
    problems.install(app)
    openapi.install(app)
    app.add_middleware(AdmissionMiddleware)
    app.add_middleware(RequestContextMiddleware, problem_response=problems.response)  # added last: the outermost
    return app
