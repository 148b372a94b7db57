"""After an outage of a department: how fast what waits leaves, and whether one that sleeps slows the others."""

import sys
import time
from typing import Final

from kombu import Connection

from tests.bench.bare_calls import handoff_calls, prepared
from tests.bench.journey import dossiers_per_second
from tests.bench.rows import BenchRow, at_least, in_turn
from tests.bench.service import (
    await_handled,
    await_quiet,
    await_waiting_only,
    delivered_per_second,
    moment,
    partner,
    submit,
)
from tests.stack import ProcessStack

WAITING: Final = 20_000
"""dossiers for the department when the outage ends"""
DRAINED: Final = 1_200
"""of them, in each round"""
BARE: Final = 600
LOOK: Final = 0.5
"""seconds between two counts of what waits"""
DEPARTMENT: Final = "rest-a"
COUNTERPARTY: Final = f"department.{DEPARTMENT}"
SUBMITTED_AT_ONCE: Final = 500
SLEEPY: Final = 300
"""dossiers for the department that sleeps"""
ASLEEP: Final = 30.0
"""seconds until it would answer: longer than anybody waits"""
BESIDE: Final = 400
"""dossiers for another department meanwhile"""
WHY: Final = "as in the journey; and each acknowledgement puts a notice to the portal, which leaves as well"


def rows(running: ProcessStack, waiting: int = WAITING) -> list[BenchRow]:
    """The sleeping partner first: the other figure leaves much that waits."""
    running.start()
    submit(running, DEPARTMENT, 100, coded=True)
    submit(running, "rest-b", 100, coded=True)
    await_quiet(running)
    sleeping = _beside_a_sleeper(running)
    fill(running, waiting)
    return [drain(running, waiting), sleeping]


def fill(running: ProcessStack, waiting: int = WAITING) -> None:
    """The outage: so many signed handoffs wait. A second worker helps to prepare them, and leaves."""
    partner(running, "pause", COUNTERPARTY)
    running.start_worker("worker-2")
    for submitted in range(0, waiting, SUBMITTED_AT_ONCE):
        submit(running, DEPARTMENT, min(SUBMITTED_AT_ONCE, waiting - submitted), coded=True)
        await_handled(running)
        sys.stderr.write(f"\r  {submitted + SUBMITTED_AT_ONCE} of {waiting} wait")
    await_waiting_only(running, [COUNTERPARTY])
    running.stop("worker-2")
    sys.stderr.write("\n")


def drain(running: ProcessStack, waiting: int = WAITING) -> BenchRow:
    """The hub takes the first of what waits; the bare calls have the last."""
    last = prepared(running, COUNTERPARTY, BARE * 6)

    def bare() -> float:
        taken = [last.pop() for _ in range(BARE)]
        calls = handoff_calls(running, DEPARTMENT, taken)
        started = time.perf_counter()
        with Connection(running.environment["HUB_BROKER_URL"]) as broker, broker.SimpleQueue("bare") as queue:
            for transfer in taken:
                queue.put(transfer.key)
            for call in calls:
                message = queue.get()
                call()
                message.ack()
        return BARE / (time.perf_counter() - started)

    pairs = in_turn(bare, lambda: _drained_per_second(running))
    return at_least(f"drain of {waiting:,} / bare publish and requests", "dossiers/s", pairs, 0.4, WHY)


def _drained_per_second(running: ProcessStack) -> float:
    since, enough = moment(running), _waiting(running) - DRAINED
    partner(running, "resume", COUNTERPARTY)
    while _waiting(running) > enough:
        time.sleep(LOOK)
    partner(running, "pause", COUNTERPARTY)
    await_waiting_only(running, [COUNTERPARTY])
    return delivered_per_second(running, [COUNTERPARTY], since)


def _waiting(running: ProcessStack) -> int:
    [row] = running.rows(
        "SELECT count(*) AS n FROM outbox WHERE counterparty = %s AND settled_at IS NULL", COUNTERPARTY
    )
    return int(row["n"])


def _beside_a_sleeper(running: ProcessStack) -> BenchRow:
    """Dossiers for one department while another has nothing to do, and while it sleeps on what waits for it."""

    def asleep() -> float:
        partner(running, "pause", "department.rest-b")
        submit(running, "rest-b", SLEEPY, coded=True)
        await_waiting_only(running, ["department.rest-b"])
        running.turn("department.rest-b", slow=ASLEEP)
        partner(running, "resume", "department.rest-b")
        rate = dossiers_per_second(running, DEPARTMENT, BESIDE, others=["department.rest-b"])
        running.turn("department.rest-b", slow=0)
        for command in ("pause", "resume"):  # its circuit breaker is open: let all that waits leave now
            partner(running, command, "department.rest-b")
        await_quiet(running)
        return rate

    pairs = in_turn(lambda: dossiers_per_second(running, DEPARTMENT, BESIDE), asleep)
    note = f"{SLEEPY} dossiers wait for the department that sleeps"
    return at_least("beside a department that sleeps / beside none", "dossiers/s", pairs, 0.95, note)
