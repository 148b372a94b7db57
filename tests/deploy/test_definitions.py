"""RabbitMQ's definitions: as the hub declares its queues, and fresh."""

import json
import subprocess
import sys
from pathlib import Path

from config.catalogue import Catalogue
from deploy.rabbitmq import definitions
from hub import broker

SCRIPT = Path(definitions.__file__)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(SCRIPT), *words], capture_output=True, text=True, check=False)


def test_the_committed_definitions_are_those_of_the_shipped_catalogue() -> None:
    committed = SCRIPT.with_name("definitions.json").read_text(encoding="utf-8")
    assert committed == definitions.shipped(), "run: deploy/rabbitmq/definitions.py > deploy/rabbitmq/definitions.json"


def test_every_queue_is_bound_and_ends_in_the_dead_queue(catalogue: Catalogue) -> None:
    broker_definitions = definitions.definitions(catalogue, {})
    queues = {queue["name"]: queue["arguments"] for queue in broker_definitions["queues"]}
    assert set(queues) == {*broker.queue_names(catalogue), broker.DEAD}
    assert {
        (bound["destination"], bound["routing_key"])
        for bound in broker_definitions["bindings"]
        if bound["source"] == "hub"
    } == {(name, name) for name in broker.queue_names(catalogue)}
    assert all(arguments["x-queue-type"] == "quorum" for arguments in queues.values())


def test_passwords_come_from_files_and_leave_as_salted_hashes(tmp_path: Path) -> None:
    for role in definitions.ROLES:
        (tmp_path / role).write_text(f"the password of {role}\n")
    completed = run("--passwords", str(tmp_path))
    assert "the password of" not in completed.stdout
    hashes = [user["password_hash"] for user in json.loads(completed.stdout)["users"]]
    assert len(set(hashes)) == len(definitions.ROLES)
    assert hashes != [user["password_hash"] for user in json.loads(run("--passwords", str(tmp_path)).stdout)["users"]]


def test_a_short_password_stops_the_script_with_the_name_of_its_file(tmp_path: Path) -> None:
    for role in definitions.ROLES:
        (tmp_path / role).write_text("the password of all" if role != "beat" else "short")
    completed = run("--passwords", str(tmp_path))
    assert completed.returncode == 1
    assert completed.stdout == ""
    assert str(tmp_path / "beat") in completed.stderr
