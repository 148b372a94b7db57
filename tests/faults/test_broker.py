"""The broker is killed, or away: the doors go on, nothing is lost, and what was accepted is caught up with."""

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
def running(tmp_path: Path, database_url: str, rabbit_url: str) -> Iterator[ProcessStack]:
    # No status reports: what is accepted, handed over and told is enough to lose.
    with stack(tmp_path, database_url, rabbit_url, HUB_SANDBOX_PACE="3600") as made:
        made.start()
        a_load(made, "soap-b", 1)
        made.wait_for(made.quiet)
        time.sleep(WRITTEN_WITHIN)  # Door and worker have declared their queues by now; RabbitMQ has yet to write them.
        yield made


def test_a_broker_that_is_killed_in_mid_traffic_costs_nothing(running: ProcessStack, rabbit: RabbitMQ) -> None:
    told = a_load(running, "rest-a", 20)
    rabbit.kill()
    told |= a_load(running, "rest-a", 20)
    rabbit.start()
    told |= a_load(running, "soap-a", 10)
    running.wait_for(running.quiet)
    assert findings(running, told) == []


@pytest.mark.timeout(600)
def test_five_hundred_submissions_are_accepted_while_the_broker_is_down(
    running: ProcessStack, rabbit: RabbitMQ
) -> None:
    rabbit.kill()
    told = a_load(running, "rest-b", 500)
    stored = running.rows("SELECT id FROM inbox WHERE id = ANY(%s)", list(told))
    assert len(stored) == 500
    assert running.submitted("rest-b") == []
    rabbit.start()
    running.wait_for(running.quiet)
    assert findings(running, told) == []
