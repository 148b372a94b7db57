"""Load beyond what the API takes: refused at once and in time, nothing of it stored, and no client starves another."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import requests

from config.catalogue import Catalogue
from config.limits import ApiLimits, InProgress, RateLimit
from connectors.transport import signatures
from tests.builders import a_submission
from tests.integration.http.caller import JSON, ApiCaller

FEW = RateLimit(requests_per_second=5, burst=10)


@pytest.fixture
def proxy_secret() -> str | None:
    """None: nobody stands before this API, which counts addresses itself."""
    return None


@pytest.fixture(scope="session")
def catalogue(catalogue: Catalogue) -> Catalogue:
    """A portal and strangers that may ask 10 times in 2 seconds; two requests in progress of each kind of client."""
    bounds = InProgress(portal=2, long_polls=2, departments=2, postal=2, banks=2)
    limits = ApiLimits(unidentified=FEW, in_progress=bounds)
    portal = catalogue.portal.model_copy(update={"rate_limit": FEW})
    return catalogue.model_copy(update={"portal": portal, "limits": limits})


def test_a_client_above_its_rate_is_refused_and_hears_when_to_come_again(own_api: ApiCaller) -> None:
    portal = own_api.portal()
    answers = [portal.submit(a_submission()) for _ in range(FEW.burst)]
    refused = portal.submit(submission := a_submission())

    assert {answer.status_code for answer in answers} == {202}
    assert answers[0].headers["RateLimit-Policy"] == '"client";q=10;w=2'
    assert answers[0].headers["RateLimit"].startswith('"client";r=9;t=')
    assert (refused.status_code, refused.json()["code"]) == (429, "rate-limit-exceeded")
    assert refused.headers["RateLimit"] == f'"client";r=0;t={refused.headers["Retry-After"]}'
    assert 1 <= int(refused.headers["Retry-After"]) <= FEW.window
    assert own_api.stored()["inbox"] == FEW.burst

    time.sleep(int(refused.headers["Retry-After"]))
    assert portal.submit(submission).status_code == 202


def test_strangers_use_up_nobodys_rate_but_their_addresss(own_api: ApiCaller) -> None:
    """They name the portal's key and do not hold it: the portal is not refused for them."""
    portal, stranger = own_api.portal(), own_api.portal()
    stranger.secret = b"what a stranger guesses"

    codes = [stranger.submit(a_submission()).status_code for _ in range(FEW.burst + 1)]

    assert codes == [401] * FEW.burst + [429]
    assert portal.submit(a_submission()).status_code == 202


def test_a_flood_on_one_connection_is_answered_once_and_read_again_when_it_may_come_again(own_api: ApiCaller) -> None:
    portal, stranger = own_api.portal(), requests.Session()
    while (refused := stranger.post(own_api.url + "/soap/nobody", timeout=10)).status_code != 429:
        assert refused.status_code == 404
    started = time.monotonic()

    assert portal.submit(a_submission()).status_code == 202
    assert time.monotonic() - started < int(refused.headers["Retry-After"])
    stranger.post(own_api.url + "/soap/nobody", timeout=10)
    # The window began to count before the refusal was here.
    assert time.monotonic() - started >= int(refused.headers["Retry-After"]) - 0.5


@pytest.mark.parametrize("path", ["/v1/postal/callbacks/guess", "/v1/banks/nobody/notifications", "/soap/nobody"])
def test_addresses_that_are_guessed_are_counted(own_api: ApiCaller, path: str) -> None:
    codes = [requests.post(own_api.url + path, timeout=10).status_code for _ in range(FEW.burst + 1)]

    assert codes == [404] * FEW.burst + [429]


def test_a_client_above_its_rate_is_refused_before_its_body_is_read(own_api: ApiCaller) -> None:
    portal = own_api.portal()
    for _ in range(FEW.burst):
        portal.get("/v1/procedures")

    with half_a_submission(own_api) as line:
        assert line.recv(4096).startswith(b"HTTP/1.1 429 ")


def test_bodies_that_do_not_come_keep_their_own_kind_out_and_nobody_else(own_api: ApiCaller) -> None:
    portal = own_api.portal()
    with half_a_submission(own_api), half_a_submission(own_api):
        time.sleep(0.2)
        refused = portal.submit(a_submission())
        department = requests.get(own_api.url + "/soap/soap-b?wsdl", timeout=10)
        health = requests.get(own_api.url + "/health/ready", timeout=10)

    assert (refused.status_code, refused.json()["code"]) == (503, "overloaded")
    assert refused.headers["Retry-After"] == "1"
    assert (department.status_code, health.status_code) == (200, 200)
    assert own_api.stored()["inbox"] == 0
    assert portal.submit(a_submission()).status_code == 202


def test_without_a_free_connection_a_request_is_refused_in_time(own_api: ApiCaller) -> None:
    hub, portal = own_api.hub, own_api.portal()
    free = threading.Event()

    def occupy() -> None:
        with hub.db.connection():
            free.wait(60)

    with ThreadPoolExecutor(hub.settings.pool_size) as pool:
        for _ in range(hub.settings.pool_size):
            pool.submit(occupy)
        time.sleep(0.3)
        started = time.monotonic()
        refused = portal.submit(submission := a_submission())
        seconds = time.monotonic() - started
        free.set()

    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert seconds < 8
    assert portal.submit(submission).status_code == 202


@contextmanager
def half_a_submission(api: ApiCaller) -> Iterator[socket.socket]:
    """A connection on which the head of a signed submission has been sent, and the first byte of its body."""
    portal = api.portal()
    headers = {"Content-Type": JSON, "Idempotency-Key": "half"}
    request = requests.Request("POST", f"{api.url}/v1/submissions", headers=headers, data=b"{}").prepare()
    signatures.sign(request, portal.key_id, portal.secret)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    host, _, port = api.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(f"POST /v1/submissions HTTP/1.1\r\nHost: x\r\n{head}\r\n{{".encode())
        yield line
