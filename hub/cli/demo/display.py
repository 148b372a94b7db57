"""The live view of the demo: bars on a terminal, a plain line every few seconds elsewhere. On stderr, all of it."""

import sys
import time
from dataclasses import asdict, dataclass
from typing import Final, Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from hub.cli.output import say

LINE_EVERY: Final = 5.0
"""seconds"""


@dataclass(frozen=True, slots=True)
class Counts:
    """Where the submissions are."""

    submitted: int
    delivered: int
    """by the departments' own files"""
    acknowledged: int
    """the hub has the department's receipt"""
    resolved: int
    waiting: int
    """something is still to be sent about them"""
    failed: int
    """what waits for a person"""


LABELS: Final = {
    "submitted": "đã nộp",
    "delivered": "đã đến sở",
    "acknowledged": "sở đã xác nhận",
    "resolved": "đã có kết quả",
    "waiting": "đang chờ",
    "failed": "cần người xử lý",
}


class Display(Protocol):
    """Shows counts as they come, and what the fees wait for."""

    def show(self, counts: Counts, fees_wait_for: str) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_: object) -> None: ...


def display(total: int) -> Display:
    """Bars if somebody watches, else lines."""
    return Bars(total) if sys.stderr.isatty() else ProgressLines(total)


class ProgressLines:
    """A line every few seconds, for logs."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._started = time.monotonic()
        self._next = 0.0

    def show(self, counts: Counts, fees_wait_for: str) -> None:
        elapsed = time.monotonic() - self._started
        if elapsed >= self._next:
            self._next = elapsed + LINE_EVERY
            said = " · ".join(f"{LABELS[name]} {number}" for name, number in asdict(counts).items())
            fees = f" · phí chờ: {fees_wait_for}" if fees_wait_for else ""
            say(f"{elapsed:4.0f} s  {self._total} hồ sơ: {said}{fees}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None: ...


class Bars:
    """A bar for each stage."""

    def __init__(self, total: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(bar_width=48),
            MofNCompleteColumn(),
            console=Console(stderr=True),
        )
        self._tasks: dict[str, TaskID] = {
            name: self._progress.add_task(label, total=total) for name, label in LABELS.items()
        }
        self._fees = self._progress.add_task("", total=None, visible=False)

    def show(self, counts: Counts, fees_wait_for: str) -> None:
        for name, number in asdict(counts).items():
            self._progress.update(self._tasks[name], completed=number)
        self._progress.update(self._fees, description=f"phí chờ: {fees_wait_for}", visible=bool(fees_wait_for))

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()
