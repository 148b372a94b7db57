"""A migrated PostgreSQL of a bench's own, gone with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from config.catalogue import load
from config.settings import Settings
from hub.db import Connection, Database
from hub.embedded.pki import completed
from hub.embedded.postgres import postgres
from hub.migrations.run import upgrade
from tests.catalogue_secrets import CATALOGUE, environment


@contextmanager
def database() -> Iterator[tuple[Path, str]]:
    """The bench's folder, and the address of the database in it."""
    with TemporaryDirectory(prefix="lienthong-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with postgres(folder / "postgres") as url:
            upgrade(url)
            yield folder, url


@contextmanager
def connection() -> Iterator[Connection]:
    """One connection to such a database."""
    with database() as (_, url):
        store = Database(url, size=1)
        store.open()
        try:
            with store.connection() as conn:
                yield conn
        finally:
            store.close()


def settings(folder: Path, url: str) -> Settings:
    """Of a hub in one process: a broker that is not there, keys made for it."""
    pki = completed(folder / "pki", load(CATALOGUE, environment()), "a passphrase for keys in a bench only")
    values: dict[str, Any] = {
        "database_url": url,
        "broker_url": "redis://127.0.0.1:1/0",
        "catalogue": CATALOGUE,
        "cursor_key": "a key for cursors in a bench only",
        "keys": pki.keys,
        "keys_passphrase": pki.passphrase,
    }
    return Settings.model_validate(values)
