"""The embedded stack as its user has it: `hub up`, things that die, `hub down`, and what is left afterwards."""

import base64
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil
import psycopg
import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from hub.cli.exits import Code
from hub.embedded.place import Place
from hub.embedded.postgres import postgres
from hub.embedded.process import CannotStart
from hub.embedded.valkey import valkey

pytestmark = pytest.mark.faults


class Checkout:
    """A folder in which somebody works with ``hub``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.place = Place(folder / "var")

    def hub(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "hub.cli", *words],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], "HUB_LOG_LEVEL": "WARNING"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def up(self, *words: str) -> dict[str, Any]:
        done = self.hub("up", "--detach", "--json", "--workers", "1", *words)
        assert done.returncode == 0, done.stderr + self.logs()
        shown: dict[str, Any] = json.loads(done.stdout)
        return shown

    def down(self) -> None:
        done = self.hub("down")
        assert done.returncode == 0, done.stderr + self.logs()

    def processes(self) -> dict[int, str]:
        """What runs for this folder: process id → command line."""
        found = {}
        for process in psutil.process_iter():
            try:
                words = process.cmdline()
                mine = process.cwd().startswith(str(self.folder)) or any(str(self.folder) in word for word in words)
                if mine and process.status() != psutil.STATUS_ZOMBIE and process.pid != os.getpid():
                    found[process.pid] = " ".join(words)
            except psutil.Error:
                continue
        return found

    def running(self, *words: str) -> list[int]:
        """The processes whose command line has these words."""
        wanted = " ".join(words)
        return [pid for pid, line in self.processes().items() if wanted in line]

    def logs(self) -> str:
        """The end of every log: for the message of a test that failed."""
        return "".join(
            f"\n== {log.name}\n{log.read_text(errors='replace')[-1500:]}"
            for log in sorted((self.folder / "var" / "log").glob("*.log"))
        )


@pytest.fixture
def checkouts() -> Iterator[Callable[[], Checkout]]:
    """Folders that PostgreSQL's account can reach; whatever still runs in them at the end is stopped."""
    made: list[Checkout] = []

    def make() -> Checkout:
        folder = Path(tempfile.mkdtemp(prefix="hub-checkout-"))
        folder.chmod(0o755)
        made.append(Checkout(folder))
        return made[-1]

    yield make
    for one in made:
        one.hub("down")
        for pid in one.processes():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(one.folder, ignore_errors=True)


@pytest.fixture
def checkout(checkouts: Callable[[], Checkout]) -> Checkout:
    return checkouts()


def wait_for(what: Callable[[], Any], *, seconds: float = 60) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        found = what()
        if found:
            return found
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def status(url: str, login: str = "", method: str = "GET") -> int:
    """The HTTP status; 0 while nobody answers."""
    try:
        with urlopen(_request(url, login, method), timeout=10) as response:  # noqa: S310 - an address of ours
            return int(response.status)
    except HTTPError as error:
        return error.code
    except OSError:
        return 0


def page(url: str, login: str) -> str:
    with urlopen(_request(url, login, "GET"), timeout=10) as response:  # noqa: S310 - an address of ours
        return str(response.read().decode())


def _request(url: str, login: str, method: str) -> Request:
    headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode()} if login else {}
    return Request(url, headers=headers, method=method)  # noqa: S310 - an address of ours


def test_a_day_in_the_life_of_a_stack(checkout: Checkout) -> None:
    """One start, because a start costs seconds: what answers, what is started again, and what a second start keeps."""
    first = checkout.up("--sandbox")
    assert status(f"{first['api']}/health/ready") == 200
    assert status(first["docs"]) == 200
    assert set(first["partners"]) >= {"department.so-tu-phap", "department.so-xay-dung", "portal.cong-dvc"}
    assert status(first["flower"]) == 401
    assert status(f"{first['flower']}/api/workers") == 401
    login = f"{first['flower_user']}:{first['flower_password']}"
    assert status(first["flower"], login) == 200
    wait_for(lambda: "outbox.department.so-tu-phap" in page(f"{first['flower']}/broker", login))
    assert status(f"{first['flower']}/api/worker/shutdown/worker-1", login, method="POST") == 403
    secrets = first["flower_password"]
    assert secrets not in "".join(checkout.processes().values()), "a password stands in a command line"
    assert secrets not in checkout.logs()

    again = checkout.hub("up")
    assert again.returncode == Code.REFUSED
    assert "already" in again.stderr
    assert checkout.hub("doctor").returncode == 0
    assert checkout.hub("partner", "test", "department.so-tu-phap").returncode == 0

    for part in ("worker", "beat", "api", "sandbox", "flower"):
        is_started_again(checkout, "hub.cli", part)
    is_started_again(checkout, "valkey-server")
    is_started_again(checkout, "pginstall/bin/postgres")
    wait_for(lambda: status(f"{first['api']}/health/ready") == 200)
    assert checkout.hub("partner", "pause", "department.so-tu-phap", "--reason", "thử", "--yes").returncode == 0

    checkout.down()
    wait_for(lambda: not checkout.processes(), seconds=10)
    second = checkout.up("--sandbox")
    assert second == first, "addresses and secrets are kept"
    partners = json.loads(checkout.hub("partner", "list", "--json").stdout)["data"]
    assert {row["code"]: row["state"] for row in partners}["department.so-tu-phap"] == "paused", "state is kept"


def is_started_again(checkout: Checkout, *words: str) -> None:
    before = set(wait_for(lambda: checkout.running(*words)))
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    after = wait_for(lambda: set(checkout.running(*words)) - before)
    assert after


def test_a_supervisor_that_is_killed_leaves_nothing_and_its_data_survive(checkout: Checkout) -> None:
    checkout.up("--sandbox")
    assert len(checkout.processes()) > 6
    supervisor = checkout.place.supervisor()
    assert supervisor is not None
    os.kill(supervisor, signal.SIGKILL)
    wait_for(lambda: not checkout.processes(), seconds=30)
    assert checkout.place.running() is None
    checkout.up()
    assert checkout.hub("db", "check").returncode == 0


def test_two_folders_side_by_side_know_nothing_of_one_another(checkouts: Callable[[], Checkout]) -> None:
    here, there = checkouts(), checkouts()
    one, other = here.up(), there.up()
    assert one["api"] != other["api"]
    here.down()
    wait_for(lambda: not here.processes(), seconds=10)
    assert status(f"{other['api']}/health/ready") == 200


def test_ctrl_c_stops_everything_and_is_exit_130(checkout: Checkout) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "hub.cli", "up", "--workers", "1"],
        cwd=checkout.folder,
        env={"PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        wait_for(lambda: checkout.place.running() or running.poll() is not None, seconds=120)
        running.send_signal(signal.SIGINT)
        said, complaints = running.communicate(timeout=60)
    assert running.returncode == Code.INTERRUPTED, complaints
    assert "API" in said
    assert not checkout.processes()


def test_a_catalogue_that_cannot_be_used_is_one_line_and_starts_nothing(checkout: Checkout) -> None:
    catalogue = checkout.folder / "catalogue"
    catalogue.mkdir()
    done = subprocess.run(
        [sys.executable, "-m", "hub.cli", "up"],
        cwd=checkout.folder,
        env={"PATH": os.environ["PATH"], "HUB_CATALOGUE": str(catalogue)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == Code.USAGE
    assert "portal.toml" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not checkout.processes()


def test_postgres_recovers_from_a_kill_and_from_somebody_elses_process_number(checkout: Checkout) -> None:
    folder = checkout.folder / "postgres"
    with postgres(folder) as url:
        with psycopg.connect(url) as conn:
            conn.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        for pid in checkout.running("pginstall/bin/postgres"):
            os.kill(pid, signal.SIGKILL)
    pid_file = folder / "data" / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]) + "\n")
    with postgres(folder) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT answer FROM kept").fetchone() == (42,)
        assert conn.execute("SELECT current_setting('fsync')").fetchone() == ("on",)


def test_nobody_gets_in_without_the_password(checkout: Checkout) -> None:
    with postgres(checkout.folder / "postgres") as url:
        head, _, tail = url.partition("@")
        wrong = head.rpartition(":")[0] + ":wrong@" + tail
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(wrong)
    with valkey(checkout.folder / "valkey") as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        with Redis(port=port) as anybody, pytest.raises(AuthenticationError):
            anybody.ping()


def test_two_servers_never_share_one_data_folder(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hub.embedded.postgres._LEFT_WITHIN", 0.2)
    with (
        postgres(checkout.folder / "postgres"),
        pytest.raises(CannotStart, match="another PostgreSQL"),
        postgres(checkout.folder / "postgres"),
    ):
        pytest.fail("a second server started")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to change to another account")
def test_as_root_a_folder_that_is_closed_to_others_is_named_with_its_mend(checkout: Checkout) -> None:
    closed = checkout.folder / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(CannotStart, match=f"chmod o\\+x {closed}"), postgres(closed / "postgres"):
        pytest.fail("it started all the same")
