"""Fetching a bank's files: a few at a time, whole, as the list says; what is in them nobody looks at here."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from config.catalogue import Catalogue
from connectors import registry
from connectors.errors import ContractBroken, Unavailable
from connectors.ports import BankPort
from schemas.statement import DeliveredFile, StatementPage
from tests.unit.connectors.partner import Partner, answering, partner
from tests.unit.sandbox.running import Running, sandbox

CODE = "bank.bank-a"


@dataclass
class Laid:
    """bank-a's file service as a real server, and a port to it."""

    port: BankPort
    control: str

    def put(self, name: str, body: bytes) -> None:
        requests.put(f"{self.control}/files/{name}", data=body, timeout=5).raise_for_status()


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Running]:
    with sandbox(tmp_path, [CODE]) as started:
        yield started


@pytest.fixture
def laid(service: Running, catalogue: Catalogue) -> Laid:
    return Laid(port_to(service.urls[CODE], catalogue), service.control(CODE))


def port_to(url: str, catalogue: Catalogue, code: str = "bank-a") -> BankPort:
    port: BankPort = registry.port(catalogue.banks[code], registry.PortOptions(catalogue, url))
    return port


def test_files_are_listed_and_downloaded_a_few_at_a_time(laid: Laid) -> None:
    assert laid.port.statements("") == StatementPage([], "")
    for number in range(6):
        laid.put(f"{number}.xml", b"x" * number)
    first = laid.port.statements("")
    assert first.files == [DeliveredFile(f"{number}.xml", b"x" * number) for number in range(4)]
    second = laid.port.statements(first.cursor)
    assert [file.name for file in second.files] == ["4.xml", "5.xml"]
    assert laid.port.statements(second.cursor) == StatementPage([], second.cursor)
    assert "accepted" in laid.port.check()


def test_a_bank_that_is_down_is_asked_again_later(laid: Laid, service: Running) -> None:
    laid.put("1.xml", b"x")
    service.turn(CODE, down=True)
    with pytest.raises(Unavailable):
        laid.port.statements("")


def test_a_caller_with_another_token_gets_nothing(laid: Laid, service: Running) -> None:
    laid.put("1.xml", b"x")
    for path in ("", "/1.xml"):
        reply = requests.get(service.urls[CODE] + path, headers={"Authorization": "Bearer x"}, timeout=5)
        assert reply.status_code == 401


def test_a_bank_whose_files_are_brought_in_by_hand_is_not_asked(catalogue: Catalogue) -> None:
    port = port_to("", catalogue, "bank-b")
    assert port.statements("7") == StatementPage([], "7")
    assert "hub fee import" in port.check()


def laying_out(listed: object, body: bytes) -> AbstractContextManager[Partner]:
    """A service that answers with the list ``listed``, and then with ``body``."""
    return partner(answering(*map(_reply, (json.dumps(listed).encode(), body))))


def _reply(content: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    return head.encode() + content


def a_file(name: str = "a", content: bytes = b"abc", size: int | None = None) -> dict[str, object]:
    digest = hashlib.sha256(content).hexdigest()
    return {"name": name, "size": len(content) if size is None else size, "sha256": digest}


@pytest.mark.parametrize(
    ("listed", "body", "outcome"),
    [
        ({"files": [a_file()], "cursor": "1"}, b"ab", Unavailable),
        ({"files": [a_file()], "cursor": "1"}, b"abd", Unavailable),
        ({"files": [a_file("../etc/passwd")], "cursor": "1"}, b"abc", ContractBroken),
        ({"files": [a_file(size=10**12)], "cursor": "1"}, b"abc", ContractBroken),
        ({"files": [a_file()] * 5, "cursor": "1"}, b"abc", ContractBroken),
        ({"files": [a_file()]}, b"abc", ContractBroken),
        ({"files": [a_file()], "cursor": 1}, b"abc", ContractBroken),
        ("none", b"abc", ContractBroken),
    ],
)
def test_what_is_not_as_it_was_agreed_is_not_believed(
    catalogue: Catalogue, listed: object, body: bytes, outcome: type[Exception]
) -> None:
    with laying_out(listed, body) as server, pytest.raises(outcome):
        port_to(f"{server.url}/statements", catalogue).statements("")


def test_what_is_as_it_was_agreed_is_handed_on(catalogue: Catalogue) -> None:
    with laying_out({"files": [a_file()], "cursor": "1"}, b"abc") as server:
        port = port_to(f"{server.url}/statements", catalogue)
        assert port.statements("") == StatementPage([DeliveredFile("a", b"abc")], "1")
        assert b"Authorization: Bearer " in server.requests[0]
        assert b"GET /statements?after=&limit=4 " in server.requests[0]
        assert b"GET /statements/a " in server.requests[1]
