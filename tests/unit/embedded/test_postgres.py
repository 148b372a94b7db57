"""The embedded PostgreSQL: what it survives, whom it lets in, and how its account passes folders closed to it."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest

from hub.embedded.postgres import postgres
from hub.embedded.process import CannotStart

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only as root is PostgreSQL given another account")

STARTER = """
import sys, time
from pathlib import Path
from hub.embedded.postgres import postgres
with postgres(Path(sys.argv[1])):
    print("up", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def closed(tmp_path: Path) -> Path:
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    return folder / "postgres"


def server_process(folder: Path) -> psutil.Process:
    """The PostgreSQL that runs in ``folder``."""
    return psutil.Process(int((folder / "data" / "postmaster.pid").read_text().splitlines()[0]))


def powers(process: psutil.Process) -> set[str]:
    """What it holds of root's powers, as setpriv(1) calls them."""
    [line] = [line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "CapEff" in line]
    names = {0: "chown", 1: "dac_override", 2: "dac_read_search"}
    held = int(line.split()[1], 16)
    return {names.get(bit, str(bit)) for bit in range(held.bit_length()) if held >> bit & 1}


@contextmanager
def started(folder: Path, *under: str) -> Iterator[psutil.Process]:
    """The PostgreSQL of a process that the command ``under`` runs; at the end that process is killed."""
    command = [*under, sys.executable, "-c", STARTER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as starter:
        try:
            assert starter.stdout is not None
            assert starter.stdout.readline() == "up\n"
            yield server_process(folder)
        finally:
            starter.kill()


def test_it_recovers_from_a_kill_and_from_somebody_elses_process_number(tmp_path: Path) -> None:
    with postgres(tmp_path) as url:
        with psycopg.connect(url) as conn:
            conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        server_process(tmp_path).kill()
    pid_file = tmp_path / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with postgres(tmp_path) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert conn.execute("SELECT current_setting('fsync')").fetchone() == ("on",)


def test_nobody_gets_in_without_the_password(server: str) -> None:
    head, _, tail = server.partition("@")
    with pytest.raises(psycopg.OperationalError, match="authentication failed"):
        psycopg.connect(f"{head.rpartition(':')[0]}:wrong@{tail}")


def test_two_servers_never_share_one_data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.embedded.postgres._LEFT_WITHIN", 0.2)
    with postgres(tmp_path), pytest.raises(CannotStart, match="another PostgreSQL"), postgres(tmp_path):
        pytest.fail("a second server started")


@as_root
def test_it_runs_behind_a_folder_that_is_closed_to_its_account(closed: Path) -> None:
    with postgres(closed) as url, psycopg.connect(url):
        assert server_process(closed).username() == "nobody"
        assert powers(server_process(closed)) == {"dac_read_search"}, "to read and pass folders, and nothing else"


@as_root
@pytest.mark.skipif(shutil.which("setpriv") is None, reason="setpriv is not here, so a container was not played")
def test_it_does_so_where_root_has_no_more_powers_than_in_a_container(closed: Path) -> None:
    few = "-all,+chown,+dac_override,+fowner,+kill,+setgid,+setuid,+setpcap"
    with started(closed, "setpriv", f"--bounding-set={few}") as running:
        assert powers(running) == {"dac_override"}
    running.wait(30)


@as_root
def test_it_ends_with_a_starter_that_is_killed(closed: Path) -> None:
    with started(closed) as running:
        pass
    running.wait(30)
