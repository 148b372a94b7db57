"""One wake-up for each due row: whatever sweeps, however long the queue, and whatever the broker has lost."""

import time
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import cached_property

import pytest
from kombu import Connection as BrokerConnection

from config.catalogue import Catalogue
from config.settings import Settings
from hub import broker, delivery, dispatch
from hub.app import Hub
from hub.messages import inbox
from hub.messages.model import Wakeup
from hub.messages.wakeups import WakeupPublisher, find_due
from tests.builders import a_receipt, submission_arrival
from tests.scripted_hub import ScriptedHub

MANY = 40


class QueuedHub(ScriptedHub):
    """Its wake-ups go through the real publisher to a broker in memory, and nothing is taken before the test asks."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        super().__init__(settings, catalogue)
        self.queue: deque[Wakeup] = deque()
        self.published: list[Wakeup] = []

    @cached_property
    def _wakeup_publisher(self) -> WakeupPublisher:
        return WakeupPublisher(self._unsent, self._publish, self._mark)

    def _publish(self, wakeups: Sequence[Wakeup]) -> Iterator[Wakeup]:
        self.queue.extend(wakeups)
        self.published.extend(wakeups)
        yield from wakeups

    def wake(self, wakeups: list[Wakeup]) -> None:
        self._wakeup_publisher._pending.extend(wakeups)
        while self._wakeup_publisher._pending:
            assert self._wakeup_publisher._publish_batch()

    def sweep(self) -> None:
        depth = Counter(wakeup.queue for wakeup in self.queue)
        with self.db.connection() as conn:
            wakeups = find_due(
                conn, self.queues, repeat_after=0, depths=lambda queues: {one: depth[one] for one in queues}
            )
        self.wake(wakeups)

    def take(self) -> None:
        wakeup = self.queue.popleft()
        (dispatch.handle if wakeup.queue == inbox.QUEUE else delivery.deliver)(self, wakeup.id)


@pytest.fixture
def burst(settings: Settings, catalogue: Catalogue) -> Iterator[QueuedHub]:
    """Submissions that all came at once."""
    with QueuedHub(settings, catalogue) as opened:
        opened.department("rest-a").answers.extend([a_receipt_each] * MANY)
        for _ in range(MANY):
            opened.accept(submission_arrival())
        yield opened


def a_receipt_each(*_: object) -> object:
    return a_receipt()


def test_a_sweep_does_not_repeat_what_still_waits_in_its_queue(burst: QueuedHub) -> None:
    for _ in range(5):
        burst.sweep()
    assert len(burst.published) == MANY


def test_a_sweep_repeats_what_the_broker_has_lost_and_no_more(burst: QueuedHub) -> None:
    """A message may name many rows, so that a loss shows when the queue has become short."""
    lost = [burst.queue.popleft() for _ in range(7)]
    while burst.queue:
        burst.take()
    before = len(burst.published)
    for _ in range(3):
        burst.sweep()
    assert sorted(wakeup.id for wakeup in burst.published[before:]) == sorted(wakeup.id for wakeup in lost)
    burst.queue.clear()
    for _ in range(3):
        burst.sweep()
    assert sorted(wakeup.id for wakeup in burst.queue) == sorted(wakeup.id for wakeup in lost)


def test_a_burst_takes_one_wake_up_for_each_row_to_its_end(burst: QueuedHub) -> None:
    taken = 0
    while burst.queue:
        burst.take()
        taken += 1
        if taken % 10 == 0:
            burst.sweep()
    rows = burst.count("inbox") + burst.count("outbox")
    assert burst.rows("SELECT DISTINCT state FROM outbox") == [{"state": "delivered"}]
    assert rows == MANY * 6
    assert len(burst.published) <= rows * 1.02


def test_the_next_notice_of_a_dossier_is_woken_by_the_one_before_it_without_a_sweep(burst: QueuedHub) -> None:
    while burst.queue:
        burst.queue.rotate(1)  # the newest first, so that later notices come up before earlier ones
        burst.take()
    assert burst.rows("SELECT DISTINCT state FROM outbox") == [{"state": "delivered"}]


@pytest.mark.parametrize("kind", ["valkey_url", "rabbit_url"])
def test_a_wake_up_that_the_broker_lost_is_sent_again(
    kind: str, settings: Settings, catalogue: Catalogue, request: pytest.FixtureRequest
) -> None:
    """On the real brokers: an empty list of Valkey's is no list, and that must not end the sweep."""
    url: str = request.getfixturevalue(kind)
    changes = {"broker_url": url, "wakeup_repeat_after": 0.1}
    with Hub(settings.model_copy(update=changes), catalogue) as hub, BrokerConnection(url) as connection:

        def depth() -> int:
            return broker.depths(hub._celery, [inbox.QUEUE])[inbox.QUEUE]

        def until_there() -> None:
            until = time.monotonic() + 120
            while depth() == 0:
                assert time.monotonic() < until
                time.sleep(0.1)

        with hub.db.connection() as conn:
            accepted = inbox.accept(conn, submission_arrival())
        hub.wake([Wakeup(inbox.QUEUE, accepted.id)])
        until_there()
        connection.default_channel.queue_purge(inbox.QUEUE)
        assert depth() == 0
        time.sleep(0.2)
        hub.sweep()
        until_there()
        assert depth() == 1
