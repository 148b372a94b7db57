"""Ticks of a whole hub, with beat and a worker as processes: the broker forgets everything, a worker dies."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
import redis

from tests.stack import ProcessStack, stack

pytestmark = pytest.mark.faults


@pytest.fixture
def running(stack_folder: Path, database_url: str, valkey_url: str) -> Iterator[ProcessStack]:
    with stack(stack_folder, database_url, valkey_url) as processes:
        processes.start_worker()
        processes.start_beat()
        processes.wait_for(lambda: swept(processes))
        yield processes


def swept(running: ProcessStack) -> datetime | None:
    rows = running.rows("SELECT finished_at FROM tick WHERE name = 'ticks.sweep'")
    at: datetime | None = rows[0]["finished_at"] if rows else None
    return at


def test_the_ticks_go_on_after_the_broker_has_forgotten_everything(running: ProcessStack, valkey_url: str) -> None:
    redis.Redis.from_url(valkey_url).flushall()
    [row] = running.rows("SELECT now() AS now")
    running.wait_for(lambda: (swept(running) or row["now"]) > row["now"])


def test_a_killed_worker_is_dead_and_a_stopped_one_is_not(running: ProcessStack) -> None:
    living = "SELECT name, stopped_at FROM worker_heartbeat"
    running.wait_for(lambda: running.rows(living))
    running.kill("worker")
    assert [row["stopped_at"] for row in running.rows(living)] == [None]
    running.start_worker("other")
    running.wait_for(lambda: len(running.rows(living)) == 2)
    running.stop("other")
    running.stop("beat")
    stopped = running.rows(living + " WHERE stopped_at IS NOT NULL")
    assert [row["name"].split("@")[0] for row in stopped] == ["other"]
