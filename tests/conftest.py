"""What every test may ask for: a fresh database of its own, the test catalogue, settings, a hub."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from config.catalogue import Catalogue, load
from config.settings import Settings
from hub.embedded.postgres import postgres
from hub.migrations.run import upgrade
from hub.wiring import Hub
from tests.catalogue_secrets import CATALOGUE, environment
from tests.house import ScriptedHouse

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A PostgreSQL for the whole run; its database "hub" is migrated and serves as the template."""
    directory = tmp_path_factory.mktemp("postgres")
    for folder in (directory, *directory.parents[:2]):
        folder.chmod(0o755)  # as root, PostgreSQL runs under another account and has to get there
    with postgres(directory) as url:
        upgrade(url)
        yield url


@pytest.fixture
def database_url(server: str) -> Iterator[str]:
    """A migrated, empty database of this test's own."""
    name = f"test_{next(_numbers)}"
    with psycopg.connect(_beside(server, "postgres"), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE hub STRATEGY file_copy").format(sql.Identifier(name)))
        yield _beside(server, name)
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def _beside(url: str, database: str) -> str:
    return f"{url.rpartition('/')[0]}/{database}"


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """tests/catalogue, with secrets made for this run."""
    return load(CATALOGUE, environment())


@pytest.fixture
def settings(database_url: str) -> Settings:
    """Settings for a house in one process: a broker that is not there, short pauses."""
    return Settings.model_validate(
        {
            "database_url": database_url,
            "broker_url": "redis://127.0.0.1:1/0",
            "catalogue": CATALOGUE,
            "cursor_key": "a key for cursors in tests only",
            "pauses": (0.1, 0.1, 0.1),
            "inbox_pauses": (0.1, 0.1, 0.1),
            "lease_margin": 0.5,
            "breaker_pause": 0.2,
        }
    )


@pytest.fixture
def house(settings: Settings, catalogue: Catalogue) -> Iterator[ScriptedHouse]:
    """A house on a real database whose counterparties the test plays itself, and whose nudges it carries."""
    with ScriptedHouse(settings, catalogue) as opened:
        yield opened


@pytest.fixture
def hub(settings: Settings, catalogue: Catalogue) -> Iterator[Hub]:
    """The real hub on a real database, with the broker away."""
    with Hub(settings, catalogue) as opened:
        yield opened


@pytest.fixture(scope="session")
def samples() -> Path:
    """Real inputs of other people's systems; a test that needs them is left out, saying so, where they are missing."""
    folder = Path(__file__).parents[2] / "shared" / "samples"
    if not folder.is_dir():
        pytest.skip("the folder of real samples is not beside this checkout")
    return folder
