"""Bringing a database to the newest step, and asking whether it is there."""

from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from psycopg import connect, errors

_HERE: Final = Path(__file__).parent


def upgrade(database_url: str) -> None:
    """Run the missing steps, each in a transaction, waiting at most 10 s for a lock."""
    command.upgrade(_config(database_url), "head")


def retain(database_url: str, *, evidence_days: int) -> None:
    """Say how long evidence is kept; nobody but the owner of the tables can."""
    with connect(database_url) as conn:
        conn.execute("UPDATE retention SET days = %s WHERE subject = 'exchange'", (evidence_days,))


def head() -> str:
    """The newest step that this code knows."""
    found = ScriptDirectory.from_config(_config("")).get_current_head()
    if found is None:
        raise LookupError("no migration step")
    return found


def current(database_url: str) -> str | None:
    """The step at which the database is; None before the first."""
    with connect(database_url) as conn:
        try:
            row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        except errors.UndefinedTable:
            return None
    return row[0] if row else None


def _config(database_url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["database_url"] = database_url
    return config
