"""Kill -9 at every named point of API and worker, over REST and SOAP: nothing lost, nothing doubled, in order.

Whoever is started after a kill is already armed for the next point of its kind: a process dies only where its token
lies, so that it recovers like any other until the test puts the token there, and a point costs one start.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hub.crashpoints import Point
from tests.faults.checker import findings
from tests.faults.load import a_load
from tests.stack import ProcessStack, stack

pytestmark = pytest.mark.faults

AT_ONCE = 3
"""submissions at each point: a batch, of which some are before the point and some behind it"""
ON_THE_WIRE = tuple(point for point in Point if point.value.split(".")[0] in ("claim", "send", "settle"))
IN_THE_API = (Point.ACCEPT_BEFORE_COMMIT, Point.ACCEPT_AFTER_COMMIT, Point.WAKEUP_BEFORE_MARK)


@pytest.fixture
def running(stack_folder: Path, database_url: str, valkey_url: str) -> Iterator[ProcessStack]:
    with stack(
        stack_folder, database_url, valkey_url, HUB_SANDBOX_PACE="0.02", HUB_WAKEUP_REPEAT_AFTER="2"
    ) as processes:
        processes.start_sandbox()
        processes.start_beat()
        yield processes


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("department", "points"), [("rest-a", tuple(Point)), ("soap-a", ON_THE_WIRE)])
def test_a_kill_at_any_point_loses_and_doubles_nothing(
    running: ProcessStack, stack_folder: Path, department: str, points: tuple[Point, ...]
) -> None:
    accepted: dict[str, tuple[str, str]] = {}
    api_starts = iter([crash_at(stack_folder, point) for point in points if point in IN_THE_API])
    worker_starts = iter([crash_at(stack_folder, point) for point in points if point not in IN_THE_API])
    running.start_api(next(api_starts, {}))
    running.start_worker(changes=next(worker_starts, {}))
    for point in points:
        token = stack_folder / point.value
        token.touch()
        if point in IN_THE_API:
            accepted |= load_while_the_api_dies(running, department, next(api_starts, {}))
        else:
            accepted |= a_load(running, department, AT_ONCE)
            running.wait_for(lambda: running.has_died("worker"))
            running.parts.pop("worker").end()
            running.start_worker(changes=next(worker_starts, {}))
        assert not token.exists(), f"{point} was never reached"
        running.wait_for(running.over)
        assert findings(running, accepted) == [], point
    assert "task_failed" not in (running.folder / "worker.log").read_text(encoding="utf-8")


def crash_at(folder: Path, point: Point) -> dict[str, str]:
    """What arms a process for this point."""
    return {"HUB_CRASH_AT": point.value, "HUB_CRASH_TOKEN": str(folder / point.value)}


def load_while_the_api_dies(
    running: ProcessStack, department: str, after: dict[str, str]
) -> dict[str, tuple[str, str]]:
    """``after``: what the API process that takes its place is armed for."""
    with ThreadPoolExecutor(1) as portal:
        load = portal.submit(a_load, running, department, AT_ONCE)
        running.wait_for(lambda: running.has_died("api"))
        running.parts.pop("api").end()
        running.start_api(after)
        return load.result()
