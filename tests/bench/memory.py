"""What a worker weighs, after some hundreds of messages and after twenty thousand."""

import psutil

from tests.bench.load import requests_per_second, submission_requests
from tests.bench.rows import BenchRow, at_most
from tests.stack import ProcessStack

FIRST, LAST = 2_000, 20_000
"""messages: inbox and outbox rows handled"""
LIMIT = 120.0
"""MiB"""
GROWTH = 1.1
BATCH = 500


def rows(running: ProcessStack) -> list[BenchRow]:
    running.start()
    early = _weight_after(running, FIRST)
    late = _weight_after(running, LAST)
    return [
        at_most("worker memory", "MiB", LIMIT, late, LIMIT, f"<= {LIMIT:.0f} MiB", f"after {LAST} messages"),
        at_most("worker memory, 20,000 / 2,000 messages", "MiB", early, late, early * GROWTH, f"<= {GROWTH} x"),
    ]


def _weight_after(running: ProcessStack, messages: int) -> float:
    while _handled(running) < messages:
        requests_per_second(running.url, submission_requests(running.url, BATCH, "rest-a"), expect=202)
        running.wait_for(running.quiet)
    worker = psutil.Process(running.parts["worker"].pid)
    return float(worker.memory_info().rss / 2**20)


def _handled(running: ProcessStack) -> int:
    [row] = running.rows("SELECT (SELECT count(*) FROM inbox) + (SELECT count(*) FROM outbox) AS n")
    return int(row["n"])
