"""The trust services as servers: a time-stamping authority (RFC 3161) and a CA's revocation list (RFC 5280).

Both work with the development authority of one folder. Beside the knobs of every sandbox server:

    PATCH /_sandbox/           {"stamps": "nonce"}: give stamps that are wrong in that way; {"stale_list": true}
    POST  /_sandbox/revoke     {"serial": "…"}: revoke this certificate (its serial number as a decimal text), now
"""

from datetime import datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from connectors.clock import now
from connectors.sandbox import time_stamps
from connectors.sandbox.control import PREFIX, Obstacles, control
from connectors.sandbox.runtime_settings import SandboxSettings, SettingsPanel
from connectors.trust.development_authority import CRL_LASTS, DevelopmentAuthority

QUERY: Final = "application/timestamp-query"
REPLY: Final = "application/timestamp-reply"
_EVERY: Final = timedelta(hours=1)
_ONE_DAY: Final = timedelta(days=1)
_STALE: Final = timedelta(days=2)


class TimeStampServer:
    """A TSA. Its key and certificate are the development authority's."""

    def __init__(self, pki: Path, settings: SandboxSettings) -> None:
        self.panel = SettingsPanel(settings)
        self._authority = DevelopmentAuthority(pki)
        self.app = Starlette(
            routes=[control(self.panel), Route("/{path:path}", self._stamp, methods=["POST"])],
            middleware=[Middleware(Obstacles, panel=self.panel)],
        )

    async def _stamp(self, request: Request) -> Response:
        if request.headers.get("content-type") != QUERY:
            return PlainTextResponse(f"send {QUERY}\n", HTTPStatus.UNSUPPORTED_MEDIA_TYPE)
        try:
            reply = time_stamps.reply(await request.body(), self._authority, now(), self.panel.knobs.stamps)
        except time_stamps.NotARequest:
            return PlainTextResponse("not a TimeStampReq\n", HTTPStatus.BAD_REQUEST)
        return Response(reply, media_type=REPLY)


class _Revocation(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    serial: str = Field(pattern=r"^[0-9]{1,49}$")


class RevocationListServer:
    """A CA's distribution point: a new list every hour, and at once when something has been revoked."""

    def __init__(self, pki: Path, settings: SandboxSettings) -> None:
        self.panel = SettingsPanel(settings)
        self._authority = DevelopmentAuthority(pki)
        self._list = b""
        self._list_state: tuple[datetime, object] | None = None
        self.app = Starlette(
            routes=[
                Route(f"{PREFIX}/revoke", self._revoke, methods=["POST"]),
                control(self.panel),
                Route("/{path:path}", self._serve, methods=["GET"]),
            ],
            middleware=[Middleware(Obstacles, panel=self.panel)],
        )

    async def _serve(self, request: Request) -> Response:
        if request.path_params["path"].endswith("root.crl"):
            return Response(self._authority.root_crl(), media_type="application/pkix-crl")
        return Response(self._current(now()), media_type="application/pkix-crl")

    def _current(self, at: datetime) -> bytes:
        state = (self.panel.knobs.stale_list, frozenset(self._authority.revoked()))
        if self._list_state is None or self._list_state[1] != state or at - self._list_state[0] > _EVERY:
            stale = self.panel.knobs.stale_list
            self._list = self._authority.crl(at=at - _STALE if stale else at, lasts=_ONE_DAY if stale else CRL_LASTS)
            self._list_state = at, state
        return self._list

    async def _revoke(self, request: Request) -> Response:
        try:
            revocation = _Revocation.model_validate_json(await request.body())
        except ValidationError:
            return PlainTextResponse('say {"serial": "123"}\n', HTTPStatus.UNPROCESSABLE_ENTITY)
        self._authority.revoke(int(revocation.serial))
        return Response(status_code=HTTPStatus.NO_CONTENT)
