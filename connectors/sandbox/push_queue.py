"""Brings what a department says to the hub, until the hub has taken it; does not hammer at a hub that is away."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from connectors.sandbox.runtime_settings import SettingsPanel
from schemas.department import StatusReport
from schemas.settlement import TableAnswer

FIRST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 2.0
"""seconds between attempts; doubled from the first to the longest"""
PUSHERS: Final = 4
"""threads that push for one department"""

log = logging.getLogger(__name__)


class PushError(Exception):
    """The hub did not answer a push with 2xx; it is tried again until it does.

    ``away``: nobody answered, or could not; another report would fare no better just now.
    """

    def __init__(self, what: str, *, away: bool) -> None:
        super().__init__(what)
        self.away = away


PushMessage = StatusReport | TableAnswer
Push = Callable[[PushMessage], None]
"""Says one of them to the hub and waits for its answer (blocking). Raises PushError."""


def number_of(message: PushMessage) -> str:
    """The department's own number of what it says."""
    return message.report_id if isinstance(message, StatusReport) else message.answer_id


class PushQueue:
    """One department's way to the hub. While the hub is away, one report after another asks whether it is back."""

    def __init__(self, push: Push, panel: SettingsPanel, counterparty: str) -> None:
        self._push = push
        self._panel = panel
        self._counterparty = counterparty
        self._threads = ThreadPoolExecutor(PUSHERS, thread_name_prefix="sandbox-push")
        self._away = False
        self._asking = asyncio.Lock()
        self._pause = FIRST_PAUSE
        """before a hub that is away is asked again"""

    async def deliver(self, message: PushMessage) -> None:
        """Returns when the hub has taken it."""
        pause = FIRST_PAUSE
        while (error := await self._attempt(message)) is not None:
            if not error.away:
                log.warning("%s: the hub does not take %s: %s", self._counterparty, number_of(message), error)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)

    def close(self) -> None:
        """Waits for the calls under way."""
        self._threads.shutdown()

    async def _attempt(self, message: PushMessage) -> PushError | None:
        await self._panel.up()
        if not self._away:
            return await self._call(message)
        async with self._asking:
            if self._away:
                await asyncio.sleep(self._pause)
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            return await self._call(message)

    async def _call(self, message: PushMessage) -> PushError | None:
        try:
            await asyncio.get_running_loop().run_in_executor(self._threads, self._push, message)
        except PushError as error:
            self._note(error)
            return error
        self._note(None)
        return None

    def _note(self, error: PushError | None) -> None:
        """Say once that the hub is away, and once that it is back."""
        away = error is not None and error.away
        if away != self._away:
            log.warning("%s: the hub is %s", self._counterparty, f"away: {error}" if away else "back")
        if not away:
            self._pause = FIRST_PAUSE
        self._away = away
