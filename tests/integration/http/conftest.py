"""The API on a real socket, with a real database; what it logs can be read back.

``api`` is opened once for all these tests and emptied before each. A test that changes the hub itself asks for
``own_api``.
"""

import io
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import structlog
import uvicorn
from pydantic import HttpUrl, SecretStr

from config.catalogue import Catalogue
from config.parties import CertificateGuard
from config.settings import Settings
from hub.embedded.pki import Pki
from hub.http import serve
from hub.http.app import create
from hub.http.serve import TimeoutHttpProtocol
from hub.logging import configure
from hub.messages import claim
from tests.databases import Databases, TestDatabase
from tests.integration.http.caller import PROXY_SECRET, ApiCaller, Caller, certificate_of
from tests.scripted_hub import ScriptedHub


@pytest.fixture(scope="package")
def log_stream() -> Iterator[io.StringIO]:
    """Where every line of the log goes while these tests run."""
    root, handlers, level = logging.getLogger(), logging.getLogger().handlers[:], logging.getLogger().level
    stream = io.StringIO()
    configure("INFO", stream)
    # A logger that remembers its stream would go on writing to that of an earlier visit to this folder.
    structlog.configure(cache_logger_on_first_use=False)
    yield stream
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture(scope="session")
def catalogue(catalogue: Catalogue) -> Catalogue:
    """tests/catalogue, with one department that is known by its certificates: one in force and one that has expired."""
    pinned = [certificate_of("rest-b").fingerprint, certificate_of("rest-b", expired=True).fingerprint]
    guard = CertificateGuard(kind="client-certificate", fingerprints=pinned)
    certified = catalogue.departments["rest-b"].model_copy(update={"guard": guard})
    return catalogue.model_copy(update={"departments": {**catalogue.departments, "rest-b": certified}})


@pytest.fixture(scope="package")
def shared_database(databases: Databases) -> Iterator[TestDatabase]:
    with databases.borrowed() as database:
        yield database


@pytest.fixture(scope="package")
def shared_hub(
    shared_database: TestDatabase, catalogue: Catalogue, log_stream: io.StringIO, pki: Pki
) -> Iterator[ScriptedHub]:
    """A hub on a database of these tests, with its API served."""
    settings = Settings.model_validate(
        {
            "database_url": shared_database.url,
            "broker_url": "redis://127.0.0.1:1/0",
            "catalogue": catalogue.folder,
            "cursor_key": "a key for cursors in tests only",
            "keys": pki.keys,
            "keys_passphrase": pki.passphrase,
        }
    )
    with _opened(settings, catalogue, TimeoutHttpProtocol) as hub:
        yield hub


@pytest.fixture
def api(shared_hub: ScriptedHub, shared_database: TestDatabase, log_stream: io.StringIO) -> ApiCaller:
    """The API, with an empty database."""
    shared_database.empty()
    _forget(shared_hub)
    return ApiCaller(shared_hub, log_stream)


@pytest.fixture
def protocol() -> type[TimeoutHttpProtocol]:
    """The timeouts of ``own_api``: those of production."""
    return TimeoutHttpProtocol


@pytest.fixture
def proxy_secret() -> str | None:
    """The secret by which the proxy in front of ``own_api`` proves itself."""
    return PROXY_SECRET


@pytest.fixture
def own_api(
    settings: Settings,
    catalogue: Catalogue,
    protocol: type[TimeoutHttpProtocol],
    proxy_secret: str | None,
    log_stream: io.StringIO,
) -> Iterator[ApiCaller]:
    """An API of this test's own, on a database of its own."""
    with _opened(settings, catalogue, protocol, proxy_secret) as hub:
        yield ApiCaller(hub, log_stream)


@pytest.fixture
def portal(api: ApiCaller) -> Caller:
    """The public portal, signing with a key of its own."""
    return api.portal()


@pytest.fixture
def rest_a(api: ApiCaller) -> Caller:
    """A department that signs with a key of its own."""
    return Caller(api.url, "rest-a-1", api.hub.catalogue.secret("HUB_SECRET_TEST_REST_A_PUSH").encode())


@contextmanager
def _opened(
    settings: Settings,
    catalogue: Catalogue,
    protocol: type[TimeoutHttpProtocol],
    proxy_secret: str | None = PROXY_SECRET,
) -> Iterator[ScriptedHub]:
    """A hub with these settings whose API is served by a thread, on a port of its own, with a proxy in front."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        changes = {
            "public_url": HttpUrl(f"http://127.0.0.1:{listening.getsockname()[1]}"),
            "proxy_secret": None if proxy_secret is None else SecretStr(proxy_secret),
        }
        hub = ScriptedHub(settings.model_copy(update=changes), catalogue)
        server = uvicorn.Server(serve.config(create(hub), protocol=protocol))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, name="api")
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the API did not start"
                time.sleep(0.01)
            yield hub
        finally:
            server.should_exit = True
            thread.join(20)
    assert not thread.is_alive()


def _forget(hub: ScriptedHub) -> None:
    """As after opening: no wake-ups, no answers prepared."""
    with hub.db.transaction() as conn:
        claim.enrol(conn, hub.catalogue.counterparties)
    hub.waiting.clear()
    for player in hub.players.values():
        player.answers.clear()
