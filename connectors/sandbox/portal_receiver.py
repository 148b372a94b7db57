"""The portal's side of the webhooks: receives notices by the Standard Webhooks specification and keeps each once."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus
from pathlib import Path

from standardwebhooks import Webhook, WebhookVerificationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from config.catalogue import Endpoint
from connectors.clock import now
from connectors.sandbox.effects import EffectFile, Noticed, effects_path
from connectors.sandbox.runtime_settings import RuntimeControl, SandboxSettings
from connectors.sandbox.server import Obstacles, control
from schemas import strict
from schemas.portal import Notice

log = logging.getLogger(__name__)


class PortalReceiver:
    """One webhook endpoint. It accepts a notice signed with any of ``secrets``, as during a rotation."""

    def __init__(self, endpoint: Endpoint, data: Path, settings: SandboxSettings, secrets: list[str]) -> None:
        self.runtime = RuntimeControl(settings)
        self._counterparty = endpoint.counterparty
        self._webhooks = [Webhook(secret) for secret in secrets]
        self._effects = EffectFile(effects_path(data, endpoint.counterparty), Noticed)
        self._noticed = {effect.key: effect for effect in self._effects.loaded}
        self._taking: dict[str, asyncio.Task[None]] = {}
        self.app = Starlette(
            routes=[
                control(self.runtime, effects=self.noticed),
                Route("/{path:path}", self._receive, methods=["POST"]),
            ],
            middleware=[Middleware(Obstacles, runtime=self.runtime)],
            lifespan=lambda _: self._open(),
        )

    def noticed(self) -> list[Noticed]:
        """Every notice, once, in the order in which they came."""
        return list(self._noticed.values())

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        if not self._is_signed(body, request):
            return PlainTextResponse("no valid signature\n", HTTPStatus.UNAUTHORIZED)
        try:
            notice = strict.read(Notice, body)
        except strict.Refused as refused:
            findings = ", ".join(f"{fault.pointer} {fault.code}" for fault in refused.faults)
            log.warning("a signed notice is not as its contract says: %s", findings)
            return PlainTextResponse("not a notice\n", HTTPStatus.BAD_REQUEST)
        await self._take(notice, request.headers["webhook-id"])
        return Response(status_code=HTTPStatus.NO_CONTENT)

    def _is_signed(self, body: bytes, request: Request) -> bool:
        for webhook in self._webhooks:
            try:
                webhook.verify(body, dict(request.headers), json_parse=False)
            except (WebhookVerificationError, ValueError):
                continue
            return True
        return False

    async def _take(self, notice: Notice, key: str) -> None:
        """Keep the notice, or wait until the same one, sent at the same moment, is kept."""
        if key in self._noticed:
            return
        if key not in self._taking:
            self._taking[key] = asyncio.create_task(self._keep(notice, key))
        await asyncio.shield(self._taking[key])

    async def _keep(self, notice: Notice, key: str) -> None:
        effect = Noticed(
            at=now(),
            counterparty=self._counterparty,
            key=key,
            dossier_code=notice.data.dossier_code or "",
            submission_id=notice.data.submission_id,
            event_id=notice.data.event_id,
            type=notice.type,
            state=notice.data.state,
            status=notice.data.status,
            version=notice.data.version,
        )
        try:
            await self._effects.append(effect)
            self._noticed[key] = effect
        finally:
            del self._taking[key]

    @asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            self._effects.close()
