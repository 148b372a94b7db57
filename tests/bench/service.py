"""The whole hub as in service, on a database and a broker of its own, and what a bench asks of it."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, cast

from hub.embedded.postgres import postgres
from hub.embedded.process import Process
from hub.embedded.valkey import valkey
from hub.migrations.run import upgrade
from tests.bench import explain
from tests.bench.load import requests_per_second, submission_requests
from tests.catalogue_secrets import CATALOGUE
from tests.stack import ProcessStack, stack

SERVICE_PACE: Final = {
    # As in service, but for the departments' own pace: no status reports, so that only the hand-over is measured.
    "HUB_SANDBOX_PACE": "3600",
    "HUB_SWEEP_EVERY": "15",
    "HUB_WAKEUP_REPEAT_AFTER": "60",
    "HUB_POLL_EVERY": "60",
    "HUB_CUSTODY_EVERY": "10",
    "HUB_CHECKPOINT_EVERY": "60",
    "HUB_PAUSES": "[60, 300, 1800, 7200, 21600, 86400]",
    "HUB_BREAKER_THRESHOLD": "5",
    "HUB_BREAKER_PAUSE": "30",
    "HUB_LOG_LEVEL": "WARNING",
}
POLL: Final = 0.05
"""seconds between two looks at the tables: more often would take what is measured"""


@contextmanager
def service(*, endpoints: int = 1, explained: bool = False) -> Iterator[ProcessStack]:
    """The hub's processes, not started yet.

    ``endpoints``: webhooks of the portal, 1 (as a province has) or 2. ``explained``: statements are counted.
    """
    with TemporaryDirectory(prefix="lienthong-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if explained:
            with postgres(folder / "postgres") as database_url:
                explain.prepare(database_url)
        with postgres(folder / "postgres") as database_url, valkey(folder / "valkey") as broker_url:
            upgrade(database_url)
            settings = SERVICE_PACE | {"HUB_CATALOGUE": str(_catalogue(folder, endpoints))}
            with stack(folder, database_url, broker_url, Process, **settings) as running:
                yield running


def _catalogue(folder: Path, endpoints: int) -> Path:
    copy = folder / "catalogue"
    shutil.copytree(CATALOGUE, copy)
    portal = copy / "portal.toml"
    if endpoints == 1:
        first, _, _ = portal.read_text(encoding="utf-8").partition('[[endpoints]]\ncode = "second"')
        portal.write_text(first, encoding="utf-8")
    return copy


def submit(running: ProcessStack, department: str, many: int, *, coded: bool = False) -> None:
    """Submit so many, as fast as the answers come."""
    requests_per_second(running.url, submission_requests(running.url, many, department, coded=coded), expect=202)


def await_handled(running: ProcessStack) -> None:
    """Wait until every message of the inbox is handled."""
    while running.rows("SELECT 1 FROM inbox WHERE state IN ('received', 'waiting') LIMIT 1"):
        time.sleep(POLL)


def await_waiting_only(running: ProcessStack, counterparties: Sequence[str]) -> None:
    """Wait until only transfers to these counterparties are left."""
    await_handled(running)
    query = "SELECT 1 FROM outbox WHERE settled_at IS NULL AND counterparty <> ALL(%s) LIMIT 1"
    while running.rows(query, list(counterparties)):
        time.sleep(POLL)


def await_quiet(running: ProcessStack) -> None:
    """Wait until every message is handled and every transfer settled."""
    await_waiting_only(running, ())


def moment(running: ProcessStack) -> datetime:
    """Now, by the database's clock."""
    [row] = running.rows("SELECT clock_timestamp() AS now")
    return cast("datetime", row["now"])


def delivered_per_second(running: ProcessStack, counterparties: Sequence[str], since: datetime) -> float:
    """Transfers to these counterparties, from the first to the last that has been delivered since."""
    [row] = running.rows(
        "SELECT count(*) AS n, extract(epoch FROM max(finished_at) - min(finished_at))::float8 AS seconds FROM attempt"
        " JOIN outbox ON outbox.id = attempt.transfer_id"
        " WHERE counterparty = ANY(%s) AND finished_at > %s AND outcome = 'ok'",
        list(counterparties),
        since,
    )
    return float(row["n"] / row["seconds"])


def partner(running: ProcessStack, command: str, counterparty: str) -> None:
    """``hub partner pause`` or ``resume``."""
    subprocess.run(
        [sys.executable, "-m", "hub.cli", "partner", command, counterparty, "--reason", "bench", "--yes"],
        env={**os.environ, **running.environment},
        check=True,
        capture_output=True,
    )


@contextmanager
def paused(running: ProcessStack, counterparty: str) -> Iterator[None]:
    """While open, nothing is sent to this counterparty."""
    partner(running, "pause", counterparty)
    try:
        yield
    finally:
        partner(running, "resume", counterparty)
