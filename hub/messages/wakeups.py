"""Wake-ups: broker messages that say which rows are due, published after a commit and repeated by the sweep.

A background thread publishes in batches with confirms and then marks the rows, so that no caller waits. While the
broker is away it retries; above its limit it drops the oldest, because the sweep finds every due row without a wake-up.

A worker continues by itself with the rows that its own commits have made due (``PromptQueue``). Such a wake-up is held
back for a moment and goes to the broker if the worker has not taken it by then, so that a slow counterparty delays
nobody else's row.

Each due row gets one wake-up. ``wakeup_sent_at`` is since when it is on the broker; a claim resets that, and so does
waiting for capacity. A wake-up that is on the broker for too long is repeated only as far as the broker has lost some:
where more rows have one in a queue than the queue's messages can name. So a lost one costs seconds and no data.
"""

import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final

import structlog

from hub import crashpoints
from hub.crashpoints import Point
from hub.db import Connection
from hub.messages.claim import FIRST_IN_ORDER, wait_for_order
from hub.messages.inbox import NONE_EARLIER, QUEUE
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


# --- which due rows have no wake-up

SWEPT: Final = 200
"""rows that one sweep wakes in the inbox, and for each counterparty in the outbox"""

_INBOX_DUE: Final = "inbox.state IN ('received', 'waiting') AND inbox.due_at <= now() AND " + NONE_EARLIER
# That it is unsettled follows from its state, but only that is in an index (outbox_ordering): without it every look at
# what is on the broker reads all transfers there ever were.
_OUTBOX_DUE: Final = """o.state IN ('queued', 'retrying', 'unknown', 'sending') AND o.settled_at IS NULL
    AND o.due_at <= now()"""

_INBOX: Final = f"SELECT id FROM inbox WHERE wakeup_sent_at IS NULL AND {_INBOX_DUE} ORDER BY due_at LIMIT %(batch)s"

_OUTBOX: Final = (
    """
SELECT due.id, due.counterparty FROM counterparty c CROSS JOIN LATERAL (
    SELECT o.id, o.counterparty FROM outbox o
    WHERE o.counterparty = c.code AND o.state IN ('queued', 'retrying', 'unknown') AND o.due_at <= now()
      -- What is in flight at this counterparty wakes those that wait for capacity; only if nothing is, we have to.
      AND NOT (o.waiting_for_capacity AND EXISTS (
        SELECT 1 FROM outbox f WHERE f.counterparty = c.code AND f.state = 'sending'
                                         AND f.due_at > now()))
      AND o.wakeup_sent_at IS NULL AND """
    + FIRST_IN_ORDER
    + """
    ORDER BY o.deadline, o.seq LIMIT CASE WHEN c.breaker_open_until IS NULL THEN %(batch)s ELSE 1 END
) due
WHERE c.paused_at IS NULL AND (c.breaker_open_until IS NULL OR c.breaker_open_until <= now())
UNION ALL
SELECT o.id, o.counterparty FROM outbox o WHERE o.state = 'sending' AND o.due_at <= now() AND o.wakeup_sent_at IS NULL
"""
)

# A time in the future is from before the database's clock was set back: it counts as late.
_ON_BROKER: Final = f"""
SELECT id, NULL AS counterparty, wakeup_sent_at,
    wakeup_sent_at NOT BETWEEN now() - make_interval(secs => %(repeat_after)s) AND clock_timestamp() AS late
FROM inbox WHERE wakeup_sent_at IS NOT NULL AND {_INBOX_DUE}
UNION ALL
SELECT o.id, o.counterparty, o.wakeup_sent_at,
    o.wakeup_sent_at NOT BETWEEN now() - make_interval(secs => %(repeat_after)s) AND clock_timestamp()
FROM outbox o WHERE o.wakeup_sent_at IS NOT NULL AND {_OUTBOX_DUE} AND {FIRST_IN_ORDER}
ORDER BY wakeup_sent_at
"""


def find_due(
    conn: Connection,
    queues: Mapping[str, str],
    *,
    repeat_after: float,
    depths: Callable[[Collection[str]], Mapping[str, int]],
) -> list[Wakeup]:
    """Find the due rows that have no wake-up on the broker, or whose wake-up the broker has lost.

    1. Rows without a wake-up, at most SWEPT of the inbox and of each counterparty.
    2. Where wake-ups are late (older than ``repeat_after`` seconds), ask ``depths`` how many messages their queues
       hold. Of each queue the oldest late ones count as lost, as many as rows exceed what its messages can name. A
       queue that ``depths`` leaves out is unknown, and nothing of it counts as lost.

    ``queues``: counterparty → queue.
    """
    inbound = [Wakeup(QUEUE, row["id"]) for row in conn.execute(_INBOX, {"batch": SWEPT})]
    outbound = conn.execute(_OUTBOX, {"batch": SWEPT}).fetchall()
    unsent = inbound + [
        Wakeup(queues[row["counterparty"]], row["id"]) for row in outbound if row["counterparty"] in queues
    ]
    return unsent + _lost(conn, queues, repeat_after, depths)


def _lost(
    conn: Connection,
    queues: Mapping[str, str],
    repeat_after: float,
    depths: Callable[[Collection[str]], Mapping[str, int]],
) -> list[Wakeup]:
    """Step 2 of ``find_due``; what is lost is not on the broker any more."""
    rows_of: Counter[str] = Counter()
    late_of: defaultdict[str, list[Wakeup]] = defaultdict(list)
    for row in conn.execute(_ON_BROKER, {"repeat_after": repeat_after}):
        queue = _queue_of(row, queues)
        if queue is None:
            continue
        rows_of[queue] += 1
        if row["late"]:
            late_of[queue].append(Wakeup(queue, row["id"]))
    if not late_of:
        return []
    messages_of = depths(late_of.keys())
    lost = [
        wakeup
        for queue, depth in messages_of.items()
        for wakeup in late_of[queue][: max(0, rows_of[queue] - depth * BATCH)]
    ]
    inbound, outbound = _by_table(lost)
    if inbound:
        conn.execute("UPDATE inbox SET wakeup_sent_at = NULL WHERE id = ANY(%s)", (inbound,))
    if outbound:
        conn.execute("UPDATE outbox SET wakeup_sent_at = NULL WHERE id = ANY(%s)", (outbound,))
    return lost


def _queue_of(row: Mapping[str, Any], queues: Mapping[str, str]) -> str | None:
    return QUEUE if row["counterparty"] is None else queues.get(row["counterparty"])


def select_unsent(conn: Connection, wakeups: Collection[Wakeup]) -> list[Wakeup]:
    """Select those of ``wakeups`` that are to be published: due, first in order, and not on the broker; each once.

    A transfer that is not first of its ordering key waits for the one before it, as it would wait for capacity.
    """
    inbound, outbound = _by_table(wakeups)
    ids: set[str] = set()
    if inbound:
        query = f"SELECT id FROM inbox WHERE id = ANY(%s) AND wakeup_sent_at IS NULL AND {_INBOX_DUE}"
        ids |= {row["id"] for row in conn.execute(query, (inbound,))}
    if outbound:
        query = (
            f"SELECT o.id, {FIRST_IN_ORDER} AS first FROM outbox o"
            f" WHERE o.id = ANY(%s) AND o.wakeup_sent_at IS NULL AND {_OUTBOX_DUE}"
        )
        rows = conn.execute(query, (outbound,)).fetchall()
        ids |= {row["id"] for row in rows if row["first"]}
        ids |= wait_for_order(conn, [row["id"] for row in rows if not row["first"]])
    return [wakeup for wakeup in dict.fromkeys(wakeups) if wakeup.id in ids]


def mark_sent(conn: Connection, wakeups: Collection[Wakeup]) -> None:
    """Record that these wake-ups are on the broker, except for rows that were claimed since or wait for capacity."""
    inbound, outbound = _by_table(wakeups)
    if inbound:
        conn.execute(
            "UPDATE inbox SET wakeup_sent_at = now() WHERE id = ANY(%s) AND state IN ('received', 'waiting')"
            " AND due_at <= now()",
            (inbound,),
        )
    if outbound:
        conn.execute(
            "UPDATE outbox SET wakeup_sent_at = now() WHERE id = ANY(%s)"
            " AND state IN ('queued', 'retrying', 'unknown', 'sending')"
            " AND due_at <= now() AND NOT waiting_for_capacity",
            (outbound,),
        )


def _by_table(wakeups: Collection[Wakeup]) -> tuple[list[str], list[str]]:
    """The ids of the inbox, and those of the outbox."""
    inbound = [wakeup.id for wakeup in wakeups if wakeup.queue == QUEUE]
    return inbound, [wakeup.id for wakeup in wakeups if wakeup.queue != QUEUE]
