"""Redacted evidence of what was said to a counterparty, kept in months that are dropped whole."""

from datetime import datetime
from typing import Any

from psycopg.types.json import Jsonb

from hub.db import Connection


def keep(conn: Connection, attempt_id: str | None, counterparty: str, records: list[tuple[str, datetime, Any]]) -> None:
    """Keep (id, time, record) of every exchange of one attempt."""
    for exchange_id, at, record in records:
        conn.execute(
            "INSERT INTO exchange (id, at, attempt_id, counterparty, record) VALUES (%s, %s, %s, %s, %s)",
            (exchange_id, at, attempt_id, counterparty, Jsonb(record)),
        )


def rotate(conn: Connection) -> list[str]:
    """Make the coming months' places; drop the months that have ended for as long as is kept, and return their names.

    The database's own function does it, as the tables' owner, by its own day and by what the owner has said is kept:
    this process may neither make nor drop a table.
    """
    return [row["dropped"] for row in conn.execute("SELECT rotate_exchange() AS dropped")]
