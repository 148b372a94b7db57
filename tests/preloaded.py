"""Processes of the hub that are forked from one which has imported it, because a start costs a second of imports.

They are processes like those that ``python -m hub.cli`` starts: a session, an environment and a log of their own, and
the kernel ends them when the test's process dies.
"""

import atexit
import ctypes
import importlib
import multiprocessing
import os
import runpy
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hub import crashpoints
from hub.embedded.child_exec import PR_SET_PDEATHSIG
from hub.embedded.process import Process, Program

_IMPORTED: Final = [
    "hub.cli.main",
    "hub.cli.processes",
    "hub.http.serve",
    "hub.http.app",
    "hub.worker.app",
    "hub.worker.beat",
    "connectors.registry",
    "connectors.sandbox.counterparties",
    "tests.preloaded",
]
_SERVER: Final = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(_IMPORTED)


class PreloadedProcess(Process):
    """``python -m MODULE …``, forked."""

    def __init__(self, program: Program) -> None:
        python, dash_m, module, *arguments = program.command
        assert (python, dash_m) == (sys.executable, "-m")
        program.log.parent.mkdir(parents=True, exist_ok=True)
        self.program = program
        self._popen = _Forked(module, arguments, {**os.environ, **program.environment}, program.log)  # type: ignore[assignment]
        self.started_at = time.monotonic()


class _Forked:
    """What ``Process`` needs of a subprocess.Popen."""

    def __init__(self, module: str, arguments: list[str], environment: Mapping[str, str], log: Path) -> None:
        self._process = _SERVER.Process(target=_run, args=(module, arguments, dict(environment), log))
        self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired("a forked process", timeout or 0)
        return self._process.exitcode

    def send_signal(self, signal_number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal_number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def _run(module: str, arguments: list[str], environment: dict[str, str], log: Path) -> None:
    """In the new process."""
    os.setsid()
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.clear()
    os.environ.update(environment)
    importlib.reload(crashpoints)  # it has read the environment
    sys.argv = [module, *arguments]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        atexit._run_exitfuncs()
