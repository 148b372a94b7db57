"""The suite's own proxy does what it is told, to connections that are open and to new ones."""

import errno
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from hub.embedded.ports import LOOPBACK
from tests.faults.proxy import LinkFault, Proxy, proxy


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that answers with what it is sent."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        threading.Thread(target=accept, args=(listening,), daemon=True).start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)


def accept(listening: socket.socket) -> None:
    while True:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=answer, args=(connection,), daemon=True).start()


def answer(connection: socket.socket) -> None:
    with connection:
        try:
            while chunk := connection.recv(65536):
                connection.sendall(chunk)
        except OSError:
            return


@pytest.fixture
def link(echo: int) -> Iterator[Proxy]:
    with proxy(echo) as running:
        yield running


def connected(link: Proxy) -> socket.socket:
    return socket.create_connection((LOOPBACK, link.port), timeout=10)


def received(connection: socket.socket, count: int) -> bytes:
    """Up to ``count`` bytes: what came before a reset."""
    whole = b""
    try:
        while len(whole) < count and (chunk := connection.recv(count - len(whole))):
            whole += chunk
    except ConnectionResetError:
        pass
    return whole


def test_all_of_a_healthy_connection_passes_its_half_close_included(link: Proxy) -> None:
    with connected(link) as connection:
        connection.sendall(b"x" * 300_000)
        connection.shutdown(socket.SHUT_WR)
        assert received(connection, 400_000) == b"x" * 300_000


def test_a_delay_holds_up_each_chunk_in_either_direction(link: Proxy) -> None:
    link.inject(LinkFault(delay=0.2))
    with connected(link) as connection:
        began = time.monotonic()
        connection.sendall(b"x")
        assert received(connection, 1) == b"x"
        assert time.monotonic() - began >= 0.4


def test_an_answer_drips(link: Proxy) -> None:
    link.inject(LinkFault(drip=10))
    with connected(link) as connection:
        began = time.monotonic()
        connection.sendall(b"x" * 50)
        assert received(connection, 50) == b"x" * 50
        assert time.monotonic() - began >= 0.15


@pytest.mark.parametrize(
    ("fault", "passes"),
    [
        (LinkFault(cut_request_after=3), 3),
        (LinkFault(cut_answer_after=4), 4),
        (LinkFault(cut_answer_after=0), 0),
    ],
)
def test_a_connection_is_cut_after_so_many_bytes(link: Proxy, fault: LinkFault, passes: int) -> None:
    link.inject(fault)
    with connected(link) as connection:
        connection.sendall(b"x" * 10)
        # A reset overtakes what was sent just before it: at most that many arrive.
        assert len(received(connection, 10)) <= passes


def test_an_open_connection_falls_silent_and_is_reset_when_the_network_is_back(link: Proxy) -> None:
    with connected(link) as connection:
        connection.sendall(b"x")
        assert received(connection, 1) == b"x"
        link.inject(LinkFault(silent=True))
        connection.sendall(b"y")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        link.heal()
        connection.settimeout(10)
        assert received(connection, 1) == b""
    with connected(link) as connection:
        connection.sendall(b"z")
        assert received(connection, 1) == b"z"


def test_a_new_connection_is_accepted_and_never_answered(link: Proxy) -> None:
    link.inject(LinkFault(silent=True))
    with connected(link) as connection:
        connection.sendall(b"x")
        connection.settimeout(0.3)
        with pytest.raises(TimeoutError):
            connection.recv(1)


def test_what_is_sent_into_an_unplugged_connection_is_never_acknowledged(link: Proxy) -> None:
    with connected(link) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 500)
        connection.sendall(b"x")
        assert received(connection, 1) == b"x"
        link.inject(LinkFault(unplugged=True))
        connection.sendall(b"x")
        with pytest.raises(TimeoutError) as raised:
            connection.recv(1)
        assert raised.value.errno == errno.ETIMEDOUT, "the kernel gives up, not this test's own time-out"
    with pytest.raises(TimeoutError):
        socket.create_connection((LOOPBACK, link.port), timeout=0.3)
    link.heal()
    with connected(link) as connection:
        connection.sendall(b"z")
        assert received(connection, 1) == b"z"


def test_open_and_new_connections_are_reset(link: Proxy) -> None:
    with connected(link) as connection:
        connection.sendall(b"x")
        assert received(connection, 1) == b"x"
        link.inject(LinkFault(reset=True))
        assert received(connection, 1) == b""
    # The reset may overtake the end of the connect, which then raises it.
    with suppress(ConnectionResetError), connected(link) as connection:
        assert received(connection, 1) == b""


def test_new_connections_go_to_another_server_when_its_target_is_changed(link: Proxy) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        link.target = other.getsockname()[1]
        with connected(link) as connection:
            accepted, _ = other.accept()
            with accepted:
                accepted.sendall(b"other")
                assert received(connection, 5) == b"other"
