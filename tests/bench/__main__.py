"""``make bench``: measures on servers of its own, prints the table, writes var/bench.json. Exit 3: a bar is missed."""

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.embedded.postgres import postgres
from hub.embedded.process import Process
from hub.embedded.valkey import valkey
from hub.migrations.run import upgrade
from tests.bench import door, explain, journey, matching, memory, months, statements, sustained
from tests.bench.rows import BenchRow, table, write
from tests.catalogue_secrets import CATALOGUE
from tests.stack import ProcessStack, stack

OUTPUT = Path("var/bench.json")
PARTS: dict[str, Callable[[ProcessStack], list[BenchRow]]] = {
    "door": door.rows,
    "journey": journey.rows,
}
ALONE: dict[str, Callable[[], list[BenchRow]]] = {
    "statements": statements.rows,
    "matching": matching.rows,
    "months": months.rows,
}
"""parts that need no running hub"""
MEMORY = "memory"
LOAD = "load"
"""a part that is asked for by name only: ten minutes, and no ratio to a baseline"""
SERVICE_PACE = {
    # As in service, but for the departments' own pace: no status reports, so that only the hand-over is measured.
    "HUB_SANDBOX_PACE": "3600",
    "HUB_SWEEP_EVERY": "15",
    "HUB_WAKEUP_REPEAT_AFTER": "60",
    "HUB_POLL_EVERY": "60",
    "HUB_LOG_LEVEL": "WARNING",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, MEMORY, *ALONE, LOAD, []], help="only these parts")
    parser.add_argument("--rate", type=int, default=100, help="load: submissions per second")
    parser.add_argument("--seconds", type=int, default=600, help="load: for how long")
    parser.add_argument("--flood", type=int, default=0, help="load: unsigned callbacks per second beside it")
    parser.add_argument("--explain", action="store_true", help="journey: what a dossier costs, by process")
    parser.add_argument("--department", default="rest-a", help="--explain: who receives the dossiers")
    parser.add_argument("--dossiers", type=int, default=600, help="--explain: how many")
    asked = parser.parse_args()
    if asked.part == [LOAD]:
        return _load(asked.rate, asked.seconds, asked.flood)
    if asked.explain:
        with _running(explained=True) as running:
            explain.run(running, department=asked.department, many=asked.dossiers)
        return 0
    rows: list[BenchRow] = []
    measured = PARTS | {MEMORY: partial(memory.rows, messages=asked.messages)}
    for part in asked.part or [*measured, *ALONE]:
        rows += ALONE[part]() if part in ALONE else _measure(part, measured[part])
    write(rows, OUTPUT)
    sys.stdout.write(table(rows) + f"\n{OUTPUT}\n")
    return 0 if all(row.ok for row in rows) else 3


def _load(rate: int, seconds: int, flood: int) -> int:
    """Print how the hub bears a steady load. Exit 3: something was lost, doubled, or done without a 202."""
    with _running() as running:
        # The limits that are shipped: those of the tests are there to be out of the way.
        (Path(running.environment["HUB_CATALOGUE"]) / "limits.toml").unlink()
        return 3 if sustained.run(running, rate=rate, seconds=seconds, flood=flood) else 0


def _measure(part: str, rows: Callable[[ProcessStack], list[BenchRow]]) -> list[BenchRow]:
    """One part."""
    sys.stderr.write(f"{part} ...\n")
    with _running() as running:
        return rows(running)


@contextmanager
def _running(*, explained: bool = False) -> Iterator[ProcessStack]:
    """The hub's processes, not started yet, on a database and a broker of their own."""
    with TemporaryDirectory(prefix="lienthong-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        if explained:
            with postgres(folder / "postgres") as database_url:
                explain.prepare(database_url)
        with postgres(folder / "postgres") as database_url, valkey(folder / "valkey") as broker_url:
            upgrade(database_url)
            settings = SERVICE_PACE | {"HUB_CATALOGUE": str(_catalogue(folder))}
            with stack(folder, database_url, broker_url, Process, **settings) as running:
                yield running


def _catalogue(folder: Path) -> Path:
    """The test catalogue with one webhook endpoint, as a province has."""
    copy = folder / "catalogue"
    shutil.copytree(CATALOGUE, copy)
    portal = copy / "portal.toml"
    first, _, _ = portal.read_text(encoding="utf-8").partition('[[endpoints]]\ncode = "second"')
    portal.write_text(first, encoding="utf-8")
    return copy


if __name__ == "__main__":
    sys.exit(main())
