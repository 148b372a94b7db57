"""A worker goes on by itself with what its own work has made due, as far as that is for it."""

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

import pytest

from config.catalogue import Catalogue
from config.settings import Settings
from hub import broker, dispatch
from hub.app import Hub
from hub.messages import inbox
from hub.messages.model import Wakeup
from hub.messages.wakeups import WakeupPublisher
from hub.worker.app import DRAIN_ROUNDS, drain
from tests.builders import a_receipt, submission_arrival
from tests.scripted_hub import ScriptedHub


class WorkersHub(ScriptedHub):
    """Its wake-ups go through the real publisher, to a broker that keeps them."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        super().__init__(settings, catalogue)
        self.published: list[Wakeup] = []

    @cached_property
    def _wakeup_publisher(self) -> WakeupPublisher:
        return WakeupPublisher(self._unsent, self._publish, self._mark, hold_back=60)

    def _publish(self, wakeups: Sequence[Wakeup]) -> Iterator[Wakeup]:
        self.published.extend(wakeups)
        yield from wakeups

    def wake(self, wakeups: list[Wakeup]) -> None:
        Hub.wake(self, wakeups)


@pytest.fixture
def workplace(settings: Settings, catalogue: Catalogue) -> Iterator[WorkersHub]:
    with WorkersHub(settings, catalogue) as opened:
        yield opened


def handled(hub: WorkersHub, queues: Collection[str], rounds: int = DRAIN_ROUNDS) -> None:
    """A submission that a worker on ``queues`` has taken from the inbox and drained."""
    hub.department("rest-a").answers.append(a_receipt())
    with hub.db.connection() as conn:
        accepted = inbox.accept(conn, submission_arrival())
    drain(hub, dispatch.handle, [accepted.id], queues, rounds=rounds)
    hub._wakeup_publisher.stop()


def test_a_worker_on_every_queue_brings_a_prompt_dossier_to_its_department_and_tells_the_portal(
    workplace: WorkersHub,
) -> None:
    handled(workplace, broker.queue_names(workplace.catalogue))
    assert workplace.published == []
    assert {row["state"] for row in workplace.rows("SELECT state FROM outbox")} == {"delivered"}
    deliveries = [len(workplace.endpoint(one.code).received) for one in workplace.catalogue.portal.endpoints]
    assert deliveries == [2, 2]


def test_a_worker_of_the_inbox_leaves_the_outbox_to_others(workplace: WorkersHub) -> None:
    handled(workplace, {"inbox"})
    assert {wakeup.queue for wakeup in workplace.published} == {"outbox.department.rest-a", "outbox.portal"}
    assert {row["state"] for row in workplace.rows("SELECT state FROM outbox")} == {"queued"}


def test_a_drain_ends_and_the_broker_gets_the_rest(workplace: WorkersHub) -> None:
    handled(workplace, broker.queue_names(workplace.catalogue), rounds=2)
    states = [row["state"] for row in workplace.rows("SELECT state FROM outbox ORDER BY seq")]
    assert states.count("delivered") == 2  # the notices of both endpoints, one batch
    assert {wakeup.id for wakeup in workplace.published} == {
        row["id"] for row in workplace.rows("SELECT id FROM outbox WHERE state = 'queued'")
    }
