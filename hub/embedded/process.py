"""Child processes: each in a session of its own, ended by the kernel when we die, with its output in a log file."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import BinaryIO, Final

import psutil

from hub.embedded import child_exec
from hub.embedded.waiting import STILL, Patience
from hub.errors import HubError

LOG_LIMIT: Final = 10_000_000
"""bytes after which a log is renamed to ``<name>.log.1`` at the next start"""
_PAUSE: Final = 0.05
_WORK_SEEN_EVERY: Final = 20
"""polls between two looks at processor time, for which the whole system's processes are listed"""
_WORK_UNIT: Final = 1.0
"""seconds of processor time that count as work; whole ones, because waiting costs some too"""


class CannotStart(HubError):
    """A program of the embedded stack cannot be started; the message is one line for a person."""


@dataclass(frozen=True, slots=True)
class Program:
    """A command to run, and how to end it."""

    name: str
    command: tuple[str, ...]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    """added to our own"""
    user: str = ""
    passage: bool = False
    """whether it has to pass folders that are closed to ``user``"""
    stop_signal: signal.Signals = signal.SIGTERM
    grace: float = 10.0
    """seconds between the stop signal and the kill"""
    orphan_signal: signal.Signals = signal.SIGKILL
    """sent by the kernel when we die without stopping it"""


class Process:
    """A started program. The kernel ends it when the thread that started it ends."""

    def __init__(self, program: Program) -> None:
        self.program = program
        program.log.parent.mkdir(parents=True, exist_ok=True)
        _rotate(program.log)
        with _private(program.log) as log:
            self._popen = subprocess.Popen(  # noqa: S603 - programs of the stack
                _command_of(program),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **program.environment},
                start_new_session=True,
            )
        self.started_at = time.monotonic()

    @property
    def pid(self) -> int:
        return self._popen.pid

    def exit_code(self) -> int | None:
        """Exit code (negative: the signal); None while it runs."""
        return self._popen.poll()

    def ask_to_stop(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._popen.send_signal(self.program.stop_signal)

    def end(self) -> None:
        """Wait for the program's grace, then kill it and whatever is left in its session."""
        try:
            self._popen.wait(self.program.grace)
        except subprocess.TimeoutExpired:
            self._popen.kill()
            self._popen.wait()
        self.kill_leftovers()

    def kill_leftovers(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._popen.pid, signal.SIGKILL)

    def stop(self) -> None:
        self.ask_to_stop()
        self.end()

    def wait_until(self, ready: Callable[[], bool], *, beside: "Sequence[Process]" = (), still: float = STILL) -> None:
        """Wait for ``ready``, as long as it works: it, or one of those ``beside`` it that work on its behalf.

        Raises CannotStart, with the last line of the log, if it ends, or does nothing for ``still`` seconds.
        """
        patience = Patience(still)
        for look in count():
            if ready():
                return
            code = self.exit_code()
            if code is not None:
                raise CannotStart(f"{self.program.name} ended at once ({code}): {last_line(self.program.log)}")
            if look % _WORK_SEEN_EVERY == 0:
                patience.observe([_worked(process.pid) for process in (self, *beside)])
            if patience.over:
                raise CannotStart(
                    f"{self.program.name} is not ready and has done nothing for {still:.0f} s;"
                    f" see {self.program.log}: {last_line(self.program.log)}"
                )
            time.sleep(_PAUSE)


def _private(log: Path) -> BinaryIO:
    """The log opened for appending, readable by us alone whoever created it."""
    file = os.fdopen(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")
    os.fchmod(file.fileno(), 0o600)
    return file


def last_line(log: Path) -> str:
    """The last line that is not empty, without what a screen should not get."""
    with contextlib.suppress(OSError):
        for line in reversed(log.read_bytes()[-8192:].decode("utf-8", "replace").splitlines()):
            if line.strip():
                return "".join(char for char in line.strip() if char.isprintable())[:300]
    return "its log is empty"


def _worked(pid: int) -> int:
    """Whole units of processor time of a process and its children."""
    spent = 0.0
    with contextlib.suppress(psutil.Error):
        head = psutil.Process(pid)
        for process in (head, *head.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                spent += times.user + times.system
    return int(spent / _WORK_UNIT)


def _command_of(program: Program) -> list[str]:
    # -I -S: nothing of the environment or of site-packages; it lives for some milliseconds.
    return [
        sys.executable, "-I", "-S", str(Path(child_exec.__file__).resolve()),
        str(int(program.orphan_signal)), str(os.getpid()), program.user, "passage" if program.passage else "",
        *program.command,
    ]  # fmt: skip


def _rotate(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT:
            log.replace(log.with_name(log.name + ".1"))
