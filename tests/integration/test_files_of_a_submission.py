"""How many product files one submission crosses: as many as somebody must open who follows it through the code."""

from pathlib import Path
from typing import Final

from tests import called_files
from tests.faults.load import a_load
from tests.stack import stack

BUDGET: Final = 60
"""files of hub, connectors, schemas and config that are called on behalf of one submission"""
TRIES: Final = 3
"""submissions of which one keeps the budget: on a busy machine one may time out, be asked about and be sent again"""


def test_a_submission_crosses_few_files(tmp_path: Path, database_url: str, valkey_url: str) -> None:
    """From the portal's request to its last notice, through a department that pushes its reports.

    Without beat there are no ticks: whatever the API and the worker call, they call for this submission. An earlier
    one has opened, loaded and imported before what a process needs once.
    """
    traced = tmp_path / "called"
    traced.mkdir()
    with stack(tmp_path, database_url, valkey_url) as running:

        def submit() -> None:
            a_load(running, "rest-a", 1)
            running.wait_for(running.over)

        entry = ("-m", "tests.called_files", str(traced))
        running.start_sandbox()
        running._run("api", *entry, "api", "--port", str(running.port))
        running.parts["api"].wait_until(lambda: running.answers(running.url + "/health/ready"))
        running._run("worker", *entry, "worker", "--name", "worker")
        submit()
        for _ in range(TRIES):
            files = called_files.called(traced, submit)
            if len(files) <= BUDGET:
                break
    assert len(files) <= BUDGET, "\n".join([f"{len(files)} files:", *files])
