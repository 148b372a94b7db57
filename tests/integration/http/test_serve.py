"""The process: handed a socket, told to stop, and kept waiting by those who never finish a sentence."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
import requests

from config.settings import Settings
from hub.http.serve import TimeoutHttpProtocol
from tests.builders import a_submission
from tests.catalogue_secrets import environment
from tests.integration.http.caller import ApiCaller, Caller

ROOT = Path(__file__).parents[3]


@contextlib.contextmanager
def process(settings: Settings, log: Path, workers: int = 1) -> Iterator[tuple[subprocess.Popen[bytes], Caller]]:
    """``serve`` in a process of its own, on a socket that we listen on already."""
    with socket.create_server(("127.0.0.1", 0)) as listening, log.open("wb") as errors:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        variables = {
            **os.environ,
            **environment(),
            "HUB_DATABASE_URL": str(settings.database_url),
            "HUB_BROKER_URL": str(settings.broker_url),
            "HUB_CATALOGUE": str(settings.catalogue),
            "HUB_CURSOR_KEY": settings.cursor_key.get_secret_value(),
            "HUB_PUBLIC_URL": url,
            "PYTHONPATH": str(ROOT),
        }
        call = f"from hub.http import serve; serve.serve('', 0, fd={listening.fileno()}, workers={workers})"
        started = subprocess.Popen(
            [sys.executable, "-c", f"if __name__ == '__main__': {call}"],
            env=variables,
            stderr=errors,
            pass_fds=[listening.fileno()],
        )
        try:
            yield started, Caller(url, "portal-test-a", environment()["HUB_SECRET_TEST_PORTAL_A"].encode())
        finally:
            started.kill()
            started.wait()


@pytest.mark.parametrize("workers", [1, 2])
def test_a_process_takes_over_a_socket_and_stops_when_told(settings: Settings, tmp_path: Path, workers: int) -> None:
    log = tmp_path / "log"
    with process(settings, log, workers) as (started, portal):
        accepted = portal.submit(a_submission())  # the socket queues it until the process is there
        assert accepted.status_code == 202, log.read_text()
        waiting: list[requests.Response] = []
        path = f"/v1/submissions/{accepted.json()['id']}?wait=30"
        waiter = threading.Thread(target=lambda: waiting.append(portal.get(path)))
        waiter.start()
        time.sleep(1)
        asked_to_stop = time.monotonic()

        started.send_signal(signal.SIGTERM)
        code = started.wait(120)
        waiter.join(120)

        assert (code, time.monotonic() - asked_to_stop < 29) == (0, True)
        assert [answer.status_code for answer in waiting] == [200]
    lines = log.read_text().splitlines()
    assert lines
    assert all(line.startswith("{") for line in lines), log.read_text()


def raw(api: ApiCaller, parts: Iterable[bytes]) -> bytes:
    """What comes back for these bytes, until the other side hangs up."""
    host, _, port = api.url.removeprefix("http://").partition(":")
    received = b""
    with (
        socket.create_connection((host, int(port)), timeout=15) as line,
        contextlib.suppress(ConnectionResetError, BrokenPipeError),
    ):
        for part in parts:
            line.sendall(part)
        while chunk := line.recv(65_536):
            received += chunk
    return received


def test_what_is_no_http_is_refused_as_a_problem(api: ApiCaller) -> None:
    answer = raw(api, [b"HELLO\r\n\r\n"])

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b"content-type: application/problem+json" in answer
    assert b'"code": "request-malformed"' in answer


def test_a_second_request_cannot_be_smuggled_past_two_lengths(api: ApiCaller) -> None:
    hidden = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n"
    head = (
        b"POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    )

    answer = raw(api, [head + hidden])

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"alive" not in answer


@pytest.mark.parametrize("filler", [b"x" * 1_000, b"x\r\nX-More: " * 100])
def test_an_endless_head_is_cut_off(api: ApiCaller, filler: bytes) -> None:
    """One line that never ends, and lines that never end."""
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Filler: "
        while sent < 50_000_000:
            sent += len(filler)
            yield filler

    answer = raw(api, endless())

    assert sent < 50_000_000
    assert b"alive" not in answer


def test_a_long_head_is_refused_as_a_problem(api: ApiCaller) -> None:
    def slowly() -> Iterator[bytes]:
        for piece in (b"GET /health/live HTTP/1.1\r\nHost: x\r\n", b"X-Filler: ", b"x" * 20_000, b"x" * 20_000):
            yield piece
            time.sleep(0.2)

    answer = raw(api, slowly())

    assert answer.startswith(b"HTTP/1.1 400 Bad Request\r\n")
    assert b'"code": "request-malformed"' in answer


class TestPatience:
    """With a shorter one, so that the test need not be patient itself."""

    @pytest.fixture
    def protocol(self) -> type[TimeoutHttpProtocol]:
        class Hasty(TimeoutHttpProtocol):
            request_timeout = head_timeout = 1.0

        return Hasty

    @pytest.mark.parametrize(
        "begun", [b"", b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: ", b"POST /v1/submissions HTTP/1.1\r\nHost: x"]
    )
    def test_who_never_finishes_a_request_is_cut_off(self, own_api: ApiCaller, begun: bytes) -> None:
        began = time.monotonic()

        answer = raw(own_api, [begun])

        assert answer == b""
        assert time.monotonic() - began > 0.5

    def test_who_has_asked_may_wait_longer_than_that_for_the_answer(self, own_api: ApiCaller) -> None:
        portal = own_api.portal()
        path = f"/v1/submissions/{portal.submit(a_submission()).json()['id']}"

        assert portal.get(f"{path}?wait=2").status_code == 200


class TestHalfAHead:
    """With no patience for a head, and much for a body."""

    @pytest.fixture
    def protocol(self) -> type[TimeoutHttpProtocol]:
        class HastyHead(TimeoutHttpProtocol):
            head_timeout = 1.0

        return HastyHead

    def test_a_head_has_less_time_than_a_whole_request(self, own_api: ApiCaller) -> None:
        assert raw(own_api, [b"GET /health/live HTTP/1.1\r\nHost: x"]) == b""

    def test_a_body_may_take_longer_than_a_head(self, own_api: ApiCaller) -> None:
        def slowly() -> Iterator[bytes]:
            yield b"POST /v1/portal/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{"
            time.sleep(2)
            yield b"}"

        assert raw(own_api, slowly()).startswith(b"HTTP/1.1 4")
