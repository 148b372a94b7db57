"""A program that is started again whenever it ends."""

import time
from collections.abc import Callable
from typing import Final

from hub.embedded.process import CannotStart, Process, Program

PAUSES: Final = (0.5, 1.0, 2.0, 5.0, 15.0, 30.0)
"""seconds before a program that ended is started again, by how often it has ended in a row"""
STEADY: Final = 60.0
"""seconds that a program must run for its earlier ends to be forgotten"""


class RestartingProcess:
    """A program that is started again whenever it ends, after growing pauses."""

    def __init__(self, program: Program, say: Callable[[str], None], prepare: Callable[[], None] | None = None) -> None:
        self.program = program
        self._say = say
        self._prepare = prepare
        self._ends = 0
        self._due = 0.0
        self.process: Process | None = None

    def start(self) -> Process:
        """Raises CannotStart."""
        if self._prepare:
            self._prepare()
        self.process = Process(self.program)
        return self.process

    def look_after(self) -> None:
        """Notice an end; start again when it is time."""
        if self.process is not None:
            code = self.process.exit_code()
            if code is None:
                return
            self._ended(self.process, code)
        if time.monotonic() >= self._due:
            try:
                self.start()
            except (CannotStart, OSError) as error:
                self._put_off(str(error))

    def _ended(self, process: Process, code: int) -> None:
        process.kill_leftovers()
        self.process = None
        if time.monotonic() - process.started_at > STEADY:
            self._ends = 0
        self._put_off(f"{self.program.name} ended ({_how(code)})")

    def _put_off(self, why: str) -> None:
        pause = PAUSES[min(self._ends, len(PAUSES) - 1)]
        self._ends += 1
        self._due = time.monotonic() + pause
        self._say(f"{why}; starting it again in {pause:g} s")


def _how(code: int) -> str:
    return f"signal {-code}" if code < 0 else f"exit code {code}"
