"""What every test may ask for: a fresh database of its own, the test catalogue, settings, a hub."""

import gc
import itertools
import os
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql
from psycopg_pool import ConnectionPool
from pydantic import PostgresDsn

from config.catalogue import Catalogue, load
from config.settings import Settings
from hub.embedded.pki import Pki, completed
from hub.embedded.postgres import postgres
from hub.embedded.valkey import valkey
from hub.migrations.run import upgrade
from tests import later_schema
from tests.catalogue_secrets import CATALOGUE, environment
from tests.databases import Databases, ReusedConnection, beside
from tests.deploy.installed import a_database, database_url_as, make_roles, run_script
from tests.rabbitmq import USER, RabbitMQ, install, rabbitmq
from tests.scripted_hub import ScriptedHub
from tests.server_folder import server_folder

_numbers = itertools.count(1)

LONGEST_FIRST: Final = (
    "faults/test_network.py",
    "faults/test_short_run.py",
    "faults/test_mutants.py",
    "faults/test_state_machine.py",
    "faults/test_postgres.py",
    "faults/test_crash_points.py",
    "journeys/test_supervisor.py",
    "faults/test_controls.py",
    "faults/test_broker.py",
    "unit/signing/test_forgeries.py",
    "deploy/test_rabbitmq.py",
    "journeys/test_behaviours.py",
    "integration/fees/test_two_names.py",
    "integration/fees/test_settlements_story.py",
    "unit/signing/test_tampering.py",
    "journeys/test_parcels.py",
    "faults/test_previous_release.py",
    "deploy/test_server_stack_roles.py",
    "journeys/test_custody.py",
    "unit/untrusted/test_reading.py",
    "integration/fees/test_book_tampering.py",
    "journeys/test_settlements.py",
    "journeys/test_privacy.py",
    "unit/papers/test_sign.py",
    "integration/fees/test_noise.py",
    "integration/fees/test_alike.py",
    "integration/fees/test_lifecycles.py",
    "unit/sandbox/test_tables.py",
    "architecture/test_docs.py",
    "unit/sandbox/test_hub_connectors.py",
    "integration/fees/test_matching_sums.py",
    "contract/test_postal_operators.py",
    "contract/test_banks.py",
)
"""files that take 15 s and more, so that no worker is left alone with one when the others have nothing more to do"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long files before all others. `make test` keeps this order (--no-loadscope-reorder)."""
    folder = Path(__file__).parent
    places = {folder / name: place for place, name in enumerate(LONGEST_FIRST)}
    if gone := [str(path) for path in places if not path.is_file()]:
        raise pytest.UsageError(f"tests/conftest.py: LONGEST_FIRST names what is not there: {', '.join(gone)}")
    items.sort(key=lambda item: places.get(item.path, len(places)))


def pytest_collection_finish() -> None:
    """What was imported and collected stays: the garbage collector need not search it again and again."""
    gc.collect()
    gc.freeze()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """``@pytest.mark.database_roles("owner", "hub_worker")``: once with each role's rights."""
    marker = metafunc.definition.get_closest_marker("database_roles")
    if marker is not None and "database_role" in metafunc.fixturenames:
        metafunc.parametrize("database_role", marker.args, indirect=True)


@pytest.fixture
def database_role(request: pytest.FixtureRequest) -> str:
    """As whom the hub connects: the owner, or a role with the rights of deploy/postgres/grants.sql."""
    return str(getattr(request, "param", "owner"))


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A PostgreSQL for the whole run; its database "hub" is migrated and serves as the template."""
    with server_folder() as folder, postgres(folder) as url:
        _hurry(url)
        upgrade(url)
        if os.environ.get(later_schema.VARIABLE):
            later_schema.widen(url)
        yield url


def _hurry(url: str) -> None:
    """No fsync: what is killed in a test loses nothing all the same, since only a machine that stops would.

    And a password that is proved with one round of hashing, not 4096: tests connect ten thousand times.
    """
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("ALTER SYSTEM SET fsync = off")
        admin.execute("ALTER SYSTEM SET full_page_writes = off")
        admin.execute("ALTER SYSTEM SET autovacuum = off")  # no database lives for longer than its test
        admin.execute("SELECT pg_reload_conf()")
        admin.execute("SET scram_iterations = 1")
        admin.execute(sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}").format(admin.info.password))


@pytest.fixture(scope="session")
def administration(server: str) -> Iterator[psycopg.Connection]:
    """The one connection that makes and drops the tests' databases."""
    with psycopg.connect(server, autocommit=True, dbname="postgres") as connection:
        yield connection


@pytest.fixture(scope="session")
def databases(administration: psycopg.Connection) -> Iterator[Databases]:
    """The databases that tests borrow one after the other; a hub's connections to them stay open between tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hub.db.ConnectionPool", partial(ConnectionPool, connection_class=ReusedConnection))
        running = Databases(administration, "hub")
        yield running
        running.close()


@pytest.fixture(scope="session")
def granted_databases(server: str, databases: Databases, administration: psycopg.Connection) -> Iterator[Databases]:
    """The same with the roles and the rights of deploy/postgres."""
    with a_database(server, template="hub") as template:
        make_roles(beside(administration, template))
        run_script(beside(administration, template), "grants.sql")
        running = Databases(administration, template)
        yield running
        running.close()


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database_role: str) -> Iterator[str]:
    """A migrated, empty database, this test's own until it ends."""
    databases = request.getfixturevalue("databases" if database_role == "owner" else "granted_databases")
    with databases.borrowed() as database:
        yield database.url


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """tests/catalogue, with secrets made for this run."""
    return load(CATALOGUE, environment())


@pytest.fixture(scope="session")
def pki(catalogue: Catalogue, tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """A development PKI for tests/catalogue, one for the whole run; who revokes or rotates makes one of their own."""
    return completed(tmp_path_factory.mktemp("pki"), catalogue, "a passphrase for keys in tests only")


@pytest.fixture
def own_pki(catalogue: Catalogue, tmp_path: Path) -> Pki:
    """Keys that nobody else uses, to rotate and to revoke."""
    return completed(tmp_path / "pki", catalogue, "a passphrase for keys in tests only")


@pytest.fixture
def settings(read_settings: Settings, database_url: str, database_role: str) -> Settings:
    """Settings for a hub in one process: a broker that is not there, short pauses."""
    url = database_url
    if database_role != "owner":
        url = database_url_as(database_url, database_url.rpartition("/")[2], database_role)
    return read_settings.model_copy(update={"database_url": PostgresDsn(url)})


@pytest.fixture(scope="session")
def read_settings(pki: Pki) -> Settings:
    """Read and checked once, because that takes 10 ms; every test has its own database."""
    return Settings.model_validate(
        {
            "database_url": "postgresql://127.0.0.1/of-each-test",
            "broker_url": "redis://127.0.0.1:1/0",
            "catalogue": CATALOGUE,
            "cursor_key": "a key for cursors in tests only",
            "keys": pki.keys,
            "keys_passphrase": pki.passphrase,
            "pauses": (0.1, 0.1, 0.1),
            "inbox_pauses": (0.1, 0.1, 0.1),
            "lease_margin": 0.5,
            "breaker_pause": 0.2,
        }
    )


@pytest.fixture
def hub(settings: Settings, catalogue: Catalogue) -> Iterator[ScriptedHub]:
    """A hub on a real database whose counterparties the test plays itself, and whose wake-ups it carries."""
    with ScriptedHub(settings, catalogue) as opened:
        yield opened


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real inputs of other people's systems; a test that needs them is left out, saying so, where they are missing."""
    folder = Path(__file__).parents[2] / "shared" / "samples"
    if not folder.is_dir():
        pytest.skip("the folder of real samples is not beside this checkout")
    return folder


@pytest.fixture
def stack_folder() -> Iterator[Path]:
    """In memory, for a whole hub: its counterparties sync every effect, and a busy disk takes seconds for it."""
    with server_folder() as folder:
        yield folder


@pytest.fixture
def valkey_url(tmp_path: Path) -> Iterator[str]:
    """The embedded broker, empty, this test's own."""
    with valkey(tmp_path / "valkey") as url:
        yield url


@pytest.fixture(scope="session")
def rabbit() -> Iterator[RabbitMQ]:
    """A RabbitMQ for the whole run; without one the test is left out, saying why."""
    reason = install()
    if reason is not None:
        pytest.skip(reason)
    with server_folder() as folder, rabbitmq(folder) as running:
        yield running


@pytest.fixture
def rabbit_url(rabbit: RabbitMQ) -> Iterator[str]:
    """A virtual host of this test's own."""
    name = f"test{next(_numbers)}"
    rabbit.api("PUT", f"vhosts/{name}")
    rabbit.api("PUT", f"permissions/{name}/{USER}", {"configure": ".*", "write": ".*", "read": ".*"})
    yield rabbit.url.rstrip("/") + "/" + name
    rabbit.api("DELETE", f"vhosts/{name}")


@pytest.fixture(params=["embedded", pytest.param("server", marks=pytest.mark.server_stack)])
def broker_url(request: pytest.FixtureRequest) -> str:
    """Either broker: the same journeys run on both."""
    url = request.getfixturevalue("valkey_url" if request.param == "embedded" else "rabbit_url")
    assert isinstance(url, str)
    return url
