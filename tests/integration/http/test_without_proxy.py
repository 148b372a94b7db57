"""Where no proxy secret is set, no certificate header is ever believed."""

import contextlib
import socket

import pytest
import requests

from hub.http import serve
from tests.builders import a_submission
from tests.integration.http.caller import ApiCaller, certificate_of
from tests.integration.http.test_departments import certified, refused


@pytest.fixture
def proxy_secret() -> str | None:
    return None


@pytest.mark.parametrize("secret", [None, "", "None"])
def test_without_a_secret_no_request_is_accepted(own_api: ApiCaller, secret: str | None) -> None:
    refused(own_api, certified(own_api, certificate_of("rest-b").escaped, secret), 401, "authentication-failed")


def half_a_head(api: ApiCaller) -> socket.socket:
    host, _, port = api.url.removeprefix("http://").partition(":")
    line = socket.create_connection((host, int(port)), timeout=15)
    line.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-Slow: ")
    return line


def test_a_thousand_half_heads_of_one_address_keep_nobody_out(own_api: ApiCaller) -> None:
    """More than the process takes connections: the oldest of them have to go, before their time is over."""
    with contextlib.ExitStack() as lines:
        for _ in range(serve.CONNECTIONS + 10):
            lines.enter_context(half_a_head(own_api))
        for _ in range(3):
            answer = requests.get(f"{own_api.url}/health/live", timeout=60)
            assert answer.status_code == 200
        assert own_api.portal().submit(a_submission()).status_code == 202
