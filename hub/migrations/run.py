"""Bringing a database to the newest step, and asking whether it is there."""

from pathlib import Path
from typing import Final

from psycopg import connect, errors

_HERE: Final = Path(__file__).parent


def upgrade(database_url: str, steps: Path = _HERE) -> None:
    """Run the missing steps of the folder, each in a transaction, waiting at most 10 s for a lock."""
    # Alembic brings SQLAlchemy: 0.5 s and 20 MiB of every process that only asks at which step the database is.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(steps))
    config.attributes["database_url"] = database_url
    command.upgrade(config, "head")


def retain(database_url: str, *, evidence_days: int) -> None:
    """Say how long evidence is kept; nobody but the owner of the tables can."""
    with connect(database_url) as conn:
        conn.execute("UPDATE retention SET days = %s WHERE subject = 'exchange'", (evidence_days,))


def head() -> str:
    """The newest step that this code knows: the number that its file begins with."""
    return max(path.stem for path in (_HERE / "versions").glob("[0-9]*.py"))[:4]


def current(database_url: str) -> str | None:
    """The step at which the database is; None before the first."""
    with connect(database_url) as conn:
        try:
            row = conn.execute("SELECT version_num FROM alembic_version").fetchone()
        except errors.UndefinedTable:
            return None
    return row[0] if row else None
