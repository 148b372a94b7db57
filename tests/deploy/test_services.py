"""deploy/compose.yaml, deploy/systemd and deploy/etc: what they start, what it is told, and that nothing is missing."""

import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import requests
from ruamel.yaml import YAML
from typer.core import TyperGroup
from typer.main import get_command

from config.catalogue import CatalogueError, load
from config.settings import PACKAGED, Settings
from deploy.rabbitmq import definitions
from hub import app
from hub.broker import queue_names
from hub.cli.flower import FlowerSettings
from hub.cli.main import app as command_line
from hub.configuration import read_beat_settings, read_settings
from hub.embedded.ports import free_port
from hub.embedded.process import Process, Program
from hub.http import serve
from tests.catalogue_secrets import CATALOGUE, environment
from tests.deploy.installed import DEPLOY

ETC: Final = DEPLOY / "etc"
UNITS: Final = DEPLOY / "systemd"
PROCESSES: Final = ("api", "worker", "beat", "flower", "owner")
INSTALLED: Final = "/opt/lienthong-hub/venv/bin/hub"
HUB: Final = str(Path(sys.executable).with_name("hub"))
SHIPPED: Final = load(PACKAGED, definitions._AnySecret())


def compose() -> dict[str, Any]:
    services: dict[str, Any] = YAML(typ="safe").load(DEPLOY / "compose.yaml")["services"]
    return services


def variables(*names: str) -> dict[str, str]:
    """What the files of deploy/etc set, as systemd and compose read them: quoted values may run over lines."""
    assigned: dict[str, str] = {}
    for name in names:
        words = shlex.split((ETC / name).read_text(), comments=True)
        assigned |= dict(word.split("=", 1) for word in words)
    return assigned


def files_of(service: Mapping[str, Any]) -> list[str]:
    return [path.rpartition("/")[2] for path in service.get("env_file", [])]


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command line of the hub in compose and systemd, with where it stands."""
    for name, service in compose().items():
        if service["image"].startswith("lienthong-hub"):
            words = service.get("command") or shlex.split(service["entrypoint"][2])[2:]
            yield f"compose {name}", [word.replace("$$", "$") for word in words]
    for unit in sorted(UNITS.glob("*.service")):
        [line] = re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)
        program, *words = shlex.split(line)
        assert program == INSTALLED
        yield unit.name, words


def worker_files(where: str) -> set[str]:
    if where == "compose":
        return {file for service in compose().values() for file in files_of(service) if file.startswith("worker-")}
    instances = re.findall(r"hub-worker@(\w+)\.service", (UNITS / "hub.target").read_text())
    return {f"worker-{instance}.env" for instance in instances}


@pytest.mark.parametrize("where", ["compose", "systemd"])
def test_every_queue_of_the_shipped_catalogue_is_consumed_once(where: str) -> None:
    consumed = [
        word
        for file in worker_files(where)
        for word in variables(file)["HUB_WORKER_OPTIONS"].split()
        if not word.startswith("--") and not word.isdecimal()
    ]
    assert sorted(consumed) == sorted(queue_names(SHIPPED))


def test_every_command_line_is_one_that_hub_has() -> None:
    hub = get_command(command_line)
    assert isinstance(hub, TyperGroup)
    for where, words in commands():
        options = variables("worker-outbox.env")["HUB_WORKER_OPTIONS"].split()
        spread = [part for word in words for part in (options if word == "$HUB_WORKER_OPTIONS" else [word])]
        name, *rest = [word.replace("%i", "outbox") for word in spread]
        with hub.make_context("hub", [name, *rest], resilient_parsing=True) as context:
            command = hub.get_command(context, name)
            assert command is not None, where
            command.make_context(name, rest).close()  # raises UsageError


def test_every_process_is_in_both() -> None:
    started = {"compose": set[str](), "systemd": set[str]()}
    for where, (first, *_) in commands():
        started["compose" if where.startswith("compose") else "systemd"].add(first)
    assert started["compose"] == started["systemd"] == {"api", "worker", "beat", "flower", "db"}


def test_compose_is_valid_against_the_public_schema() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run([*command, str(DEPLOY / "compose.yaml")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_long_running_container_says_how_it_is_and_only_nginx_is_reachable() -> None:
    services = compose()
    once = {"upgrade", "grants"}
    assert {name for name, service in services.items() if "healthcheck" not in service} == once
    assert {name for name, service in services.items() if service["restart"] == "no"} == once
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    for service in services.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith("./") or (DEPLOY / source).exists(), source


@pytest.mark.parametrize("process", PROCESSES)
def test_the_settings_of_each_process_are_complete(process: str, monkeypatch: pytest.MonkeyPatch) -> None:
    names = variables("hub.env", *(() if process == "beat" else ("secrets.env",)), f"{process}.env")
    for name, value in names.items():
        monkeypatch.setenv(name, value or "filled in by the operator")
    if process == "flower":
        assert FlowerSettings().flower_user == "operator"
        return
    if process == "beat":
        assert not read_beat_settings().broker_declares
        return
    settings = read_settings()
    assert not settings.broker_declares
    assert set(names) - {"HUB_CURSOR_KEY", *SHIPPED.secrets} <= {
        f"HUB_{name.upper()}" for name in Settings.model_fields
    }


def test_the_secrets_that_are_asked_for_are_those_of_the_shipped_catalogue() -> None:
    assert set(variables("secrets.env")) == {*SHIPPED.secrets, "HUB_CURSOR_KEY"}
    assert set(variables("secrets.env").values()) == {""}, "a secret that ships is none"


def test_the_workers_alone_are_told_how_to_use_the_signing_keys() -> None:
    """In containers: the folder, the PIN and the passphrase reach workers only."""
    for name, service in compose().items():
        settings_text = "".join((ETC / file).read_text() for file in files_of(service))
        is_worker = name.startswith("worker-")
        assert ("#HUB_SECRET_TOKEN_PIN=" in settings_text, "#HUB_KEYS_PASSPHRASE=" in settings_text) == (
            is_worker,
            is_worker,
        ), name
        assert any("/keys:" in volume for volume in service.get("volumes", [])) is is_worker, name


def test_no_service_but_the_workers_may_look_at_the_signing_keys_or_into_a_worker() -> None:
    """Under systemd: an account of their own, another folder of state, and no sight of the keys' folder."""
    for unit in UNITS.glob("*.service"):
        text = unit.read_text()
        [account] = re.findall(r"^User=(.*)$", text, re.MULTILINE)
        is_worker = unit.name == "hub-worker@.service"
        assert account == ("lienthong-hub-worker" if is_worker else "lienthong-hub"), unit.name
        assert ("InaccessiblePaths=-/etc/lienthong-hub/keys" in text) is not is_worker, unit.name
        assert ("EnvironmentFile=/etc/lienthong-hub/worker.env" in text) is is_worker, unit.name
        assert f"StateDirectory={account}\n" in text, unit.name
        assert f"\nu {account} " in (UNITS / "sysusers.conf").read_text()


def test_the_api_starts_without_the_token_s_pin_and_cannot_sign_and_a_worker_does_not(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    catalogue = tmp_path / "catalogue"
    shutil.copytree(CATALOGUE, catalogue)
    with (catalogue / "signing.toml").open("a", encoding="utf-8") as signing:
        signing.write('\n[token]\nmodule = "/nowhere/pkcs11.so"\nlabel = "hub"\npin = "HUB_SECRET_TOKEN_PIN"\n')
    variables_of_process = environment() | {"HUB_CATALOGUE": str(catalogue), "HUB_KEYS": str(tmp_path)}
    variables_of_process |= {
        "HUB_DATABASE_URL": database_url,
        "HUB_BROKER_URL": "redis://127.0.0.1:1/0",
        "HUB_CURSOR_KEY": "k" * 32,
    }
    for name, value in variables_of_process.items():
        monkeypatch.setenv(name, value)
    assert serve.application() is not None
    with pytest.raises(CatalogueError, match="HUB_SECRET_TOKEN_PIN"):
        app.build()
    api = app.build(signs=False)
    assert "HUB_SECRET_TOKEN_PIN" not in api.catalogue.secrets
    with pytest.raises(KeyError, match="HUB_SECRET_TOKEN_PIN"):
        _ = api.keyring


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """The units, with this environment's hub in place of the installed one."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not here, so the units were not verified")
    folder = tmp_path / "units"
    shutil.copytree(UNITS, folder, ignore=shutil.ignore_patterns("sysusers.conf"))
    for unit in folder.glob("*.service"):
        unit.write_text(unit.read_text().replace(INSTALLED, HUB))
    for instance in ("inbox", "outbox"):
        shutil.copy(folder / "hub-worker@.service", folder / f"hub-worker@{instance}.service")
    return folder


def test_systemd_finds_nothing_wrong_with_the_units(units: Path) -> None:
    names = sorted(str(unit) for unit in units.iterdir() if unit.is_file())
    done = subprocess.run(
        ["systemd-analyze", "verify", *names],
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{units}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", ["hub-api", "hub-worker@inbox", "hub-beat", "hub-flower", "hub-upgrade"])
def test_a_service_is_confined(units: Path, unit: str) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=20", f"{units}/{unit}.service"],
        env={"PATH": "/usr/bin:/bin", "SYSTEMD_UNIT_PATH": f"{units}:", "SYSTEMD_COLORS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout.splitlines()[-1]


def test_the_api_answers_on_the_socket_that_systemd_holds(database_url: str, tmp_path: Path) -> None:
    activator = shutil.which("systemd-socket-activate")
    if activator is None:
        pytest.skip("systemd-socket-activate is not here, so the socket was not handed over")
    [line] = re.findall(r"^ExecStart=(.*)$", (UNITS / "hub-api.service").read_text(), re.MULTILINE)
    port = free_port()
    variables_of_api = {
        **environment(),
        "HUB_DATABASE_URL": database_url,
        "HUB_BROKER_URL": "redis://127.0.0.1:1/0",
        "HUB_CATALOGUE": str(CATALOGUE),
        "HUB_CURSOR_KEY": "a key for cursors in tests only",
    }
    passed = [f"--setenv={name}" for name in variables_of_api]
    command = (activator, f"--listen=127.0.0.1:{port}", *passed, HUB, *shlex.split(line)[1:])
    api = Process(Program(name="api", command=command, log=tmp_path / "api.log", environment=variables_of_api))
    try:
        api.wait_until(lambda: _listens(port))
        answer = requests.get(f"http://127.0.0.1:{port}/health/live", timeout=60)
        assert answer.status_code == 200
    finally:
        api.stop()
    assert api.exit_code() == 0


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def test_every_file_that_the_runbook_names_is_there() -> None:
    runbook = (DEPLOY.parent / "docs/runbooks/install-server-stack.md").read_text()
    named = re.findall(r"\bdeploy/[\w./@*-]*[\w*]", runbook)
    assert named
    assert [name for name in named if not list(DEPLOY.parent.glob(name))] == []
