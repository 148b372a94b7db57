"""A short run of the fault harness, the same in every suite: six faults over 100 submissions of all parties.

At its end the oracle is shown the counterparties' files with one line lost, doubled, swapped: it must say so each time.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from connectors.sandbox.effects import Noticed, effects_path
from tests.faults import oracle
from tests.faults.oracle import FindingKind, OracleFinding
from tests.faults.report import table
from tests.faults.run import RunOptions, planned, run
from tests.faults.traffic import Accepted
from tests.stack import ProcessStack

pytestmark = pytest.mark.faults

SEED = 20261130
SUBMISSIONS = 100
FAULTS = (
    "worker-crash-point",
    "api-crash-point",
    "worker-frozen",
    "broker-emptied",
    "postgres-stopped-at-once",
    "department-cuts-after",
)
Lines = list[str]


def without_the_last(lines: Lines) -> Lines:
    return lines[:-1]


def the_last_twice(lines: Lines) -> Lines:
    return [*lines, lines[-1]]


def the_first_two_of_a_submission_swapped(lines: Lines) -> Lines:
    notices = [Noticed.model_validate_json(line) for line in lines]
    submission = next(notice.submission_id for notice in notices if notice.version == 2)
    first, second = [place for place, notice in enumerate(notices) if notice.submission_id == submission][:2]
    return [lines[{first: second, second: first}.get(place, place)] for place in range(len(lines))]


FORGERIES: Sequence[tuple[str, Callable[[Lines], Lines], FindingKind]] = (
    ("department.rest-b", without_the_last, FindingKind.LOST),
    ("department.rest-b", the_last_twice, FindingKind.DOUBLED),
    ("portal.second", without_the_last, FindingKind.LOST),
    ("portal.second", the_last_twice, FindingKind.DOUBLED),
    ("portal.second", the_first_two_of_a_submission_swapped, FindingKind.DISORDERED),
    ("postal.post-a", without_the_last, FindingKind.LOST),
    ("postal.post-a", the_last_twice, FindingKind.DOUBLED),
)


@pytest.mark.timeout(600)
def test_six_faults_lose_double_and_disorder_nothing_and_the_oracle_would_say_so(stack_folder: Path) -> None:
    missed: list[str] = []

    def judge(stack: ProcessStack, accepted: Mapping[str, Accepted], handoffs: Sequence[str]) -> list[OracleFinding]:
        for counterparty, forge, kind in FORGERIES:
            path = effects_path(stack.effects, counterparty)
            true = path.read_text(encoding="utf-8")
            path.write_text("".join(f"{line}\n" for line in forge(true.splitlines())), encoding="utf-8")
            if kind not in {finding.kind for finding in oracle.findings(stack, accepted, ())}:
                missed.append(f"{counterparty} {forge.__name__}")
            path.write_text(true, encoding="utf-8")
        return oracle.findings(stack, accepted, handoffs)

    options = RunOptions(SEED, SUBMISSIONS, len(FAULTS), only=FAULTS, handoffs=20, durable=False)
    result = run(options, stack_folder / "hub", stack_folder, print, judge)
    assert result.green, table(result)
    assert result.accepted == SUBMISSIONS
    assert {record.fault.name for record in result.records} == set(FAULTS)
    assert missed == []


def test_the_same_seed_makes_the_same_plan() -> None:
    options = RunOptions(SEED, 150, 20)
    assert planned(options) == planned(options)
    assert planned(options) != planned(RunOptions(SEED + 1, 150, 20))
