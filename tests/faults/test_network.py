"""A worker behind a bad network: what it was at is neither lost nor doubled, and it works again afterwards."""

import time
from collections.abc import Iterator
from random import Random

import pytest

from tests.faults import injectors_network
from tests.faults.checker import findings
from tests.faults.cluster import LINKED_WORKER, Cluster, cluster
from tests.faults.load import a_load
from tests.faults.plan import SILENT_PACE
from tests.faults.registry import registered
from tests.server_folder import server_folder

pytestmark = pytest.mark.faults

FAULTS = [
    one
    for one in registered().values()
    if "valkey" in one.brokers and hasattr(injectors_network, one.name.replace("-", "_"))
]


@pytest.fixture
def lonely() -> Iterator[Cluster]:
    """A hub whose only worker is the one behind the links."""
    # A wake-up that a fault took is repeated soon: waiting for it proves nothing.
    changes = {"HUB_WAKEUP_REPEAT_AFTER": "2"}
    with server_folder() as folder, cluster(folder / "stack", folder, "valkey", durable=False, **changes) as running:
        running.workers = (LINKED_WORKER,)
        running.start(Random(1))  # noqa: S311 - the same in every run
        # No status reports: what is accepted, handed over and told is enough to lose, and "quiet" is the end.
        running.stack.turn("department.rest-a", pace=SILENT_PACE)
        yield running


@pytest.mark.timeout(600)
def test_each_fault_of_the_network_costs_time_and_nothing_else(lonely: Cluster) -> None:
    random = Random(20261130)  # noqa: S311 - the same in every run
    accepted = a_load(lonely.stack, "rest-a", 2)
    lonely.stack.wait_for(lonely.stack.quiet)
    assert {one.name for one in FAULTS} >= {"database-silent", "broker-half-open", "department-answer-cut"}
    for one in FAULTS:
        accepted |= a_load(lonely.stack, "rest-a", 2)
        print(one.name)  # for whoever reads of a failure
        with one.inject(lonely, random):
            time.sleep(one.seconds)
        accepted |= a_load(lonely.stack, "rest-a", 2)
        lonely.stack.wait_for(lonely.stack.quiet)
        assert findings(lonely.stack, accepted) == [], one.name
