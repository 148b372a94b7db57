"""A portal that means it: sends submissions with one key each, again and again until it has its 202."""

import time
from collections.abc import Iterator
from itertools import count

import requests

from tests.builders import a_code, a_submission
from tests.stack import ProcessStack

_serials: Iterator[int] = count(1)
_AGENCIES = 80


def a_load(running: ProcessStack, department: str, many: int) -> dict[str, tuple[str, str]]:
    """``many`` submissions accepted: submission id → (dossier code, department)."""
    return dict(submit_until_accepted(running, department) for _ in range(many))


def submit_until_accepted(
    running: ProcessStack, department: str, *, seconds: float = 300
) -> tuple[str, tuple[str, str]]:
    """One submission, sent with the same key until the API has answered 202."""
    number = next(_serials)
    # Ordinary dossiers: the serial stays below the sandbox's magic ones, the agency grows instead.
    code = a_code(number % 9000 + 1, agency=f"000.00.{11 + number // 9000 % _AGENCIES}.H42")
    submission = a_submission(department, dossier_code=code)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            answer = running.portal.submit(submission)
            if answer.status_code == 202:
                return answer.json()["id"], (code, department)
        except requests.RequestException:
            pass  # The API is down: that is what this test is about.
        time.sleep(0.1)
    raise AssertionError(f"no 202 within {seconds:.0f} s")
