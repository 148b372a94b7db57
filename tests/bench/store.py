"""A migrated PostgreSQL of a bench's own, gone with it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hub.db import Connection, Database
from hub.embedded.postgres import postgres
from hub.migrations.run import upgrade


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
