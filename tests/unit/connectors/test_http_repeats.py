"""What the transport tries again by itself, and what it never does."""

import socket
from pathlib import Path

from config.catalogue import Tls
from connectors.transport.addresses import AddressGuard
from connectors.transport.http import Transport
from tests.unit.connectors.partner import OK, answering, partner

BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
BUSY_FOR_LONG = b"HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"


def test_a_question_is_asked_again_when_the_other_party_is_busy(transport: Transport) -> None:
    with partner(answering(BUSY, BUSY, OK)) as server:
        assert transport.get(server.url, {}).status == 200

    assert len(server.requests) == 3


def test_busy_is_the_answer_when_the_other_party_stays_busy(transport: Transport) -> None:
    with partner(answering(BUSY)) as server:
        assert transport.get(server.url, {}).status == 503

    assert len(server.requests) == 3


def test_a_long_retry_after_is_left_to_the_schedule(transport: Transport) -> None:
    with partner(answering(BUSY_FOR_LONG)) as server:
        assert transport.get(server.url, {}).retry_after == 30

    assert len(server.requests) == 1


def test_an_act_is_never_repeated_when_the_other_party_is_busy(transport: Transport) -> None:
    with partner(answering(BUSY, OK)) as server:
        assert transport.post(server.url, b"{}", {}).status == 503

    assert len(server.requests) == 1


def test_a_name_that_does_not_resolve_at_first_is_tried_again() -> None:
    failures = [socket.gaierror("not now")]

    def resolver(_: str, __: int) -> list[str]:
        if failures:
            raise failures.pop()
        return ["127.0.0.1"]

    guard = AddressGuard(["127.0.0.0/8"], resolver)
    with (
        partner(answering(OK)) as server,
        Transport("portal.test", timeout=5, tls=Tls(), folder=Path(), guard=guard) as transport,
    ):
        assert transport.post(f"http://portal.example:{server.port}/", b"{}", {}).status == 200

    assert not failures
    assert f"\r\nHost: portal.example:{server.port}\r\n".encode() in server.requests[0]
