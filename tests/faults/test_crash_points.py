"""Kill -9 at every named point of both doors, over REST and SOAP: nothing lost, nothing doubled, in order."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.crashpoints import Point
from tests.faults.checker import findings
from tests.faults.load import a_load
from tests.stack import Stack, stack

pytestmark = pytest.mark.faults

ON_THE_WIRE = tuple(point for point in Point if point.value.split(".")[0] in ("claim", "send", "settle"))
AT_THE_DOOR = (Point.ACCEPT_BEFORE_COMMIT, Point.ACCEPT_AFTER_COMMIT, Point.NUDGE_BEFORE_MARK)


@pytest.fixture
def running(tmp_path: Path, database_url: str, valkey_url: str) -> Iterator[Stack]:
    with stack(tmp_path, database_url, valkey_url, HUB_SANDBOX_PACE="0.02") as made:
        made.start_sandbox()
        made.start_api()
        made.start_beat()
        yield made


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("department", "points"), [("rest-a", tuple(Point)), ("soap-a", ON_THE_WIRE)])
def test_a_kill_at_any_point_loses_and_doubles_nothing(
    running: Stack, tmp_path: Path, department: str, points: tuple[Point, ...]
) -> None:
    told: dict[str, tuple[str, str]] = {}
    running.start_worker()
    for point in points:
        token = tmp_path / point.value
        token.touch()
        victim = "api" if point in AT_THE_DOOR else "worker"
        crash = {"HUB_CRASH_AT": point.value, "HUB_CRASH_TOKEN": str(token)}
        running.stop(victim)
        if victim == "worker":
            running.start_worker(changes=crash)
            told |= a_load(running, department, 5)
            running.wait_for(lambda: running.has_died("worker"))
            running.parts.pop("worker").end()
            running.start_worker()
        else:
            told |= load_while_the_door_dies(running, department, crash)
        assert not token.exists(), f"{point} was never reached"
        running.wait_for(running.over)
        assert findings(running, told) == [], point
    assert "task_failed" not in (running.folder / "worker.log").read_text(encoding="utf-8")


def load_while_the_door_dies(running: Stack, department: str, crash: dict[str, str]) -> dict[str, tuple[str, str]]:
    running.start_api(crash)
    with ThreadPoolExecutor(1) as portal:
        load = portal.submit(a_load, running, department, 5)
        running.wait_for(lambda: running.has_died("api"))
        running.parts.pop("api").end()
        running.start_api()
        return load.result()
