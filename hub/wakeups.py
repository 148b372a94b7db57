"""Publishing of wake-ups: after a commit, tell the broker which rows are due, without making the caller wait.

A background thread publishes in batches with confirms and then marks the rows. While the broker is away it retries;
above its limit it drops the oldest, because the sweep finds every due row that has no wake-up.

A worker continues by itself with the rows that its own commits have made due (``PromptQueue``). Such a wake-up is held
back for a moment and goes to the broker if the worker has not taken it by then, so that a slow counterparty delays
nobody else's row.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

import structlog

from hub import crashpoints
from hub.crashpoints import Point
from hub.messages.model import BATCH, Wakeup

MAX_PENDING: Final = 10_000
PUBLISHED: Final = 200
"""wake-ups that are published and marked together"""
GATHER: Final = 0.01
"""seconds that a wake-up waits for others: a batch costs little more than one, and a mark is a transaction"""
BROKER_PAUSE: Final = 1.0
"""seconds between attempts while the broker is away"""
HOLD_BACK: Final = 0.2
"""seconds that a wake-up waits for the worker that caused it; a prompt counterparty has answered by then"""

log = structlog.get_logger(__name__)


class PromptQueue:
    """Rows that one thread has made due and may continue with, in the order in which they became due."""

    def __init__(self, publisher: "WakeupPublisher", queues: Collection[str]) -> None:
        self._publisher = publisher
        self._queues = queues
        self._wakeups: deque[Wakeup] = deque()

    def add(self, wakeups: list[Wakeup]) -> list[Wakeup]:
        """Hold back those in the queues of this worker. Returns the others."""
        own = [wakeup for wakeup in wakeups if wakeup.queue in self._queues]
        self._wakeups.extend(own)
        self._publisher.hold_back(own)
        return [wakeup for wakeup in wakeups if wakeup.queue not in self._queues]

    def take(self) -> list[Wakeup]:
        """At most BATCH of one queue that are not on their way to the broker yet; empty if there are none."""
        batch: list[Wakeup] = []
        others: deque[Wakeup] = deque()
        while self._wakeups and len(batch) < BATCH:
            wakeup = self._wakeups.popleft()
            if batch and wakeup.queue != batch[0].queue:
                others.append(wakeup)
            elif self._publisher.take_back(wakeup):
                batch.append(wakeup)
        self._wakeups.extendleft(reversed(others))
        return batch


_PROMPT_QUEUE: ContextVar[PromptQueue | None] = ContextVar("prompt_queue", default=None)


class WakeupPublisher:
    """Publishes wake-ups in a background thread.

    ``unsent`` selects those that the broker does not have yet and whose rows are still due, ``publish`` yields those
    that the broker has confirmed, and raises when it does not take one, ``mark`` records them in their rows.

    1. Wait for a wake-up, and GATHER seconds for more.
    2. Add what was held back for long enough.
    3. Publish and mark, a batch at a time; while the broker is away, retry every BROKER_PAUSE seconds.
    """

    def __init__(
        self,
        unsent: Callable[[list[Wakeup]], list[Wakeup]],
        publish: Callable[[Sequence[Wakeup]], Iterator[Wakeup]],
        mark: Callable[[list[Wakeup]], None],
        *,
        hold_back: float = HOLD_BACK,
    ) -> None:
        self._unsent = unsent
        self._publish = publish
        self._mark = mark
        self._hold_back = hold_back
        self._pending: deque[Wakeup] = deque(maxlen=MAX_PENDING)
        self._held_back: dict[Wakeup, float] = {}
        """wake-up → when it goes to the broker, by the monotonic clock"""
        self._held_back_lock = threading.Lock()
        self._is_timing = False
        """whether the thread wakes up by itself for what is held back"""
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Publish what is pending, if that is possible within ``timeout`` seconds, and end the thread."""
        self._stopping.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def wake(self, wakeups: list[Wakeup]) -> None:
        """Queue for publishing; returns at once."""
        prompt_queue = _PROMPT_QUEUE.get()
        if prompt_queue is not None:
            wakeups = prompt_queue.add(wakeups)
        if wakeups:
            self._pending.extend(wakeups)
            self._news.set()

    @contextmanager
    def prompt_queue(self, queues: Collection[str]) -> Iterator[PromptQueue]:
        """While open, hold back what this thread makes due in ``queues``; publish at the end what it has not taken."""
        prompt_queue = PromptQueue(self, queues)
        token = _PROMPT_QUEUE.set(prompt_queue)
        try:
            yield prompt_queue
        finally:
            _PROMPT_QUEUE.reset(token)
            while wakeups := prompt_queue.take():
                self.wake(wakeups)

    def hold_back(self, wakeups: list[Wakeup]) -> None:
        """Publish these unless they are taken back in time."""
        until = time.monotonic() + self._hold_back
        with self._held_back_lock:
            self._held_back.update(dict.fromkeys(wakeups, until))
        if wakeups and not self._is_timing:
            self._news.set()

    def take_back(self, wakeup: Wakeup) -> bool:
        """Take back one that was held back; False if it is on its way to the broker."""
        with self._held_back_lock:
            return self._held_back.pop(wakeup, None) is not None

    def _run(self) -> None:
        while not self._stopping.is_set() or self._pending:
            # 1.
            self._news.wait(self._hold_back if self._is_timing else None)
            self._stopping.wait(GATHER)
            self._news.clear()
            # 2.
            self._add_overdue()
            # 3.
            while self._pending:
                if self._publish_batch():
                    continue
                if self._stopping.wait(BROKER_PAUSE):
                    return

    def _add_overdue(self) -> None:
        """Queue what was held back for long enough; all of it while stopping."""
        now = time.monotonic()
        with self._held_back_lock:
            overdue = [wakeup for wakeup, until in self._held_back.items() if until <= now or self._stopping.is_set()]
            for wakeup in overdue:
                del self._held_back[wakeup]
            self._is_timing = bool(self._held_back)
        self._pending.extend(overdue)

    def _publish_batch(self) -> bool:
        """Publish and mark what is unsent of one batch; False if the broker did not take all of it."""
        batch = self._select([self._pending.popleft() for _ in range(min(PUBLISHED, len(self._pending)))])
        confirmed: list[Wakeup] = []
        try:
            confirmed.extend(self._publish(batch))
            crashpoints.reached(Point.WAKEUP_BEFORE_MARK)
        except Exception as error:  # noqa: BLE001 - whatever failed, the rows are still due and the sweep will find them
            log.warning("wakeups_delayed", waiting=len(self._pending), error=type(error).__name__)
            # The first to the back: a queue that takes nothing must not hold up the others.
            unconfirmed = batch[len(confirmed) :]
            self._pending.extendleft(reversed(unconfirmed[1:]))
            self._pending.extend(unconfirmed[:1])
            return False
        finally:
            self._mark_confirmed(confirmed)
        return True

    def _select(self, batch: list[Wakeup]) -> list[Wakeup]:
        try:
            return self._unsent(batch)
        except Exception as error:  # noqa: BLE001 - a wake-up too many does no harm
            log.warning("wakeups_not_selected", count=len(batch), error=type(error).__name__)
            return batch

    def _mark_confirmed(self, confirmed: list[Wakeup]) -> None:
        try:
            self._mark(confirmed)
        except Exception as error:  # noqa: BLE001 - an unmarked wake-up is published once more, which does no harm
            log.warning("wakeups_not_marked", count=len(confirmed), error=type(error).__name__)
