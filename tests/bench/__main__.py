"""``make bench``: measures on servers of its own, prints the table, writes var/bench.json. Exit 3: a bar is missed."""

import argparse
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench import (
    door,
    drain,
    explain,
    fan_out,
    in_flight,
    journey,
    matching,
    memory,
    months,
    second_worker,
    settled,
    start,
    statements,
    sustained,
)
from tests.bench.rows import BenchRow, table, write
from tests.bench.service import service
from tests.stack import ProcessStack

OUTPUT = Path("var/bench.json")
PARTS: dict[str, Callable[[ProcessStack], list[BenchRow]]] = {
    "door": door.rows,
    "journey": journey.rows,
    "drain": drain.rows,
    "fan-out": fan_out.rows,
    "in-flight": in_flight.rows,
    "second-worker": second_worker.rows,
}
MEMORY = "memory"
ALONE: dict[str, Callable[[], list[BenchRow]]] = {
    "start": start.rows,
    "settled": settled.rows,
    "statements": statements.rows,
    "matching": matching.rows,
    "months": months.rows,
}
"""parts that need no running hub, or start their own"""
ENDPOINTS = {"fan-out": 2}
"""part → webhooks of the portal, if not one"""
LOAD = "load"
"""a part that is asked for by name only: ten minutes, and no ratio to a baseline"""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("part", nargs="*", choices=[*PARTS, MEMORY, *ALONE, LOAD, []], help="only these parts")
    parser.add_argument("--rate", type=int, default=100, help="load: submissions per second")
    parser.add_argument("--seconds", type=int, default=600, help="load: for how long")
    parser.add_argument("--flood", type=int, default=0, help="load: unsigned callbacks per second beside it")
    parser.add_argument("--backlog", type=int, help="load: submissions that may wait, if not as many as is shipped")
    parser.add_argument("--messages", type=int, default=20_000, help="memory: after how many")
    parser.add_argument("--explain", action="store_true", help="journey: what a dossier costs, by process")
    parser.add_argument("--department", default="rest-a", help="--explain: who receives the dossiers")
    parser.add_argument("--dossiers", type=int, default=600, help="--explain: how many")
    asked = parser.parse_args()
    if asked.part == [LOAD]:
        return _load(asked.rate, asked.seconds, asked.flood, asked.backlog)
    if asked.explain:
        with service(explained=True) as running:
            explain.run(running, department=asked.department, many=asked.dossiers)
        return 0
    rows: list[BenchRow] = []
    for part in asked.part or [*PARTS, MEMORY, *ALONE]:
        rows += _measure(part, asked.messages)
    write(rows, OUTPUT)
    sys.stdout.write(table(rows) + f"\n{OUTPUT}\n")
    return 0 if all(row.ok for row in rows) else 3


def _load(rate: int, seconds: int, flood: int, backlog: int | None) -> int:
    """Print how the hub bears a steady load. Exit 3: something was lost, doubled, or done without a 202."""
    with service() as running:
        # The limits that are shipped: those of the tests are there to be out of the way.
        limits = Path(running.environment["HUB_CATALOGUE"]) / "limits.toml"
        limits.write_text("" if backlog is None else f"[backlog]\nsubmissions = {backlog}\n", encoding="utf-8")
        return 3 if sustained.run(running, rate=rate, seconds=seconds, flood=flood) else 0


def _measure(part: str, messages: int) -> list[BenchRow]:
    started = time.monotonic()
    sys.stderr.write(f"{part} ...\n")
    if part in ALONE:
        rows = ALONE[part]()
    else:
        measured = PARTS | {MEMORY: partial(memory.rows, messages=messages)}
        with service(endpoints=ENDPOINTS.get(part, 1)) as running:
            rows = measured[part](running)
    sys.stderr.write(f"{table(rows)}\n{part}: {time.monotonic() - started:.0f} s\n")
    return rows


if __name__ == "__main__":
    sys.exit(main())
