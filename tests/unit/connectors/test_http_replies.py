"""Replies on real sockets: read whole whatever their status, and not at all where they are no reply of a partner's."""

import gzip
import socket

import pytest

from connectors.errors import ConnectorCode, ContractBroken, Unavailable
from connectors.transport.http import Transport
from tests.unit.connectors.partner import OK, after_reading, answering, partner
from tests.unit.connectors.posting import post


def test_a_whole_reply_comes_back_whatever_its_status(transport: Transport) -> None:
    teapot = (
        b"HTTP/1.1 418 I'm a teapot\r\nContent-Type: Application/JSON; charset=utf-8\r\nContent-Length: 4\r\n\r\nnull"
    )
    with partner(answering(teapot)) as server:
        reply = transport.get(f"{server.url}/changes?after=1", {"Accept": "application/json"})

    assert (reply.status, reply.body, reply.media_type) == (418, b"null", "application/json")
    assert server.requests[0].startswith(b"GET /changes?after=1 HTTP/1.1\r\n")


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3B9ACA00\r\n",
        b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
    ],
    ids=["announced", "chunked", "until-the-end"],
)
def test_a_huge_reply_is_not_read_to_its_end(hasty: Transport, head: bytes) -> None:
    sent = 0

    def flood(connection: socket.socket) -> None:
        nonlocal sent
        connection.sendall(head)
        for _ in range(1000):
            connection.sendall(b" " * 100_000)
            sent += 100_000

    with partner(after_reading(flood)) as server, pytest.raises(ContractBroken) as caught:
        post(hasty, server)

    assert caught.value.code == ConnectorCode.CONTRACT
    assert sent < 50_000_000, "the connection was closed on the flood"


def test_a_compressed_reply_is_refused_unread(transport: Transport) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with partner(answering(head + bomb)) as server, pytest.raises(ContractBroken):
        post(transport, server)

    assert b"\r\nAccept-Encoding: identity\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "interim",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nContent-Length: 7\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\nX: y\r\n\r\n",
    ],
    ids=["100", "103", "102-100-102"],
)
def test_interim_answers_are_passed_over(transport: Transport, interim: bytes) -> None:
    """RFC 9110 §15.2."""
    with partner(answering(interim + OK)) as server:
        assert transport.get(server.url, {}).status == 200


def test_interim_answers_without_end_are_left_at_the_deadline(hasty: Transport) -> None:
    def hint(connection: socket.socket) -> None:
        for _ in range(100_000):
            connection.sendall(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)

    with partner(after_reading(hint)) as server, pytest.raises(Unavailable) as caught:
        post(hasty, server)

    assert (caught.value.code, caught.value.outcome_unknown) == (ConnectorCode.TIMEOUT, True)


def test_a_switch_of_protocols_is_no_answer(transport: Transport) -> None:
    switch = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n"
    with partner(answering(switch)) as server, pytest.raises(ContractBroken) as caught:
        post(transport, server)

    assert caught.value.code == ConnectorCode.CONTRACT


def test_two_lengths_are_a_fault_of_the_reply_and_not_of_our_address(transport: Transport) -> None:
    twice = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nnull"
    with partner(answering(twice)) as server, pytest.raises(ContractBroken) as caught:
        post(transport, server)

    assert caught.value.code == ConnectorCode.CONTRACT


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(transport: Transport, status: int) -> None:
    with partner(answering(OK)) as elsewhere:
        redirect = b"HTTP/1.1 %d Go\r\nLocation: %s/dossiers\r\nContent-Length: 0\r\n\r\n" % (
            status,
            elsewhere.url.encode(),
        )
        with partner(answering(redirect)) as server, pytest.raises(ContractBroken) as caught:
            post(transport, server)

    assert caught.value.code == ConnectorCode.CONTRACT
    assert elsewhere.connections == 0


def test_the_body_of_a_redirect_is_not_read_either(hasty: Transport) -> None:
    endless = (
        b"HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Encoding: gzip\r\nContent-Length: 1000000000\r\n\r\n" + b"\0" * 100
    )
    with partner(answering(endless)) as server, pytest.raises(ContractBroken):
        post(hasty, server)


@pytest.mark.parametrize(
    "garbage",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 abc\r\n\r\n",
        b"<html>\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 300,
    ],
)
def test_what_is_not_http_breaks_the_contract(transport: Transport, garbage: bytes) -> None:
    with (
        partner(after_reading(lambda connection: connection.sendall(garbage))) as server,
        pytest.raises(ContractBroken) as caught,
    ):
        post(transport, server)

    assert caught.value.code == ConnectorCode.CONTRACT
