"""How a sandbox operator calls back: one event a call, to the capability URL that came with the order.

Like the real ones it tries a few times and gives up: what is lost so stands in the feed.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import requests

from connectors.sandbox.runtime_settings import SettingsPanel
from schemas.postal import TrackingEvent

ATTEMPTS: Final = 5
FIRST_PAUSE: Final = 0.1
"""seconds; doubled after each attempt"""
CALLERS: Final = 4
"""threads"""
TIMEOUT: Final = 10.0
"""seconds"""

log = logging.getLogger(__name__)


class Callbacks:
    """One operator's calls. The events of one item are said one after another."""

    def __init__(self, panel: SettingsPanel, counterparty: str) -> None:
        self._panel = panel
        self._counterparty = counterparty
        self._threads = ThreadPoolExecutor(CALLERS, thread_name_prefix="sandbox-postal")
        self._turns: dict[str, asyncio.Lock] = {}

    async def say(self, url: str, event: TrackingEvent) -> None:
        """Returns when the hub has taken the event, or will not take it, or has been tried often enough."""
        async with self._turns.setdefault(event.order_number, asyncio.Lock()):
            pause = FIRST_PAUSE
            for _ in range(ATTEMPTS):
                if self._panel.knobs.lose_callbacks or await self._call(url, event):
                    return
                await asyncio.sleep(pause)
                pause *= 2
            log.warning("%s: a callback is given up; it stands in the feed", self._counterparty)

    def close(self) -> None:
        """Waits for the calls under way."""
        self._threads.shutdown()

    async def _call(self, url: str, event: TrackingEvent) -> bool:
        """Whether that was the last word: taken, or refused for good (4xx but for 408, 425 and 429)."""
        body = event.model_dump_json(exclude_none=True).encode()
        status = await asyncio.get_running_loop().run_in_executor(self._threads, _post, url, body)
        if status is None or status >= requests.codes.server_error or status in {408, 425, 429}:
            return False
        if status >= requests.codes.bad_request:
            log.warning("%s: the hub answers a callback with HTTP %s", self._counterparty, status)
        return True


def _post(url: str, body: bytes) -> int | None:
    """The status of the answer; None if there is none."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            headers = {"Content-Type": "application/json"}
            return session.post(url, body, headers=headers, timeout=TIMEOUT, allow_redirects=False).status_code
        except requests.RequestException:
            return None
