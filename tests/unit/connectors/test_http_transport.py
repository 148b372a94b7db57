"""What becomes of a call when the other party misbehaves, on real sockets: its fate, and whether it may have acted."""

import gzip
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from config.catalogue import Tls
from connectors.errors import Code, ContractBroken, Unavailable
from connectors.transport.addresses import AddressGuard
from connectors.transport.http import Transport
from tests.unit.connectors.partner import OK, Behaviour, Partner, a_closed_port, answering, partner, reset

LARGE = b"x" * 64 * 1024 * 1024
"""more than the buffers of both sides hold, so that it is not written whole unless the other side reads"""


@pytest.fixture
def transport() -> Iterator[Transport]:
    with Transport("department.test", timeout=3, tls=Tls(), folder=Path()) as opened:
        yield opened


@pytest.fixture
def hasty() -> Iterator[Transport]:
    with Transport("department.test", timeout=0.4, tls=Tls(), folder=Path(), size_cap=1000) as opened:
        yield opened


def post(transport: Transport, there: Partner, *, idempotent: bool = False, body: bytes = b"{}") -> None:
    transport.post(f"{there.url}/dossiers", body, {"Content-Type": "application/json"}, idempotent=idempotent)


def after_reading(act: Callable[[socket.socket], object]) -> Behaviour:
    def behave(connection: socket.socket, there: Partner) -> None:
        there.read_request(connection)
        act(connection)

    return behave


def test_a_whole_reply_comes_back_whatever_its_status(transport: Transport) -> None:
    teapot = (
        b"HTTP/1.1 418 I'm a teapot\r\nContent-Type: Application/JSON; charset=utf-8\r\nContent-Length: 4\r\n\r\nnull"
    )
    with partner(answering(teapot)) as there:
        reply = transport.get(f"{there.url}/changes?after=1", {"Accept": "application/json"})

    assert (reply.status, reply.body, reply.media_type) == (418, b"null", "application/json")
    assert there.requests[0].startswith(b"GET /changes?after=1 HTTP/1.1\r\n")


def test_nobody_listening_is_known_not_to_have_acted(transport: Transport) -> None:
    with pytest.raises(Unavailable) as caught:
        transport.post(f"http://127.0.0.1:{a_closed_port()}/", b"{}", {})

    assert caught.value.code == Code.UNREACHABLE
    assert not caught.value.outcome_unknown


def test_a_reset_while_the_request_is_being_written_is_known_not_to_have_acted(transport: Transport) -> None:
    def behave(connection: socket.socket, _: Partner) -> None:
        connection.recv(1000)
        reset(connection)

    with partner(behave) as there, pytest.raises(Unavailable) as caught:
        post(transport, there, body=LARGE)

    assert caught.value.code == Code.UNREACHABLE
    assert not caught.value.outcome_unknown
    assert there.connections == 3, "nothing was done, so two short retries are safe"


@pytest.mark.parametrize("ends", [reset, socket.socket.close])
def test_a_connection_that_ends_after_the_request_leaves_the_outcome_unknown(
    transport: Transport, ends: Callable[[socket.socket], None]
) -> None:
    with partner(after_reading(ends)) as there, pytest.raises(Unavailable) as caught:
        post(transport, there)

    assert caught.value.code == Code.CUT
    assert caught.value.outcome_unknown
    assert there.connections == 1, "what may have been done is never repeated by the transport"


def test_a_question_has_no_unknown_outcome(transport: Transport) -> None:
    with partner(after_reading(reset)) as there:
        with pytest.raises(Unavailable) as caught:
            transport.get(there.url, {})
        with pytest.raises(Unavailable) as caught_too:
            post(transport, there, idempotent=True)

    assert not caught.value.outcome_unknown
    assert not caught_too.value.outcome_unknown


@pytest.mark.parametrize("kept", range(1, len(OK)))
def test_a_reply_that_breaks_off_anywhere_leaves_the_outcome_unknown(transport: Transport, kept: int) -> None:
    with (
        partner(after_reading(lambda connection: connection.sendall(OK[:kept]))) as there,
        pytest.raises((Unavailable, ContractBroken)) as caught,
    ):
        post(transport, there)

    if isinstance(caught.value, Unavailable):
        assert caught.value.code == Code.CUT
        assert caught.value.outcome_unknown
    else:
        assert kept < len(b"HTTP/1.1 200"), "a broken status line is no HTTP; anything later is a reply that breaks off"


def test_a_chunked_reply_that_breaks_off_leaves_the_outcome_unknown(transport: Transport) -> None:
    head = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"num'
    with (
        partner(after_reading(lambda connection: connection.sendall(head))) as there,
        pytest.raises(Unavailable) as caught,
    ):
        post(transport, there)

    assert caught.value.code == Code.CUT
    assert caught.value.outcome_unknown


def test_silence_ends_with_the_time_out_and_an_unknown_outcome(hasty: Transport) -> None:
    gone = threading.Event()
    with partner(after_reading(lambda _: gone.wait(10))) as there:
        started = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            post(hasty, there)
        took = time.monotonic() - started
        gone.set()

    assert caught.value.code == Code.TIMEOUT
    assert caught.value.outcome_unknown
    assert 0.4 <= took < 3


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

    with partner(after_reading(trickle)) as there:
        started = time.monotonic()
        with pytest.raises(Unavailable) as caught:
            post(hasty, there)
        took = time.monotonic() - started

    assert caught.value.code == Code.TIMEOUT
    assert caught.value.outcome_unknown
    assert took < 3, "each byte came in time, the whole did not"


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

    with partner(after_reading(flood)) as there, pytest.raises(ContractBroken) as caught:
        post(hasty, there)

    assert caught.value.code == Code.CONTRACT
    assert sent < 50_000_000, "the connection was closed on the flood"


def test_a_compressed_reply_is_refused_unread(transport: Transport) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bomb)
    with partner(answering(head + bomb)) as there, pytest.raises(ContractBroken):
        post(transport, there)

    assert b"\r\nAccept-Encoding: identity\r\n" in there.requests[0]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(transport: Transport, status: int) -> None:
    with partner(answering(OK)) as elsewhere:
        redirect = b"HTTP/1.1 %d Go\r\nLocation: %s/dossiers\r\nContent-Length: 0\r\n\r\n" % (
            status,
            elsewhere.url.encode(),
        )
        with partner(answering(redirect)) as there, pytest.raises(ContractBroken) as caught:
            post(transport, there)

    assert caught.value.code == Code.CONTRACT
    assert elsewhere.connections == 0


def test_the_body_of_a_redirect_is_not_read_either(hasty: Transport) -> None:
    endless = (
        b"HTTP/1.1 302 Go\r\nLocation: /x\r\nContent-Encoding: gzip\r\nContent-Length: 1000000000\r\n\r\n" + b"\0" * 100
    )
    with partner(answering(endless)) as there, pytest.raises(ContractBroken):
        post(hasty, there)


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
        partner(after_reading(lambda connection: connection.sendall(garbage))) as there,
        pytest.raises(ContractBroken) as caught,
    ):
        post(transport, there)

    assert caught.value.code == Code.CONTRACT


BUSY = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
BUSY_FOR_LONG = b"HTTP/1.1 503 Busy\r\nRetry-After: 30\r\nContent-Length: 0\r\n\r\n"


def test_a_question_is_asked_again_when_the_other_party_is_busy(transport: Transport) -> None:
    with partner(answering(BUSY, BUSY, OK)) as there:
        assert transport.get(there.url, {}).status == 200

    assert len(there.requests) == 3


def test_busy_is_the_answer_when_the_other_party_stays_busy(transport: Transport) -> None:
    with partner(answering(BUSY)) as there:
        assert transport.get(there.url, {}).status == 503

    assert len(there.requests) == 3


def test_a_long_retry_after_is_left_to_the_schedule(transport: Transport) -> None:
    with partner(answering(BUSY_FOR_LONG)) as there:
        assert transport.get(there.url, {}).retry_after == 30

    assert len(there.requests) == 1


def test_an_act_is_never_repeated_when_the_other_party_is_busy(transport: Transport) -> None:
    with partner(answering(BUSY, OK)) as there:
        assert transport.post(there.url, b"{}", {}).status == 503

    assert len(there.requests) == 1


def test_a_name_that_does_not_resolve_at_first_is_tried_again() -> None:
    failures = [socket.gaierror("not now")]

    def resolver(_: str, __: int) -> list[str]:
        if failures:
            raise failures.pop()
        return ["127.0.0.1"]

    guard = AddressGuard(["127.0.0.0/8"], resolver)
    with (
        partner(answering(OK)) as there,
        Transport("portal.test", timeout=5, tls=Tls(), folder=Path(), guard=guard) as transport,
    ):
        assert transport.post(f"http://portal.example:{there.port}/", b"{}", {}).status == 200

    assert not failures
    assert f"\r\nHost: portal.example:{there.port}\r\n".encode() in there.requests[0]


def test_the_hook_runs_when_the_request_has_arrived_and_before_the_reply_is_read() -> None:
    sent = threading.Event()
    seen_before_reply: list[bool] = []

    def behave(connection: socket.socket, there: Partner) -> None:
        there.read_request(connection)
        seen_before_reply.append(sent.wait(10))
        connection.sendall(OK)

    with (
        partner(behave) as there,
        Transport("department.test", timeout=15, tls=Tls(), folder=Path(), on_sent=sent.set) as transport,
    ):
        post(transport, there)

    assert seen_before_reply == [True]


def test_what_the_hook_raises_is_not_taken_for_the_other_partys_failure() -> None:
    def killed() -> None:
        raise KeyboardInterrupt

    with (
        partner(answering(OK)) as there,
        Transport("department.test", timeout=3, tls=Tls(), folder=Path(), on_sent=killed) as transport,
        pytest.raises(KeyboardInterrupt),
    ):
        post(transport, there)


def test_connections_are_kept_and_cookies_are_not(transport: Transport) -> None:
    cookie = b"HTTP/1.1 200 OK\r\nSet-Cookie: who=you\r\nContent-Length: 0\r\n\r\n"
    with partner(answering(cookie)) as there:
        post(transport, there)
        post(transport, there)
        transport.close()

    assert there.connections == 1
    assert b"cookie" not in there.requests[1].lower()


def test_a_kept_connection_that_the_other_party_has_closed_is_not_used(transport: Transport) -> None:
    closed = threading.Event()

    def once(connection: socket.socket, there: Partner) -> None:
        there.read_request(connection)
        connection.sendall(OK)
        connection.close()
        closed.set()

    with partner(once) as there:
        post(transport, there)
        assert closed.wait(10)
        time.sleep(0.05)  # until the FIN has crossed the loopback
        post(transport, there)

    assert there.connections == 2


def test_proxies_and_credentials_of_the_environment_are_ignored(
    transport: Transport, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login someone password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{a_closed_port()}")

    with partner(answering(OK)) as there:
        post(transport, there)

    assert b"authorization" not in there.requests[0].lower()


@pytest.mark.parametrize("url", ["http://", "department.example/x", "ftp://127.0.0.1/", "http://[::1/", "http://a..b/"])
def test_an_address_that_is_none_needs_a_person(transport: Transport, url: str) -> None:
    with pytest.raises(ContractBroken) as caught:
        transport.post(url, b"{}", {})

    assert caught.value.code == Code.ADDRESS
