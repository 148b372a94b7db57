"""Health endpoints for probes: liveness, and readiness to accept. Neither asks for authentication."""

import os
import socket
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import anyio
import psycopg
from fastapi import APIRouter, Request
from starlette.responses import Response

from hub import clock, standstill
from hub.app import Hub
from hub.http import ingest, problem_types, problems, request_context
from hub.http.answers import Health
from hub.migrations import run
from hub.signing import custody
from schemas.strict import Fault

router: Final = APIRouter(tags=["health"])

OK: Final = "ok"
DATABASE_TIMEOUT: Final = 3.0
"""seconds within which the database has to answer"""
BROKER_TIMEOUT: Final = 1.0
"""seconds"""
_PORTS: Final = {"amqp": 5672, "amqps": 5671, "redis": 6379, "rediss": 6379}


@router.head("/health/live", include_in_schema=False)
@router.get("/health/live")
async def live() -> Response:
    """Liveness: whether the process answers; a supervisor restarts it if not."""
    return ingest.json_response(Health(status="alive", checks={}))


@router.head("/health/ready", include_in_schema=False)
@router.get("/health/ready")
async def ready(request: Request) -> Response:
    """Readiness to accept: database, space on its disk, migrations. Everything else is reported only."""
    hub = ingest.hub(request)
    checks = {"database": "slow", "migrations": "unknown", "disk": "unknown"}
    with anyio.move_on_after(DATABASE_TIMEOUT):
        checks = await anyio.to_thread.run_sync(_database, hub, abandon_on_cancel=True)
    faults = [Fault(f"/checks/{name}", "not_ready", finding) for name, finding in checks.items() if finding != OK]
    if faults:
        return problems.response(problem_types.UNAVAILABLE, request_context.of(request), faults=faults)
    custody_log = await anyio.to_thread.run_sync(_custody, hub)
    alive = await anyio.to_thread.run_sync(_alive, hub)
    broker = await anyio.to_thread.run_sync(_broker, str(hub.settings.broker_url))
    catalogue = f"{len(hub.catalogue.procedures)} procedures, {len(hub.catalogue.departments)} departments"
    reports = {"catalogue": catalogue, "broker": broker, "custody": custody_log, **alive}
    return ingest.json_response(Health(status="ready", checks={**checks, **reports}))


def _database(hub: Hub) -> dict[str, str]:
    try:
        with hub.db.connection() as conn:
            full = list(standstill.disk(conn, Path(os.environ.get("HUB_VAR") or "."), least=standstill.NO_DISK))
            row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
    except psycopg.errors.UndefinedTable:
        row = None
    except psycopg.Error as error:
        return {"database": type(error).__name__, "migrations": "unknown", "disk": "unknown"}
    step = row["version_num"] if row else None
    migrations = OK if step == _newest_step() else f"at {step}, needs {_newest_step()}"
    return {"database": OK, "migrations": migrations, "disk": "; ".join(full) or OK}


def _alive(hub: Hub) -> dict[str, str]:
    """Whether ticks and workers run, and whether the inbox takes more; reported only, since the API answers without."""
    try:
        with hub.db.connection() as conn:
            return {
                "ticks": "; ".join(standstill.ticks(conn)) or OK,
                "workers": "; ".join(standstill.workers(conn)) or OK,
                "backlog": "; ".join(standstill.backlog(conn, hub.catalogue.limits.backlog)) or OK,
            }
    except psycopg.Error as error:
        return dict.fromkeys(("ticks", "workers", "backlog"), type(error).__name__)


def _custody(hub: Hub) -> str:
    """Whether the custody log is anchored in time; reported only, since the API accepts without it."""
    try:
        with hub.db.connection() as conn:
            since = custody.anchored_since(conn)
    except psycopg.Error as error:
        return type(error).__name__
    late = since is not None and clock.now() - since > custody.ANCHORED_WITHIN
    return f"not anchored since {since:%Y-%m-%dT%H:%M:%SZ}" if late else OK


@cache
def _newest_step() -> str:
    return run.head()


def _broker(url: str) -> str:
    """Whether something listens at the broker's address; the publisher finds out whether it takes messages."""
    address = urlsplit(url)
    try:
        port = address.port or _PORTS[address.scheme]
        with socket.create_connection((address.hostname or "localhost", port), timeout=BROKER_TIMEOUT):
            return OK
    except OSError:
        return "unreachable"
