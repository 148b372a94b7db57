"""The persons behind the hub: at the end of a run they look at what waits for them, as the runbooks say."""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from config.catalogue import Catalogue
from config.settings import Settings
from hub import operations
from hub.app import Hub
from hub.errors import InvalidState
from hub.messages.model import TransferState
from tests.stack import ProcessStack

CLERK = "can-bo-thu-nghiem"
ROUNDS = 5
"""times that somebody looks; what waits after that is a finding"""


class Persons:
    """Whoever works off what is stuck or dead. ``seen``: code → how many of them there were."""

    def __init__(self, stack: ProcessStack, catalogue: Catalogue) -> None:
        self._stack = stack
        self._catalogue = catalogue
        self.seen: Counter[str] = Counter()

    def work_off(self) -> bool:
        """Look once: ask what a partner has, send again, handle again. Whether there was anything to do."""
        stuck = self._stack.rows("SELECT id, error_code FROM outbox WHERE state = 'stuck' ORDER BY seq")
        dead = self._stack.rows(
            "SELECT id, error_code FROM inbox WHERE state = 'dead' AND error_code <> 'STATUS_UNKNOWN' ORDER BY seq"
        )
        self.seen.update(f"{row['error_code']}" for row in (*stuck, *dead))
        if not stuck and not dead:
            return False
        with self._hub() as hub:
            for row in stuck:
                _send_again(hub, row["id"])
            for row in dead:
                operations.requeue(hub, row["id"], actor=CLERK, reason="sau sự cố, xử lý lại")
        return True

    @contextmanager
    def _hub(self) -> Iterator[Hub]:
        before = dict(os.environ)
        os.environ.update(self._stack.environment)
        try:
            settings = Settings()
            partners = {"partner_urls": self._stack.partner_urls}
            with Hub(settings.model_copy(update=partners), self._catalogue) as hub:
                yield hub
        finally:
            os.environ.clear()
            os.environ.update(before)


def _send_again(hub: Hub, transfer: str) -> None:
    """Ask first, where one can ask: what has arrived need not go again."""
    try:
        if operations.check(hub, transfer, actor=CLERK) is not TransferState.STUCK:
            return
    except InvalidState:
        pass  # A partner that cannot be asked: it recognises the key, or nothing was sent.
    operations.replay(hub, transfer, actor=CLERK, reason="sau sự cố, gửi lại")
