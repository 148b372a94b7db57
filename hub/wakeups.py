"""After a commit, tell the broker "this row is due". Never in the caller's way, and free to lose what it carries.

A thread publishes in batches with confirms and then marks the rows. When the broker is away it waits and tries again;
past its bound it lets the oldest go, because the sweep finds whatever was not woken.

A worker goes on by itself with what its own work has made due (``PromptQueue``). Such a wake-up rests for a moment,
and goes to the broker if the worker has not come to it by then: whoever is slow holds up nobody else's turn.
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
from hub.messages.model import Wakeup

BOUND: Final = 10_000
BATCH: Final = 200
GATHER: Final = 0.01
"""seconds that a wake-up waits for others: a batch costs little more than one, and a mark is a transaction"""
BROKER_PAUSE: Final = 1.0
"""seconds between attempts while the broker is away"""
REST: Final = 0.2
"""seconds that a wake-up waits for the worker that made it; a prompt counterparty has answered by then"""

log = structlog.get_logger(__name__)


class PromptQueue:
    """What one thread has made due and may go on with, in the order in which it became due."""

    def __init__(self, publisher: "WakeupPublisher", queues: Collection[str]) -> None:
        self._wakeup_publisher = publisher
        self._queues = queues
        self._mine: deque[Wakeup] = deque()

    def keep(self, wakeups: list[Wakeup]) -> list[Wakeup]:
        """Let these rest, as far as they are for this worker. Returns the others."""
        mine = [wakeup for wakeup in wakeups if wakeup.queue in self._queues]
        self._mine.extend(mine)
        self._wakeup_publisher.rest(mine)
        return [wakeup for wakeup in wakeups if wakeup.queue not in self._queues]

    def take(self) -> Wakeup | None:
        """The next one that is not on its way to the broker yet; None if there is no more."""
        while self._mine:
            wakeup = self._mine.popleft()
            if self._wakeup_publisher.take(wakeup):
                return wakeup
        return None


_AT_HAND: ContextVar[PromptQueue | None] = ContextVar("at_hand", default=None)


class WakeupPublisher:
    """Carries wake-ups to the broker in the background.

    ``unsent`` leaves those that the broker has to be told (others went there already, or are not due any more),
    ``publish`` gives those that it has taken, and raises when it does not take one, ``mark`` notes them in their rows.
    """

    def __init__(
        self,
        unsent: Callable[[list[Wakeup]], list[Wakeup]],
        publish: Callable[[Sequence[Wakeup]], Iterator[Wakeup]],
        mark: Callable[[list[Wakeup]], None],
        *,
        rest: float = REST,
    ) -> None:
        self._unsent = unsent
        self._publish = publish
        self._mark = mark
        self._rest = rest
        self._waiting: deque[Wakeup] = deque(maxlen=BOUND)
        self._resting: dict[Wakeup, float] = {}
        self._resting_lock = threading.Lock()
        self._watching = False
        """whether the thread looks after those that rest"""
        self._news = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="publisher", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, timeout: float = 5.0) -> None:
        """Publish what is waiting, if that is possible within ``timeout`` seconds."""
        self._stopping.set()
        self._news.set()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def wake(self, wakeups: list[Wakeup]) -> None:
        """Hand over; returns at once."""
        prompt_queue = _AT_HAND.get()
        if prompt_queue is not None:
            wakeups = prompt_queue.keep(wakeups)
        if wakeups:
            self._waiting.extend(wakeups)
            self._news.set()

    @contextmanager
    def prompt_queue(self, queues: Collection[str]) -> Iterator[PromptQueue]:
        """While it is open, what this thread makes due in ``queues`` is kept for it; what it leaves is handed over."""
        prompt_queue = PromptQueue(self, queues)
        token = _AT_HAND.set(prompt_queue)
        try:
            yield prompt_queue
        finally:
            _AT_HAND.reset(token)
            while (left := prompt_queue.take()) is not None:
                self.wake([left])

    def rest(self, wakeups: list[Wakeup]) -> None:
        """Hand these over, unless they are taken back soon."""
        until = time.monotonic() + self._rest
        with self._resting_lock:
            self._resting.update(dict.fromkeys(wakeups, until))
        if wakeups and not self._watching:
            self._news.set()

    def take(self, wakeup: Wakeup) -> bool:
        """Take back one that rests; False if it is on its way already."""
        with self._resting_lock:
            return self._resting.pop(wakeup, None) is not None

    def _rouse(self) -> None:
        """Those that have rested long enough, or all of them when we stop, go on to the broker."""
        now = time.monotonic()
        with self._resting_lock:
            tired = [wakeup for wakeup, until in self._resting.items() if until <= now or self._stopping.is_set()]
            for wakeup in tired:
                del self._resting[wakeup]
            self._watching = bool(self._resting)
        self._waiting.extend(tired)

    def _run(self) -> None:
        while not self._stopping.is_set() or self._waiting:
            self._news.wait(self._rest if self._watching else None)
            self._stopping.wait(GATHER)
            self._news.clear()
            self._rouse()
            while self._waiting:
                if self._carry():
                    continue
                if self._stopping.wait(BROKER_PAUSE):
                    return

    def _carry(self) -> bool:
        """Publish what is unsent of up to one batch, and mark what was taken; False if the broker did not take one."""
        batch = self._chosen([self._waiting.popleft() for _ in range(min(BATCH, len(self._waiting)))])
        carried: list[Wakeup] = []
        try:
            carried.extend(self._publish(batch))
            crashpoints.reached(Point.WAKEUP_BEFORE_MARK)
        except Exception as error:  # noqa: BLE001 - whatever failed, the rows are still due and the sweep will find them
            log.warning("wakeups_delayed", waiting=len(self._waiting), error=type(error).__name__)
            # The first to the back: a queue that takes nothing must not hold up the others.
            left = batch[len(carried) :]
            self._waiting.extendleft(reversed(left[1:]))
            self._waiting.extend(left[:1])
            return False
        finally:
            self._note(carried)
        return True

    def _chosen(self, batch: list[Wakeup]) -> list[Wakeup]:
        try:
            return self._unsent(batch)
        except Exception as error:  # noqa: BLE001 - a wake-up too many does no harm
            log.warning("wakeups_unchosen", count=len(batch), error=type(error).__name__)
            return batch

    def _note(self, carried: list[Wakeup]) -> None:
        try:
            self._mark(carried)
        except Exception as error:  # noqa: BLE001 - an unmarked wake-up is woken once more, which does no harm
            log.warning("wakeups_unmarked", count=len(carried), error=type(error).__name__)
