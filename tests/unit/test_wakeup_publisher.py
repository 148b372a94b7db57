"""Wake-ups between a commit and the broker: handed over, or kept for the worker that made them."""

import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from hub.messages.model import Wakeup
from hub.messages.wakeups import WakeupPublisher

MINE, YOURS = Wakeup("outbox.portal", "tr_1"), Wakeup("outbox.department.x", "tr_2")


class Broker:
    """Keeps what it is given, and what was then marked."""

    def __init__(self) -> None:
        self.published: list[Wakeup] = []
        self.marked: list[Wakeup] = []
        self.refused: set[str] = set()

    def unsent(self, wakeups: list[Wakeup]) -> list[Wakeup]:
        return [wakeup for wakeup in wakeups if wakeup not in self.marked]

    def publish(self, wakeups: Sequence[Wakeup]) -> Iterator[Wakeup]:
        for wakeup in wakeups:
            if wakeup.queue in self.refused:
                raise ConnectionError
            self.published.append(wakeup)
            yield wakeup


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def publisher(broker: Broker) -> Iterator[WakeupPublisher]:
    made = WakeupPublisher(broker.unsent, broker.publish, broker.marked.extend, hold_back=60)
    made.start()
    yield made
    made.stop()


def soon(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not what():
        time.sleep(0.005)
    return what()


def test_a_wakeup_is_published_and_then_marked(publisher: WakeupPublisher, broker: Broker) -> None:
    publisher.wake([MINE, YOURS])
    assert soon(lambda: broker.marked == [MINE, YOURS])
    assert broker.published == [MINE, YOURS]


def test_what_a_worker_takes_itself_never_goes_to_the_broker(publisher: WakeupPublisher, broker: Broker) -> None:
    with publisher.prompt_queue({MINE.queue}) as prompt_queue:
        publisher.wake([MINE])
        assert prompt_queue.take() == [MINE]
        assert prompt_queue.take() == []
    publisher.stop()
    assert broker.published == []


def test_what_another_queue_brings_is_published_at_once(publisher: WakeupPublisher, broker: Broker) -> None:
    with publisher.prompt_queue({MINE.queue}) as prompt_queue:
        publisher.wake([YOURS])
        assert soon(lambda: broker.published == [YOURS])
        assert prompt_queue.take() == []


def test_while_a_worker_is_held_up_the_broker_brings_the_rest_to_others(broker: Broker) -> None:
    publisher = WakeupPublisher(broker.unsent, broker.publish, broker.marked.extend, hold_back=0.01)
    publisher.start()
    with publisher.prompt_queue({MINE.queue}) as prompt_queue:
        publisher.wake([MINE])
        assert soon(lambda: broker.published == [MINE])
        assert prompt_queue.take() == []
    publisher.stop()


def test_what_a_worker_leaves_goes_to_the_broker(publisher: WakeupPublisher, broker: Broker) -> None:
    with publisher.prompt_queue({MINE.queue}):
        publisher.wake([MINE])
    publisher.stop()
    assert broker.published == [MINE]


def test_what_is_still_held_back_when_the_process_stops_goes_to_the_broker(
    publisher: WakeupPublisher, broker: Broker
) -> None:
    publisher.hold_back([MINE])
    publisher.stop()
    assert broker.published == [MINE]


def test_a_queue_that_takes_nothing_holds_up_no_other(publisher: WakeupPublisher, broker: Broker) -> None:
    broker.refused = {MINE.queue}
    publisher.wake([MINE, YOURS])
    assert soon(lambda: broker.marked == [YOURS])
    broker.refused = set()
    assert soon(lambda: broker.marked == [YOURS, MINE])
    assert broker.published == [YOURS, MINE]


def test_what_went_to_the_broker_before_does_not_go_again(publisher: WakeupPublisher, broker: Broker) -> None:
    publisher.wake([MINE])
    assert soon(lambda: broker.marked == [MINE])
    publisher.wake([MINE, YOURS])
    assert soon(lambda: broker.marked == [MINE, YOURS])
    assert broker.published == [MINE, YOURS]


def test_a_wakeup_too_many_is_better_than_none_while_the_rows_cannot_be_read(broker: Broker) -> None:
    def away(_: list[Wakeup]) -> list[Wakeup]:
        raise ConnectionError

    publisher = WakeupPublisher(away, broker.publish, broker.marked.extend)
    publisher.start()
    publisher.wake([MINE])
    publisher.stop()
    assert broker.published == [MINE]
