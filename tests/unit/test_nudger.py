"""Nudges between a commit and the broker: handed over, or kept for the worker that made them."""

import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from hub.messages.model import Nudge
from hub.nudger import Nudger

MINE, YOURS = Nudge("outbox.portal", "tr_1"), Nudge("outbox.department.x", "tr_2")


class Broker:
    """Keeps what it is given, and what was then marked."""

    def __init__(self) -> None:
        self.published: list[Nudge] = []
        self.marked: list[Nudge] = []
        self.refused: set[str] = set()

    def unsent(self, nudges: list[Nudge]) -> list[Nudge]:
        return [nudge for nudge in nudges if nudge not in self.marked]

    def publish(self, nudges: Sequence[Nudge]) -> Iterator[Nudge]:
        for nudge in nudges:
            if nudge.queue in self.refused:
                raise ConnectionError
            self.published.append(nudge)
            yield nudge


@pytest.fixture
def broker() -> Broker:
    return Broker()


@pytest.fixture
def nudger(broker: Broker) -> Iterator[Nudger]:
    made = Nudger(broker.unsent, broker.publish, broker.marked.extend, rest=60)
    made.start()
    yield made
    made.stop()


def soon(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not what():
        time.sleep(0.005)
    return what()


def test_a_nudge_is_published_and_then_marked(nudger: Nudger, broker: Broker) -> None:
    nudger.nudge([MINE, YOURS])
    assert soon(lambda: broker.marked == [MINE, YOURS])
    assert broker.published == [MINE, YOURS]


def test_what_a_worker_takes_itself_never_goes_to_the_broker(nudger: Nudger, broker: Broker) -> None:
    with nudger.at_hand({MINE.queue}) as at_hand:
        nudger.nudge([MINE])
        assert at_hand.take() == MINE
        assert at_hand.take() is None
    nudger.stop()
    assert broker.published == []


def test_what_another_queue_brings_is_published_at_once(nudger: Nudger, broker: Broker) -> None:
    with nudger.at_hand({MINE.queue}) as at_hand:
        nudger.nudge([YOURS])
        assert soon(lambda: broker.published == [YOURS])
        assert at_hand.take() is None


def test_while_a_worker_is_held_up_the_broker_brings_the_rest_to_others(broker: Broker) -> None:
    nudger = Nudger(broker.unsent, broker.publish, broker.marked.extend, rest=0.01)
    nudger.start()
    with nudger.at_hand({MINE.queue}) as at_hand:
        nudger.nudge([MINE])
        assert soon(lambda: broker.published == [MINE])
        assert at_hand.take() is None
    nudger.stop()


def test_what_a_worker_leaves_goes_to_the_broker(nudger: Nudger, broker: Broker) -> None:
    with nudger.at_hand({MINE.queue}):
        nudger.nudge([MINE])
    nudger.stop()
    assert broker.published == [MINE]


def test_what_still_rests_when_the_process_stops_goes_to_the_broker(nudger: Nudger, broker: Broker) -> None:
    nudger.rest([MINE])
    nudger.stop()
    assert broker.published == [MINE]


def test_a_queue_that_takes_nothing_holds_up_no_other(nudger: Nudger, broker: Broker) -> None:
    broker.refused = {MINE.queue}
    nudger.nudge([MINE, YOURS])
    assert soon(lambda: broker.marked == [YOURS])
    broker.refused = set()
    assert soon(lambda: broker.marked == [YOURS, MINE])
    assert broker.published == [YOURS, MINE]


def test_what_went_to_the_broker_before_does_not_go_again(nudger: Nudger, broker: Broker) -> None:
    nudger.nudge([MINE])
    assert soon(lambda: broker.marked == [MINE])
    nudger.nudge([MINE, YOURS])
    assert soon(lambda: broker.marked == [MINE, YOURS])
    assert broker.published == [MINE, YOURS]


def test_a_nudge_too_many_is_better_than_none_while_the_rows_cannot_be_read(broker: Broker) -> None:
    def away(_: list[Nudge]) -> list[Nudge]:
        raise ConnectionError

    nudger = Nudger(away, broker.publish, broker.marked.extend)
    nudger.start()
    nudger.nudge([MINE])
    nudger.stop()
    assert broker.published == [MINE]
