"""End to end: from the portal's POST until the department has it and the portal is told, against bare calls.

The bare calls bring the same department the same signed handoffs, so that it checks, keeps and counter-signs as much.
"""

import time
from collections.abc import Sequence
from statistics import median
from typing import Final

from tests.bench.bare_calls import handoff_calls, milliseconds, per_second, prepared
from tests.bench.load import requests_per_second, submission_requests
from tests.bench.rows import BenchRow, Pairs, at_least, in_turn
from tests.bench.service import await_handled, await_quiet, await_waiting_only, paused, submit
from tests.builders import a_submission
from tests.stack import ProcessStack

MANY: Final = {"rest-a": 500, "soap-a": 300}
"""department → dossiers in each round"""
ALONE: Final = 30
"""dossiers, one after the other, for the latency"""
BEYOND: Final = 60.0
"""milliseconds that the hub may add to the department's own time"""
WHY: Final = "a signed record, three conversations with an attempt and evidence each, the audit log"


def rows(running: ProcessStack) -> list[BenchRow]:
    running.start()
    for department in MANY:
        submit(running, department, 100)
    await_quiet(running)
    return [
        _throughput(running, "rest-a", "portal to REST department and told / bare requests", 0.35),
        _throughput(running, "soap-a", "portal to SOAP department and told / bare zeep", 0.6),
        _latency(running, "rest-a"),
    ]


def _throughput(running: ProcessStack, department: str, name: str, least: float) -> BenchRow:
    many = MANY[department]
    pairs = in_turn(
        lambda: _bare_per_second(running, department, many), lambda: dossiers_per_second(running, department, many)
    )
    return at_least(name, "dossiers/s", pairs, least, WHY)


def _bare_per_second(running: ProcessStack, department: str, many: int) -> float:
    counterparty = f"department.{department}"
    with paused(running, counterparty):
        submit(running, department, many)
        await_handled(running)
        rate = per_second(handoff_calls(running, department, prepared(running, counterparty, many)))
    await_quiet(running)
    return rate


def dossiers_per_second(running: ProcessStack, department: str, many: int, *, others: Sequence[str] = ()) -> float:
    """From the first POST until the last dossier is acknowledged and the portal told. ``others`` may still wait."""
    wires = submission_requests(running.url, many, department, coded=True)
    started = time.perf_counter()
    requests_per_second(running.url, wires, expect=202)
    await_waiting_only(running, others)
    return many / (time.perf_counter() - started)


def _latency(running: ProcessStack, department: str) -> BenchRow:
    """From the 202 until the department's answer is written, when nothing else is under way."""
    counterparty = f"department.{department}"

    def bare() -> float:
        with paused(running, counterparty):
            submit(running, department, ALONE)
            await_handled(running)
            times = milliseconds(handoff_calls(running, department, prepared(running, counterparty, ALONE)))
        await_quiet(running)
        return median(times)

    pairs = in_turn(bare, lambda: median(_acknowledged_after(running, department) for _ in range(ALONE)))
    beyond = [value - baseline for baseline, value in zip(pairs.baselines, pairs.values, strict=True)]
    return _latency_row(pairs, beyond)


def _latency_row(pairs: Pairs, beyond: list[float]) -> BenchRow:
    return BenchRow(
        name="accepted to acknowledged, unloaded, p50",
        unit="ms",
        baseline=round(pairs.baseline, 1),
        value=round(pairs.value, 1),
        ratio=round(median(pairs.ratios), 2),
        must=f"<= +{BEYOND:g} ms",
        ok=median(beyond) <= BEYOND,
        note=f"beyond the department's own time: {median(beyond):.1f} ms ({min(beyond):.1f} to {max(beyond):.1f})",
        spread=(round(min(pairs.ratios), 2), round(max(pairs.ratios), 2)),
    )


def _acknowledged_after(running: ProcessStack, department: str) -> float:
    """Milliseconds."""
    answer = running.portal.submit(a_submission(department))
    started = time.perf_counter()
    submission = answer.json()["id"]
    while not running.rows("SELECT 1 FROM handoff WHERE dossier_id = %s AND answered_at IS NOT NULL", submission):
        time.sleep(0.001)
    elapsed = time.perf_counter() - started
    await_quiet(running)
    return elapsed * 1000
