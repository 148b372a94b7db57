"""What is kept from one call to the next and what is not, and what the environment and an address may say."""

import socket
import threading
import time
from pathlib import Path

import pytest

from connectors.errors import ConnectorCode, ContractBroken
from connectors.transport.http import Transport
from tests.unit.connectors.partner import OK, Partner, a_closed_port, answering, partner
from tests.unit.connectors.posting import post


def test_connections_are_kept_and_cookies_are_not(transport: Transport) -> None:
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: who=you\r\nContent-Length: 0\r\n\r\n"
    with partner(answering(cookie)) as server:
        post(transport, server)
        post(transport, server)
        transport.close()

    assert server.connections == 1
    assert b"cookie" not in server.requests[1].lower()


def test_a_kept_connection_that_the_other_party_has_closed_is_not_used(transport: Transport) -> None:
    closed = threading.Event()

    def once(connection: socket.socket, server: Partner) -> None:
        server.read_request(connection)
        connection.sendall(OK)
        connection.close()
        closed.set()

    with partner(once) as server:
        post(transport, server)
        assert closed.wait(10)
        time.sleep(0.05)  # until the FIN has crossed the loopback
        post(transport, server)

    assert server.connections == 2


def test_proxies_and_credentials_of_the_environment_are_ignored(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{a_closed_port()}")

    with partner(answering(OK)) as server:
        post(transport, server)

    assert b"authorization" not in server.requests[0].lower()


@pytest.mark.parametrize("url", ["http://", "department.example/x", "ftp://127.0.0.1/", "http://[::1/", "http://a..b/"])
def test_an_address_that_is_none_needs_a_person(transport: Transport, url: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        transport.post(url, b"{}", {})

    assert caught.value.code == ConnectorCode.ADDRESS
