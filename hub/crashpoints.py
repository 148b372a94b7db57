"""Crash points: places where a test may kill the process, to prove that nothing is lost or doubled.

``HUB_CRASH_AT=<name>`` and ``HUB_CRASH_TOKEN=<path>``: the process that removes the token file kills itself by SIGKILL.
Without both variables a point costs a comparison.
"""

import os
import signal
from enum import StrEnum
from pathlib import Path


class Point(StrEnum):
    """Every point, in the order in which a submission passes them."""

    ACCEPT_BEFORE_COMMIT = "accept.before-commit"
    ACCEPT_AFTER_COMMIT = "accept.after-commit"
    WAKEUP_BEFORE_MARK = "wakeup.before-mark"
    HANDLE_BEFORE_COMMIT = "handle.before-commit"
    HANDLE_AFTER_COMMIT = "handle.after-commit"
    CLAIM_BEFORE_COMMIT = "claim.before-commit"
    CLAIM_AFTER_COMMIT = "claim.after-commit"
    SEND_AFTER_BYTES = "send.after-bytes"
    SEND_AFTER_ANSWER = "send.after-answer"
    SETTLE_BEFORE_COMMIT = "settle.before-commit"
    SETTLE_AFTER_COMMIT = "settle.after-commit"


_at = os.environ.get("HUB_CRASH_AT")
_token = os.environ.get("HUB_CRASH_TOKEN")


def reached(point: Point) -> None:
    """Kill this process if a test asked for that and no other process was killed yet."""
    if _at == point and _token is not None:
        try:
            Path(_token).unlink()
        except FileNotFoundError:
            return
        os.kill(os.getpid(), signal.SIGKILL)
