"""A short run of the fault harness, the same in every suite: six faults over 150 submissions of all parties."""

from pathlib import Path

import pytest

from tests.faults.report import table
from tests.faults.run import RunOptions, planned, run

pytestmark = pytest.mark.faults

SEED = 20261130
FAULTS = (
    "worker-crash-point",
    "api-crash-point",
    "worker-frozen",
    "broker-emptied",
    "postgres-stopped-at-once",
    "department-cuts-after",
)


@pytest.mark.timeout(600)
def test_six_faults_lose_double_and_disorder_nothing(stack_folder: Path) -> None:
    options = RunOptions(SEED, 150, len(FAULTS), only=FAULTS, handoffs=50, durable=False)
    result = run(options, stack_folder / "hub", stack_folder, print)
    assert result.green, table(result)
    assert result.accepted == 150
    assert {record.fault.name for record in result.records} == set(FAULTS)


def test_the_same_seed_makes_the_same_plan() -> None:
    options = RunOptions(SEED, 150, 20)
    assert planned(options) == planned(options)
    assert planned(options) != planned(RunOptions(SEED + 1, 150, 20))
