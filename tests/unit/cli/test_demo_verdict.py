"""What the demo says where something does not hold: one sentence first, with the cause that the facts name."""

from dataclasses import replace
from typing import Any

import pytest

from hub.cli.demo import command, course
from hub.clock import now

LEG = course.SubmissionProgress("r", "sub_1", now(), "handled", "in_process", "so-a", "delivered", now(), 1)
OWED = course.OpenTransfer("tr_1", "department.so-a", "retrying", "UNREACHABLE", 3, failures=0)
PARCEL = course.Parcel("cs_1", "code", "result_to_citizen", "in_transit", [], "sub_1")
COURSE = course.Course({"r": LEG}, owed=[OWED], handed=[], parcels=[], unhandled=0, dead=0)


@pytest.mark.parametrize(
    ("changes", "cause", "command"),
    [
        ({"dead": 2}, "2 tin cần người xử lý", "hub inbox list"),
        ({"owed": [replace(OWED, state="stuck")]}, "bị kẹt (UNREACHABLE)", "hub transfer list --state stuck"),
        ({"owed": [replace(OWED, failures=9)]}, "department.so-a không trả lời", "hub partner test department.so-a"),
        ({"owed": [replace(OWED, state="queued")]}, "worker", "hub doctor"),
        ({"unhandled": 4}, "worker", "hub doctor"),
        ({"owed": [], "parcels": [PARCEL]}, "bưu điện", "hub consignment attention"),
        ({"owed": []}, "không báo kết quả", "hub partner list"),
    ],
)
def test_what_stands_still_is_one_sentence_with_its_cause(changes: dict[str, Any], cause: str, command: str) -> None:
    [sentence] = course.unfinished(replace(COURSE, **changes), 3, 60, "").lines
    assert "3/3 hồ sơ chưa xong" in sentence
    assert cause in sentence
    assert sentence.endswith(command)


def test_many_findings_are_a_number_and_some_examples() -> None:
    first, *examples = course.unproved([f"H{number}: gone" for number in range(391)], 200).lines
    assert "391 điều" in first
    assert len(examples) == course.EXAMPLES + 1
    assert "388 điều nữa" in examples[-1]


def test_vain_attempts_at_somebody_who_is_down_are_no_movement() -> None:
    down = replace(COURSE, owed=[replace(OWED, failures=course.DOWN_AFTER)])
    assert replace(down, owed=[replace(down.owed[0], attempts=99)]).moved == down.moved
    assert replace(COURSE, owed=[replace(OWED, attempts=4)]).moved != COURSE.moved
    assert replace(COURSE, legs={"r": replace(LEG, status="resolved")}).moved != COURSE.moved


def test_a_slow_machine_gets_fewer_submissions_and_an_honest_time() -> None:
    assert command.fitting(2.0) >= command.MOST
    assert command.fitting(0.5) < command.fitting(0.7)
    assert command.takes(200, 0.5) > command.takes(200, 1.0) > command.takes(30, 1.0)
    assert command.takes(200, 2.0) == command.takes(200, 64.0), "the demo is a chain"


def test_what_is_asked_for_is_done_however_slow_the_machine_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "measured", lambda: 0.1)
    assert command.planned(400).count == 400
    assert command.planned(None).count == command.FEWEST
    monkeypatch.setattr(command, "measured", lambda: 9.0)
    assert command.planned(None).count == command.MOST
