"""Connections that end without an answer: what a sandbox server needs of uvicorn beyond ASGI."""

import asyncio
from typing import Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from connectors.sandbox.runtime_settings import SettingsPanel

_CUT: Final = "cut"


class CuttableProtocol(HttpToolsProtocol):
    """HTTP/1.1 whose application may drop the connection: ``scope["state"]["cut"]()``."""

    @override
    def on_message_begin(self) -> None:
        super().on_message_begin()
        self.scope["state"][_CUT] = self.transport.abort


class NoAnswer(Response):
    """Holds the connection for some seconds and drops it; ends early when the client goes away or the server stops."""

    def __init__(self, panel: SettingsPanel, seconds: float) -> None:
        super().__init__()
        self._panel = panel
        self._seconds = seconds

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.create_task(_gone(receive))
        closing = asyncio.create_task(self._panel.closing.wait())
        try:
            await asyncio.wait({gone, closing}, timeout=self._seconds, return_when=asyncio.FIRST_COMPLETED)
            scope["state"][_CUT]()
            await gone
        finally:
            closing.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
