"""The sandbox of an embedded stack plays the counterparties of today's catalogue, not those of the last start."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.__main__ import main
from hub.embedded.environment import environment_of
from hub.embedded.stack import Stack
from hub.embedded.stack_folder import StackFolder
from hub.embedded.supervisor import Supervisor
from tests.catalogue_secrets import CATALOGUE, environment


@pytest.fixture
def address() -> Iterator[str]:
    """Where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def stack(tmp_path: Path) -> Stack:
    planned = Stack.planned(StackFolder(tmp_path), {}, workers=1)
    planned.sandbox_ports.parent.mkdir(parents=True)
    return planned


def is_ready(stack: Stack) -> bool:
    return Supervisor(stack, sandbox=True, say=lambda _: None)._sandbox_answers()


def test_a_sandbox_is_ready_when_all_that_the_catalogue_has_listen(stack: Stack, address: str) -> None:
    assert not is_ready(stack)
    stack.sandbox_ports.write_text(json.dumps(dict.fromkeys(stack.counterparties, address)))
    assert is_ready(stack)


def test_a_department_that_is_new_in_the_catalogue_is_waited_for(stack: Stack, address: str) -> None:
    known = stack.counterparties - {"department.so-tu-phap"}
    stack.sandbox_ports.write_text(json.dumps(dict.fromkeys(known, address)))
    assert not is_ready(stack)


def test_a_department_that_has_left_the_catalogue_is_neither_waited_for_nor_told(stack: Stack, address: str) -> None:
    served = dict.fromkeys(stack.counterparties, address) | {"department.so-cu": "http://127.0.0.1:1"}
    stack.sandbox_ports.write_text(json.dumps(served))
    assert is_ready(stack)
    assert stack.partners().keys() == stack.counterparties


def test_a_port_that_is_gone_is_forgotten_and_every_other_is_kept(stack: Stack, address: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        other = f"http://127.0.0.1:{server.getsockname()[1]}"
    served = {"department.so-tu-phap": address, "department.so-xay-dung": other}
    stack.sandbox_ports.write_text(json.dumps(served))

    Supervisor(stack, sandbox=True, say=lambda _: None)._free_sandbox_ports()

    assert stack.served() == {"department.so-xay-dung": other}


def test_who_plays_himself_is_neither_played_nor_waited_for_and_is_called_at_his_own_address(
    tmp_path: Path, address: str
) -> None:
    own = {"department.so-tu-phap": "http://127.0.0.1:9000/lien-thong", "portal.cong-dvc": ""}
    stack = Stack.planned(StackFolder(tmp_path), {}, workers=1, themselves=own)
    stack.sandbox_ports.parent.mkdir(parents=True)
    stack.sandbox_ports.write_text(json.dumps(dict.fromkeys(stack.counterparties, address)))

    assert is_ready(stack)
    addresses = stack.addresses(stack.partners())
    urls = json.loads(environment_of(stack.place, addresses, stack.secrets)["HUB_PARTNER_URLS"])
    assert urls["department.so-tu-phap"] == "http://127.0.0.1:9000/lien-thong"
    assert "portal.cong-dvc" not in urls, "the catalogue says where that is"
    assert urls["department.so-xay-dung"] == address
    assert addresses.themselves == ["department.so-tu-phap", "portal.cong-dvc"]
    command = stack.sandbox().command
    assert [command[at + 1] for at, word in enumerate(command) if word == "--except"] == list(own)


def test_the_sandbox_knows_nobody_of_another_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment().items():
        monkeypatch.setenv(name, value)
    words = ["--catalogue", str(CATALOGUE)]
    words += ["--data", str(tmp_path), "--hub", "http://127.0.0.1:1", "--ports", str(tmp_path / "ports.json")]
    assert main([*words, "--except", "department.so-la"]) == 2
    assert "department.so-la" in capsys.readouterr().err
