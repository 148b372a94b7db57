"""A worker goes on by itself with what its own work has made due, as far as that is for it."""

from collections.abc import Collection, Iterator, Sequence
from functools import cached_property

import pytest

from config.catalogue import Catalogue
from config.settings import Settings
from hub import broker, dispatch
from hub.messages import inbox
from hub.messages.model import Nudge
from hub.nudger import Nudger
from hub.wiring import Hub
from hub.worker import errands
from tests.builders import a_receipt, submission_arrival
from tests.house import ScriptedHouse


class WorkersHouse(ScriptedHouse):
    """Its nudges go through the real nudger, to a broker that keeps them."""

    def __init__(self, settings: Settings, catalogue: Catalogue) -> None:
        super().__init__(settings, catalogue)
        self.published: list[Nudge] = []

    @cached_property
    def _nudger(self) -> Nudger:
        return Nudger(self._unsent, self._publish, self._mark, rest=60)

    def _publish(self, nudges: Sequence[Nudge]) -> Iterator[Nudge]:
        self.published.extend(nudges)
        yield from nudges

    def nudge(self, nudges: list[Nudge]) -> None:
        Hub.nudge(self, nudges)


@pytest.fixture
def workplace(settings: Settings, catalogue: Catalogue) -> Iterator[WorkersHouse]:
    with WorkersHouse(settings, catalogue) as opened:
        yield opened


def handled(house: WorkersHouse, queues: Collection[str], rows: int = errands.ROWS) -> None:
    """A submission that a worker on ``queues`` has found in the inbox and finished its errand with."""
    house.department("rest-a").answers.append(a_receipt())
    with house.db.connection() as conn:
        accepted = inbox.accept(conn, submission_arrival())
    errands.run(house, dispatch.handle, accepted.id, queues, rows=rows)
    house._nudger.stop()


def test_a_worker_on_every_queue_brings_a_prompt_dossier_to_its_department_and_tells_the_portal(
    workplace: WorkersHouse,
) -> None:
    handled(workplace, broker.queue_names(workplace.catalogue))
    assert workplace.published == []
    assert {row["state"] for row in workplace.rows("SELECT state FROM outbox")} == {"delivered"}
    told = [len(workplace.endpoint(one.code).told) for one in workplace.catalogue.portal.endpoints]
    assert told == [2, 2]


def test_a_worker_of_the_front_door_leaves_the_back_door_to_others(workplace: WorkersHouse) -> None:
    handled(workplace, {"inbox"})
    assert {nudge.queue for nudge in workplace.published} == {"outbox.department.rest-a", "outbox.portal"}
    assert {row["state"] for row in workplace.rows("SELECT state FROM outbox")} == {"queued"}


def test_an_errand_ends_and_the_broker_has_what_is_left(workplace: WorkersHouse) -> None:
    handled(workplace, broker.queue_names(workplace.catalogue), rows=2)
    states = [row["state"] for row in workplace.rows("SELECT state FROM outbox ORDER BY seq")]
    assert states.count("delivered") == 1
    assert {nudge.id for nudge in workplace.published} == {
        row["id"] for row in workplace.rows("SELECT id FROM outbox WHERE state = 'queued'")
    }
