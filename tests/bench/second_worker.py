"""A second worker process on a core of its own: what it adds, and whether a dossier costs the workers more then."""

import os
import sys
from typing import Final

import psutil

from tests.bench.journey import dossiers_per_second
from tests.bench.rows import BenchRow, Pairs, in_turn, ratio_at_most
from tests.bench.service import await_quiet, submit
from tests.stack import ProcessStack

DEPARTMENT: Final = "rest-a"
MANY: Final = 400
LEAST: Final = 1.7
DEARER: Final = 1.15
"""times the processor time of a dossier: PostgreSQL's locks and the queues cost the second worker no more than that"""
ENOUGH_CORES: Final = 4
"""two for the workers, two for PostgreSQL, API, broker, department and the sender"""


def rows(running: ProcessStack) -> list[BenchRow]:
    running.start()
    _pin(running, "worker", 0)
    submit(running, DEPARTMENT, 100, coded=True)
    await_quiet(running)
    cost: dict[int, list[float]] = {1: [], 2: []}

    def measured(workers: int) -> float:
        names = ["worker", "worker-2"][:workers]
        before = sum(_cpu_seconds(running, name) for name in names)
        rate = dossiers_per_second(running, DEPARTMENT, MANY)
        cost[workers].append((sum(_cpu_seconds(running, name) for name in names) - before) / MANY * 1000)
        return rate

    def with_second() -> float:
        running.start_worker("worker-2")
        _pin(running, "worker-2", 1)
        submit(running, DEPARTMENT, 50, coded=True)  # it has connected and loaded what it needs
        await_quiet(running)
        rate = measured(2)
        running.stop("worker-2")
        return rate

    pairs = in_turn(lambda: measured(1), with_second)
    costs = Pairs(tuple(cost[1]), tuple(cost[2]))
    name = "processor time of the workers for a dossier, two / one"
    return [_throughput_row(pairs), ratio_at_most(name, "ms", costs, DEARER, "so that more cores carry more workers")]


def _throughput_row(pairs: Pairs) -> BenchRow:
    ratios = sorted(pairs.ratios)
    cores = os.cpu_count() or 1
    return BenchRow(
        name="two workers, a core each / one",
        unit="dossiers/s",
        baseline=round(pairs.baseline, 1),
        value=round(pairs.value, 1),
        ratio=round(ratios[len(ratios) // 2], 3),
        must=f">= {LEAST:g} x on {ENOUGH_CORES} cores",
        ok=cores < ENOUGH_CORES or ratios[len(ratios) // 2] >= LEAST,
        note=f"{cores} cores carry everything; with fewer than {ENOUGH_CORES} the processor time is what counts",
        spread=(round(ratios[0], 3), round(ratios[-1], 3)),
    )


def _pin(running: ProcessStack, name: str, core: int) -> None:
    """Every thread of the process on this core; the threads that it starts later follow."""
    cores = {core % (os.cpu_count() or 1)}
    for thread in psutil.Process(running.parts[name].pid).threads():
        os.sched_setaffinity(thread.id, cores)
    sys.stderr.write(f"  {name} on core {cores}\n")


def _cpu_seconds(running: ProcessStack, name: str) -> float:
    times = psutil.Process(running.parts[name].pid).cpu_times()
    return times.user + times.system
