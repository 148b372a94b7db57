"""The schema of a later release, as an older process finds it in a rolling upgrade: every table has a column more."""

import psycopg
from psycopg import sql

VARIABLE = "LATER_SCHEMA"
"""Set: every database of the test run has it (tests/conftest.py)."""


def widen(url: str) -> None:
    """Add a column to every table of the database; partitions have it from their parents."""
    with psycopg.connect(url) as conn:
        tables = conn.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')"
            " AND NOT relispartition"
        ).fetchall()
        for (table,) in tables:
            conn.execute(
                sql.SQL("ALTER TABLE {} ADD COLUMN IF NOT EXISTS later text DEFAULT 'x'").format(sql.Identifier(table))
            )
