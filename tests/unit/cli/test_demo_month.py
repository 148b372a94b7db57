"""The rehearsed end of a month: who pays in it, and what becomes of a command that fails."""

from datetime import date
from pathlib import Path
from typing import Any, cast

import pytest

from config.catalogue import load
from config.settings import PACKAGED
from hub.cli.demo.month import MonthRehearsal, StepFailed
from hub.clock import now
from tests.catalogue_secrets import generated


@pytest.fixture
def month(tmp_path: Path) -> MonthRehearsal:
    nobody = cast("Any", None)
    return MonthRehearsal(
        nobody, nobody, nobody, load(PACKAGED, generated(PACKAGED).hub), tmp_path, now(), date(2026, 2, 28)
    )


def test_something_is_paid_for_every_department_and_nothing_waits_for_a_postman(month: MonthRehearsal) -> None:
    payers = month.payers()
    assert {trial.department for trial in payers} == set(month.catalogue.departments)
    assert {trial.submission.result.method for trial in payers} <= {"counter", "electronic"}
    assert {trial.behaviour.suffix for trial in payers} == {""}, "all of them go well"


def test_all_is_paid_in_the_month(month: MonthRehearsal) -> None:
    assert {f"{day:%Y-%m}" for day in month.days} == {"2026-02"} == {month.name}
    assert month.days[-1] == month.last


def test_a_command_that_fails_ends_the_rehearsal_with_its_own_words(month: MonthRehearsal) -> None:
    package = month.folder / "package.zip"
    package.touch()
    with pytest.raises(StepFailed, match=r"--offline: mã thoát 2: .*--trust"):
        month.hub("fee", "verify", str(package), "--offline")
