"""What becomes of a call when the other party goes away or keeps silent: its outcome, and whether it may have acted."""

import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from config.catalogue import Tls
from connectors.errors import ConnectorCode, ContractBroken, Unavailable
from connectors.transport.http import Transport
from tests.unit.connectors.partner import OK, Partner, a_closed_port, after_reading, answering, partner, reset
from tests.unit.connectors.posting import post

LARGE = b"x" * 64 * 1024 * 1024
"""more than the buffers of both sides hold, so that it is not written whole unless the other side reads"""


def test_nobody_listening_is_known_not_to_have_acted(transport: Transport) -> None:
    with pytest.raises(Unavailable) as caught:
        transport.post(f"http://127.0.0.1:{a_closed_port()}/", b"{}", {})

    assert caught.value.code == ConnectorCode.UNREACHABLE
    assert not caught.value.outcome_unknown


def test_a_reset_while_the_request_is_being_written_is_known_not_to_have_acted(transport: Transport) -> None:
    def behave(connection: socket.socket, _: Partner) -> None:
        connection.recv(1000)
        reset(connection)

    with partner(behave) as server, pytest.raises(Unavailable) as caught:
        post(transport, server, body=LARGE)

    assert caught.value.code == ConnectorCode.UNREACHABLE
    assert not caught.value.outcome_unknown
    assert server.connections == 3, "nothing was done, so two short retries are safe"


@pytest.mark.parametrize("ends", [reset, socket.socket.close])
def test_a_connection_that_ends_after_the_request_leaves_the_outcome_unknown(
    transport: Transport, ends: Callable[[socket.socket], None]
) -> None:
    with partner(after_reading(ends)) as server, pytest.raises(Unavailable) as caught:
        post(transport, server)

    assert caught.value.code == ConnectorCode.CUT
    assert caught.value.outcome_unknown
    assert server.connections == 1, "what may have been done is never repeated by the transport"


def test_a_question_has_no_unknown_outcome(transport: Transport) -> None:
    with partner(after_reading(reset)) as server:
        with pytest.raises(Unavailable) as caught:
            transport.get(server.url, {})
        with pytest.raises(Unavailable) as caught_too:
            post(transport, server, idempotent=True)

    assert not caught.value.outcome_unknown
    assert not caught_too.value.outcome_unknown


@pytest.mark.parametrize("length", range(1, len(OK)))
def test_a_reply_that_breaks_off_anywhere_leaves_the_outcome_unknown(transport: Transport, length: int) -> None:
    with (
        partner(after_reading(lambda connection: connection.sendall(OK[:length]))) as server,
        pytest.raises((Unavailable, ContractBroken)) as caught,
    ):
        post(transport, server)

    if isinstance(caught.value, Unavailable):
        assert caught.value.code == ConnectorCode.CUT
        assert caught.value.outcome_unknown
    else:
        assert length < len(b"HTTP/1.1 200"), (
            "a broken status line is no HTTP; anything later is a reply that breaks off"
        )


def test_a_chunked_reply_that_breaks_off_leaves_the_outcome_unknown(transport: Transport) -> None:
    head = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"num'
    with (
        partner(after_reading(lambda connection: connection.sendall(head))) as server,
        pytest.raises(Unavailable) as caught,
    ):
        post(transport, server)

    assert caught.value.code == ConnectorCode.CUT
    assert caught.value.outcome_unknown


def test_silence_ends_with_the_time_out_and_an_unknown_outcome(hasty: Transport) -> None:
    gone = threading.Event()
    with partner(after_reading(lambda _: gone.wait(10))) as server:
        started = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            post(hasty, server)
        took = time.monotonic() - started
        gone.set()

    assert caught.value.code == ConnectorCode.TIMEOUT
    assert caught.value.outcome_unknown
    assert 0.4 <= took < 9


@pytest.mark.parametrize(
    "first",
    [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"],
    ids=["status", "head", "body"],
)
def test_a_reply_that_trickles_does_not_outlive_the_deadline(hasty: Transport, first: bytes) -> None:
    def trickle(connection: socket.socket) -> None:
        connection.sendall(first)
        for byte in b"X-Slow: " + b"x" * 500:
            connection.sendall(bytes([byte]))
            time.sleep(0.02)

    with partner(after_reading(trickle)) as server:
        started = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            post(hasty, server)
        took = time.monotonic() - started

    assert caught.value.code == ConnectorCode.TIMEOUT
    assert caught.value.outcome_unknown
    assert took < 9, "each byte came in time, the whole did not"


def test_the_hook_runs_when_the_request_has_arrived_and_before_the_reply_is_read() -> None:
    sent = threading.Event()
    seen_before_reply: list[bool] = []

    def behave(connection: socket.socket, server: Partner) -> None:
        server.read_request(connection)
        seen_before_reply.append(sent.wait(10))
        connection.sendall(OK)

    with (
        partner(behave) as server,
        Transport("department.test", timeout=15, tls=Tls(), folder=Path(), on_sent=sent.set) as transport,
    ):
        post(transport, server)

    assert seen_before_reply == [True]


def test_what_the_hook_raises_is_not_taken_for_the_other_partys_failure() -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    with (
        partner(answering(OK)) as server,
        Transport("department.test", timeout=3, tls=Tls(), folder=Path(), on_sent=killed) as transport,
        pytest.raises(KeyboardInterrupt),
    ):
        post(transport, server)
