"""Dossiers per second as one department and one webhook take more at once: it rises until the processors are full."""

import re
import sys
from pathlib import Path
from statistics import median
from typing import Final

from tests.bench.journey import dossiers_per_second
from tests.bench.rows import ROUNDS, BenchRow
from tests.bench.service import await_quiet, submit
from tests.stack import ProcessStack

DEPARTMENT: Final = "rest-a"
TAKES: Final = 0.1
"""seconds that the department and the webhook take for each call, as over a network"""
MANY: Final = {1: 40, 2: 80, 4: 160, 8: 250, 16: 300, 32: 300}
"""max_in_flight → dossiers in each round"""
SLACK: Final = 0.9
"""of what fewer in flight have reached: less is a fall"""


def rows(running: ProcessStack) -> list[BenchRow]:
    running.start()
    submit(running, DEPARTMENT, 100, coded=True)
    await_quiet(running)
    for counterparty in (f"department.{DEPARTMENT}", "portal.cong-dvc"):
        running.turn(counterparty, slow=TAKES)
    measured: dict[int, list[float]] = {most: [] for most in MANY}
    for _ in range(ROUNDS):
        for most, rates in measured.items():
            _take_at_once(running, most)
            rates.append(dossiers_per_second(running, DEPARTMENT, MANY[most]))
            sys.stderr.write(f"  {most} in flight: {rates[-1]:.1f}/s\n")
    return _rows({most: median(rates) for most, rates in measured.items()})


def _rows(rates: dict[int, float]) -> list[BenchRow]:
    first, highest = rates[1], 0.0
    rows = []
    for most, rate in rates.items():
        rows.append(
            BenchRow(
                name=f"max_in_flight {most}, each call {TAKES * 1000:g} ms / max_in_flight 1",
                unit="dossiers/s",
                baseline=round(first, 1),
                value=round(rate, 1),
                ratio=round(rate / first, 2),
                must="rises until CPU is full",
                ok=rate >= SLACK * highest,
            )
        )
        highest = max(highest, rate)
    return rows


def _take_at_once(running: ProcessStack, most: int) -> None:
    """Start the worker anew, with this max_in_flight in its catalogue."""
    catalogue = Path(running.environment["HUB_CATALOGUE"])
    department, portal = catalogue / "departments" / f"{DEPARTMENT}.toml", catalogue / "portal.toml"
    _put(department, f"max_in_flight = {most}\n", before="dialect = ")
    _put(portal, f"max_in_flight = {most}\n", before='code = "cong-dvc"')
    running.stop("worker")
    running.start_worker()


def _put(path: Path, line: str, *, before: str) -> None:
    text = re.sub(r"max_in_flight = \d+\n", "", path.read_text(encoding="utf-8"))
    path.write_text(text.replace(before, line + before, 1), encoding="utf-8")
