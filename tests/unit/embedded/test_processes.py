"""Programs under a supervisor: tethered, logged, started again, stopped with patience that has an end."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hub.embedded.ports import LOOPBACK, free_port
from hub.embedded.process import CannotStart, Process, Program, last_line
from hub.embedded.stack_folder import AlreadyRunning, StackFolder
from hub.embedded.supervisor import PAUSES, RestartingProcess


def program(tmp_path: Path, code: str, **changes: object) -> Program:
    fields = {"name": "trial", "command": (sys.executable, "-c", code), "log": tmp_path / "log" / "trial.log"}
    return Program(**{**fields, **changes})  # type: ignore[arg-type] # the test's own words


def wait_for(what: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_what_a_program_says_stands_in_its_log(tmp_path: Path) -> None:
    process = Process(program(tmp_path, "print('said'); raise SystemExit(3)"))
    wait_for(lambda: process.exit_code() is not None)
    process.stop()
    assert process.exit_code() == 3
    assert last_line(tmp_path / "log" / "trial.log") == "said"


def test_a_program_that_ends_at_once_is_reported_with_its_last_word(tmp_path: Path) -> None:
    process = Process(program(tmp_path, "raise SystemExit('no such catalogue')"))
    with pytest.raises(CannotStart, match="no such catalogue"):
        process.wait_until(lambda: False)
    process.stop()


def test_a_program_that_ignores_the_stop_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    )
    process = Process(program(tmp_path, deaf, grace=0.3))
    wait_for(lambda: last_line(tmp_path / "log" / "trial.log") == "deaf")
    process.stop()
    assert process.exit_code() == -signal.SIGKILL


def test_what_a_program_leaves_in_its_session_is_killed_with_it(tmp_path: Path) -> None:
    parent = (
        "import subprocess, sys; "
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']); print(child.pid, flush=True)"
    )
    process = Process(program(tmp_path, parent))
    wait_for(lambda: process.exit_code() is not None)
    left_behind = psutil.Process(int(last_line(tmp_path / "log" / "trial.log")))
    process.stop()
    wait_for(lambda: not left_behind.is_running() or left_behind.status() == psutil.STATUS_ZOMBIE)


def test_a_program_dies_with_a_starter_that_is_killed(tmp_path: Path) -> None:
    starter = f"""
import sys, time
from pathlib import Path
from hub.embedded.process import Process, Program
command = (sys.executable, "-c", "import time; time.sleep(60)")
process = Process(Program("trial", command, Path({str(tmp_path)!r}) / "log"))
print(process.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        tethered = psutil.Process(int(running.stdout.readline()))
        running.kill()
    wait_for(lambda: not tethered.is_running() or tethered.status() == psutil.STATUS_ZOMBIE)


def test_a_program_that_ended_is_started_again_after_a_pause(tmp_path: Path) -> None:
    notices: list[str] = []
    restarting = RestartingProcess(program(tmp_path, "import time; time.sleep(60)"), notices.append)
    first = restarting.start()
    os.kill(first.pid, signal.SIGKILL)
    wait_for(lambda: first.exit_code() is not None)
    restarting.poll()
    assert restarting.process is None
    assert notices == [f"trial ended (signal 9); starting it again in {PAUSES[0]:g} s"]
    time.sleep(PAUSES[0])
    restarting.poll()
    assert restarting.process is not None
    assert restarting.process.pid != first.pid
    restarting.process.stop()


def test_a_remembered_port_is_taken_again_only_if_it_is_free() -> None:
    with socket.create_server((LOOPBACK, 0)) as server:
        taken = server.getsockname()[1]
        assert free_port(taken) != taken
    free = free_port()
    assert free_port(free) == free
    assert free_port(free, taken=[free]) != free


def test_one_folder_has_one_supervisor(tmp_path: Path) -> None:
    place = StackFolder(tmp_path / "var")
    assert place.supervisor() is None
    with place.held():
        assert StackFolder(tmp_path / "var").supervisor() == os.getpid()
        with pytest.raises(AlreadyRunning), StackFolder(tmp_path / "var").held():
            pytest.fail("two supervisors in one folder")
    assert place.supervisor() is None
