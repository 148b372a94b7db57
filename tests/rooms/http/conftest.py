"""The doors on a real socket, before a real database; what they log can be read back."""

import io
import logging
import socket
import threading
import time
from collections.abc import Iterator

import pytest
import structlog
import uvicorn
from pydantic import HttpUrl, SecretStr

from config.catalogue import Catalogue
from config.parties import CertificateGuard
from config.settings import Settings
from hub.http import serve
from hub.http.app import create
from hub.http.patience import PatientProtocol
from hub.logging import configure
from tests.house import ScriptedHouse
from tests.rooms.http.caller import Caller, Door, certificate_of

PROXY_SECRET = "what only the proxy of these tests knows"


@pytest.fixture(scope="package")
def log_stream() -> Iterator[io.StringIO]:
    """Where every line of the log goes while these tests run."""
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    configure("INFO", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """With an address of this test's own and a proxy in front."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    url = HttpUrl(f"http://127.0.0.1:{port}")
    return settings.model_copy(update={"public_url": url, "proxy_secret": SecretStr(PROXY_SECRET)})


@pytest.fixture
def catalogue(catalogue: Catalogue) -> Catalogue:
    """tests/catalogue, with one department that is known by its certificate."""
    guard = CertificateGuard(kind="client-certificate", fingerprints=[certificate_of("rest-b").fingerprint])
    certified = catalogue.departments["rest-b"].model_copy(update={"guard": guard})
    return catalogue.model_copy(update={"departments": {**catalogue.departments, "rest-b": certified}})


@pytest.fixture
def protocol() -> type[PatientProtocol]:
    """How patient the doors are: as in earnest."""
    return PatientProtocol


@pytest.fixture
def door(
    settings: Settings, catalogue: Catalogue, protocol: type[PatientProtocol], log_stream: io.StringIO
) -> Iterator[Door]:
    """The doors, open."""
    house = ScriptedHouse(settings, catalogue)
    server = uvicorn.Server(serve.config(create(house), protocol=protocol))
    with socket.create_server(("127.0.0.1", int(settings.public_url.port or 0))) as listening:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="doors")
        thread.start()
        try:
            _wait(server, thread)
            yield Door(house, log_stream)
        finally:
            server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()


def _wait(server: uvicorn.Server, thread: threading.Thread) -> None:
    while not server.started:
        assert thread.is_alive(), "the doors did not open"
        time.sleep(0.01)


@pytest.fixture
def portal(door: Door, catalogue: Catalogue) -> Caller:
    """The public portal, signing with a key of its own."""
    return Caller(door.url, "portal-test-a", catalogue.secret("HUB_SECRET_TEST_PORTAL_A").encode())


@pytest.fixture
def rest_a(door: Door, catalogue: Catalogue) -> Caller:
    """A department that signs with a key of its own."""
    return Caller(door.url, "rest-a-1", catalogue.secret("HUB_SECRET_TEST_REST_A_PUSH").encode())
