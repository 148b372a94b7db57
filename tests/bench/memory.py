"""Memory of a worker after two thousand messages and after very many: ``python -m tests.bench memory --messages N``.

``memory`` is all that is mapped (RSS), with the pages of libraries that processes share; ``of its own`` (USS) is what
one more worker adds to the machine.
"""

from dataclasses import dataclass

import psutil

from tests.bench.load import requests_per_second, submission_requests
from tests.bench.rows import BenchRow, at_most
from tests.stack import ProcessStack

FIRST = 2_000
"""messages: inbox and outbox rows handled"""
LIMIT = 120.0
"""MiB"""
GROWTH = 1.1
BATCH = 500
MIB = 2**20


@dataclass(frozen=True, slots=True)
class _Memory:
    """MiB."""

    mapped: float
    own: float


def rows(running: ProcessStack, messages: int) -> list[BenchRow]:
    running.start()
    early, late = (_memory_after(running, count) for count in (FIRST, messages))
    note, must = f"after {messages:,} messages", f"<= {LIMIT:.0f} MiB"
    return [
        at_most("worker memory", "MiB", LIMIT, late.mapped, LIMIT, must, note),
        at_most("worker memory of its own", "MiB", LIMIT, late.own, LIMIT, must, note),
        at_most(
            f"worker memory, {messages:,} / {FIRST:,} messages",
            "MiB",
            early.mapped,
            late.mapped,
            early.mapped * GROWTH,
            f"<= {GROWTH} x",
        ),
    ]


def _memory_after(running: ProcessStack, messages: int) -> _Memory:
    while _handled(running) < messages:
        requests_per_second(running.url, submission_requests(running.url, BATCH, "rest-a", coded=True), expect=202)
        running.wait_for(running.quiet)
    memory = psutil.Process(running.parts["worker"].pid).memory_full_info()
    return _Memory(memory.rss / MIB, memory.uss / MIB)


def _handled(running: ProcessStack) -> int:
    [row] = running.rows("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox) AS n")
    return int(row["n"])
