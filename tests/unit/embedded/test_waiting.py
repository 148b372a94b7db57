"""Waiting: as long as something moves, and no longer."""

import itertools
import sys
import time
from pathlib import Path

import pytest

from hub.embedded import process as process_module
from hub.embedded import waiting
from hub.embedded.process import CannotStart, Process, Program
from hub.embedded.waiting import NothingMoves, Patience, wait_for

STILL = 0.3


@pytest.fixture(autouse=True)
def _asked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "_ASK_EVERY", 0.0)


def test_what_moves_is_waited_for_however_long_it_takes() -> None:
    looks = itertools.count()
    assert wait_for("it", lambda: next(looks) > 50, moves=lambda: next(looks), still=STILL, pause=0.02)
    assert next(looks) > 50, "that took three times as long as it might stand still"


def test_what_stands_still_is_given_up_and_named() -> None:
    with pytest.raises(NothingMoves, match="waited for the statement, and nothing has moved"):
        wait_for("the statement", lambda: False, moves=lambda: 1, still=STILL, pause=0.02)


def test_one_that_moves_is_enough_for_all() -> None:
    patience, numbers = Patience(STILL), itertools.count()
    for _ in range(30):
        patience.observe("still", "fees")
        patience.observe(next(numbers), "dossiers")
        assert not patience.over


def test_a_look_that_comes_late_is_not_held_against_who_works(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine was asleep, or so busy that nobody looked: that is no minute in which nothing moved."""
    moment = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: moment)
    patience = Patience(60)
    patience.observe("still")
    moment = 3600.0
    patience.observe("still")
    assert not patience.over


@pytest.mark.parametrize(("code", "ready"), [("while True: pass", True), ("import time; time.sleep(600)", False)])
def test_a_program_that_works_is_waited_for_and_one_that_sleeps_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, *, ready: bool
) -> None:
    """A tenth of a second of work is seen, so that both take some seconds and no more."""
    monkeypatch.setattr(process_module, "_WORK_UNIT", 0.1)
    monkeypatch.setattr(process_module, "_WORK_SEEN_EVERY", 2)
    process = Process(Program("trial", (sys.executable, "-c", code), tmp_path / "log"))
    looks = itertools.count()
    try:
        if ready:
            process.wait_until(lambda: next(looks) > 70, still=3.0)
        else:
            with pytest.raises(CannotStart, match="has done nothing"):
                process.wait_until(lambda: False, still=3.0)
    finally:
        process.stop()
