"""The embedded stack as its user has it: `hub up`, things that die, `hub down`, and what is left afterwards."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from hub.cli.exits import ExitCode
from tests.journeys.checkout import Checkout, page, status, wait_for

pytestmark = pytest.mark.faults


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
    assert again.returncode == ExitCode.REFUSED
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
    wait_for(lambda: not checkout.processes())
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
    wait_for(lambda: not checkout.processes())
    assert checkout.place.running() is None
    checkout.up()
    assert checkout.hub("db", "check").returncode == 0


def test_two_folders_side_by_side_know_nothing_of_one_another(checkouts: Callable[[], Checkout]) -> None:
    first, second = checkouts(), checkouts()
    one, other = first.up(), second.up()
    assert one["api"] != other["api"]
    first.down()
    wait_for(lambda: not first.processes())
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
        wait_for(lambda: checkout.place.running() or running.poll() is not None)
        running.send_signal(signal.SIGINT)
        out, complaints = running.communicate(timeout=300)
    assert running.returncode == ExitCode.INTERRUPTED, complaints
    assert "API" in out
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
    assert done.returncode == ExitCode.USAGE
    assert "portal.toml" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not checkout.processes()
