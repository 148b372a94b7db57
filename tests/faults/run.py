"""One run: traffic of all parties, one fault after the other, persons who work off what waits, and the oracle."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import requests

from hub.embedded.waiting import NothingMoves, wait_for
from tests.faults import oracle
from tests.faults.cluster import Cluster, cluster
from tests.faults.nemesis import FaultRecord, strike
from tests.faults.oracle import FindingKind, OracleFinding
from tests.faults.people import ROUNDS, Persons
from tests.faults.plan import PlannedFault, faults, submissions
from tests.faults.registry import RegisteredFault, registered
from tests.faults.traffic import BANK, Accepted, Traffic
from tests.stack import ProcessStack

STILL: Final = 60.0
"""seconds without any progress after which the run stops waiting, and says what is left"""
ENDLESS: Final = 10**9
PACE: Final = {
    "HUB_RESTAMP_AFTER": "5",
    "HUB_WITNESS_EVERY": "20",
    "HUB_WAKEUP_REPEAT_AFTER": "5",
    "HUB_RETRY_AFTER_AT_MOST": "5",
}
_ENDED: Final = """
SELECT (SELECT count(*) FROM inbox WHERE state IN ('received', 'waiting')) AS received,
       (SELECT count(*) FROM outbox WHERE state IN ('queued', 'sending', 'retrying', 'unknown')) AS sending,
       (SELECT count(*) FROM consignment WHERE status NOT IN ('delivered', 'returned', 'lost', 'refused')) AS carried,
       (SELECT count(*) FROM custody_leaf WHERE place IS NULL OR place >= (
           SELECT coalesce(max(c.size), 0) FROM custody_checkpoint c JOIN custody_stamp s ON s.checkpoint = c.number
       )) AS unstamped
"""


@dataclass(frozen=True, slots=True)
class RunOptions:
    """What a run is asked for. ``seconds``: go on for so long, however many submissions and faults that makes."""

    seed: int
    submissions: int
    faults: int
    seconds: float | None = None
    broker: str = "valkey"
    only: tuple[str, ...] = ()
    """names of the faults to draw from; empty: all"""
    handoffs: int = 200
    """how many of the handoffs are exported and judged, chosen by the seed"""
    durable: bool = True


@dataclass(frozen=True, slots=True)
class RunResult:
    """What happened. ``persons``: what waited for a person, by code."""

    options: RunOptions
    accepted: int
    refusals: dict[int, int]
    records: Sequence[FaultRecord]
    persons: dict[str, int]
    findings: Sequence[OracleFinding]
    seconds: float

    @property
    def green(self) -> bool:
        return not self.findings and all(record.recovery is not None for record in self.records)


Judge = Callable[[ProcessStack, Mapping[str, Accepted], Sequence[str]], Sequence[OracleFinding]]


def run(
    options: RunOptions,
    folder: Path,
    server_folder: Path,
    say: Callable[[str], None],
    judge: Judge = oracle.findings,
) -> RunResult:
    """Run it. ``server_folder``: open to the account that PostgreSQL runs under.

    1. Start everything, and the traffic.
    2. Inject each fault once its share of the submissions is accepted, and wait for recovery.
    3. Let the traffic end; persons work off what waits for them, until nothing is under way.
    4. Ask the oracle.
    """
    # 1.
    started = time.monotonic()
    with cluster(folder, server_folder, options.broker, durable=options.durable, **PACE) as running:
        running.start(Random(options.seed))  # noqa: S311 - to be replayed
        most = options.submissions if options.seconds is None else ENDLESS
        traffic = Traffic(running.stack, submissions(options.seed), most)
        traffic.start()
        say(f"started after {time.monotonic() - started:.0f} s")
        try:
            # 2.
            records = _strike_all(running, traffic, options, started, say)
            if options.seconds is not None:
                traffic.stop()
            # 3.
            persons = Persons(running.stack, running.catalogue)
            left = _settle(running, traffic, persons, say)
        finally:
            traffic.close()
        # 4.
        handed = [
            row["id"] for row in running.stack.rows("SELECT id FROM handoff WHERE status <> 'refused' ORDER BY id")
        ]
        chosen = Random(options.seed).sample(handed, min(options.handoffs, len(handed)))  # noqa: S311 - to be replayed
        all_findings = [
            *(OracleFinding(FindingKind.OTHER, what) for what in (*left, *traffic.wrong)),
            *judge(running.stack, traffic.accepted, chosen),
        ]
    passed = time.monotonic() - started
    return RunResult(
        options, len(traffic.accepted), traffic.refusals, records, dict(persons.seen), all_findings, passed
    )


def drawn(options: RunOptions) -> dict[str, RegisteredFault]:
    """The faults of the registry that this run may inject."""
    return {
        name: fault
        for name, fault in registered().items()
        if options.broker in fault.brokers
        and (not options.only or name in options.only)
        and fault.unavailable() is None
    }


def planned(options: RunOptions) -> list[PlannedFault]:
    """The faults of a run that counts them."""
    ahead = faults(options.seed, list(drawn(options)))
    return [next(ahead) for _ in range(options.faults)]


def _strike_all(
    running: Cluster, traffic: Traffic, options: RunOptions, started: float, say: Callable[[str], None]
) -> list[FaultRecord]:
    known = drawn(options)
    records: list[FaultRecord] = []
    share = options.submissions / (options.faults + 1)
    for number, plan in enumerate(faults(options.seed, list(known)), 1):
        over = number > options.faults if options.seconds is None else time.monotonic() - started > options.seconds
        if over:
            traffic.allow(options.submissions)
            return records
        if options.seconds is None:
            traffic.allow(round((number + 1) * share))
        while options.seconds is None and traffic.submitting and len(traffic.accepted) < number * share:
            time.sleep(0.1)
        record = strike(running, known[plan.name], plan)
        records.append(record)
        how = f"recovered in {record.recovery:.1f} s" if record.recovery is not None else "NOT RECOVERED"
        say(f"{time.monotonic() - started:6.0f} s  {len(traffic.accepted):6} accepted  {number:3}. {plan.name}: {how}")
    raise AssertionError("faults have no end")


def _settle(running: Cluster, traffic: Traffic, persons: Persons, say: Callable[[str], None]) -> list[str]:
    """Until nothing is under way and nobody has anything to do; what is left else."""
    stack = running.stack
    try:
        wait_for("the portals", lambda: not traffic.submitting, moves=lambda: len(traffic.accepted), still=STILL)
        say(f"{len(traffic.accepted)} accepted; waiting for the end of everything")
        for _ in range(ROUNDS):
            _wait_until_ended(running, traffic)
            if not persons.work_off():
                break
            say(f"persons had to look at {dict(persons.seen)}")
        with suppress(requests.RequestException):
            requests.post(stack.control(f"bank.{BANK}", "/statements"), json={}, timeout=30).raise_for_status()
        wait_for(
            "the statement",
            lambda: _statement_is_in(running),
            moves=stack.moved,
            still=STILL,
        )
        _wait_until_ended(running, traffic)
        # A dossier that was delayed is still being reported: nothing is under way between two of its reports.
        wait_for("the last reports", lambda: not _unreturned(stack, traffic), moves=stack.moved, still=STILL)
        _wait_until_ended(running, traffic)
    except NothingMoves as error:
        return [f"{error}: {traffic.paying} fees to pay, {_left(running)} {stack.open_ends()}"]
    return []


def _wait_until_ended(running: Cluster, traffic: Traffic) -> None:
    stack = running.stack
    wait_for(
        "the end",
        lambda: traffic.paying == 0 and not any(_left(running).values()),
        moves=lambda: (stack.moved(), traffic.paying),
        still=STILL,
        pause=0.5,
    )


def _unreturned(stack: ProcessStack, traffic: Traffic) -> int:
    """Dossiers that their department reports until they are returned, and that are not yet."""
    reporting = [one.id for one in traffic.accepted.values() if one.planned.reports]
    [row] = stack.rows("SELECT count(*) AS n FROM dossier WHERE id = ANY(%s) AND status <> 'returned'", reporting)
    return int(row["n"])


def _left(running: Cluster) -> dict[str, int]:
    [row] = running.stack.rows(_ENDED)
    return {name: int(count) for name, count in row.items()}


def _statement_is_in(running: Cluster) -> bool:
    [row] = running.stack.rows(
        "SELECT (SELECT count(*) FROM statement) > 0 AND NOT EXISTS (SELECT 1 FROM statement_line WHERE state = 'new')"
        " AS done"
    )
    return bool(row["done"])
