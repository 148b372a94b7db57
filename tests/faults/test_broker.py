"""The broker is killed, or away: the API goes on, nothing is lost, and what was accepted is caught up with."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.checker import findings
from tests.faults.load import a_load
from tests.rabbitmq import WRITTEN_WITHIN, RabbitMQ
from tests.stack import ProcessStack, stack

pytestmark = [pytest.mark.faults, pytest.mark.server_stack]


@pytest.fixture
def running(stack_folder: Path, database_url: str, rabbit_url: str) -> Iterator[ProcessStack]:
    # No status reports: what is accepted, handed over and told is enough to lose.
    with stack(stack_folder, database_url, rabbit_url, HUB_SANDBOX_PACE="3600") as processes:
        processes.start()
        a_load(processes, "soap-b", 1)
        processes.wait_for(processes.quiet)
        time.sleep(WRITTEN_WITHIN)  # API and worker have declared their queues by now; RabbitMQ has yet to write them.
        yield processes


def test_a_broker_that_is_killed_in_mid_traffic_costs_nothing(running: ProcessStack, rabbit: RabbitMQ) -> None:
    accepted = a_load(running, "rest-a", 20)
    rabbit.kill()
    accepted |= a_load(running, "rest-a", 20)
    rabbit.start()
    accepted |= a_load(running, "soap-a", 10)
    running.wait_for(running.quiet)
    assert findings(running, accepted) == []


def test_sixty_submissions_are_accepted_while_the_broker_is_down(running: ProcessStack, rabbit: RabbitMQ) -> None:
    rabbit.kill()
    accepted = a_load(running, "rest-b", 60)
    stored = running.rows("SELECT id FROM inbox WHERE id = ANY(%s)", list(accepted))
    assert len(stored) == 60
    assert running.submitted("rest-b") == []
    rabbit.start()
    running.wait_for(running.quiet)
    assert findings(running, accepted) == []
