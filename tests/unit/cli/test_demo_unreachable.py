"""The demo at endpoints that do not answer: it retries for a while, and ends with a sentence, never a traceback."""

import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from config.catalogue import Catalogue, load
from config.settings import PACKAGED
from hub.cli.demo import command
from hub.cli.demo.payers import BankRefused, Banks
from hub.cli.demo.portal import PortalClient, PortalRefused
from hub.cli.exits import ExitCode
from hub.cli.main import app
from hub.embedded.ports import free_port
from hub.embedded.waiting import Patience
from tests.catalogue_secrets import generated
from tests.unit.connectors.partner import OK, Partner, partner


@pytest.fixture(scope="module")
def packaged() -> Catalogue:
    return load(PACKAGED, generated(PACKAGED).hub)


def bank_at(catalogue: Catalogue, url: str, patience: Patience) -> Banks:
    return Banks(catalogue, {f"bank.{bank}": url for bank in catalogue.banks}, patience)


def test_a_portal_endpoint_where_nobody_listens_ends_in_a_sentence() -> None:
    portal = PortalClient(f"http://127.0.0.1:{free_port()}", "k", "s" * 16, Patience(1))
    with pytest.raises(PortalRefused, match="GET /v1/submissions: ConnectionError"):
        portal.knows("H")


def test_a_bank_at_which_nobody_is_ends_in_a_sentence(packaged: Catalogue) -> None:
    banks = bank_at(packaged, f"http://127.0.0.1:{free_port()}/statements", Patience(1))
    with pytest.raises(BankRefused, match=r"book: ConnectionError"):
        banks.seen(banks.own, "book")


def test_a_bank_that_comes_back_is_asked_again(packaged: Catalogue) -> None:
    port = free_port()
    banks = bank_at(packaged, f"http://127.0.0.1:{port}/statements", Patience(30))
    answers: list[Any] = []
    asking = threading.Thread(target=lambda: answers.append(banks.seen(banks.own, "book")))
    asking.start()
    time.sleep(0.7)
    with socket.create_server(("127.0.0.1", port)) as server:
        line, _ = server.accept()
        with line:
            line.recv(4096)
            line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]")
    asking.join(60)
    assert answers == [[]]


def test_what_a_bank_may_have_done_is_not_asked_for_again(packaged: Catalogue) -> None:
    """The line breaks after the request was read: nobody knows whether the transfer was made."""

    def break_the_first(connection: socket.socket, server: Partner) -> None:
        server.read_request(connection)
        if server.connections > 1:
            connection.sendall(OK)

    with partner(break_the_first) as bank:
        banks = bank_at(packaged, f"{bank.url}/statements", Patience(30))
        with pytest.raises(BankRefused, match="transfers: ConnectionError"):
            banks.ask(banks.own, "transfers", {"amount": 1})
        assert len(bank.requests) == 1


def test_what_nobody_expected_is_one_line_and_its_trace_is_in_a_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_: int | None) -> None:
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setenv("HUB_VAR", str(tmp_path))
    monkeypatch.setattr(command, "_stack", lambda *_, **__: broken(None))
    done = CliRunner().invoke(app, ["demo", "--count", "30"])

    assert done.exit_code == ExitCode.UNEXPECTED
    assert "ZeroDivisionError: a fault of ours" in done.stderr
    assert "Traceback" not in done.output
    assert "Traceback" in (tmp_path / "log" / "demo.log").read_text(encoding="utf-8")
