"""Redacted evidence of what was said to a counterparty, kept in months that are dropped whole."""

from datetime import date, datetime, timedelta
from typing import Any, Final

from psycopg import errors, sql
from psycopg.types.json import Jsonb

from hub.db import Connection

MONTHS_AHEAD: Final = 2


def keep(conn: Connection, attempt_id: str | None, counterparty: str, records: list[tuple[str, datetime, Any]]) -> None:
    """Keep (id, time, record) of every exchange of one attempt."""
    for exchange_id, at, record in records:
        conn.execute(
            "INSERT INTO exchange (id, at, attempt_id, counterparty, record) VALUES (%s, %s, %s, %s, %s)",
            (exchange_id, at, attempt_id, counterparty, Jsonb(record)),
        )


def rotate(conn: Connection, today: date, *, days: int) -> list[str]:
    """Make the coming months' places; drop the months that ended more than ``days`` ago, and return their names."""
    month = today.replace(day=1)
    for _ in range(MONTHS_AHEAD + 1):
        following = (month + timedelta(days=32)).replace(day=1)
        _make(conn, month, following)
        month = following
    conn.execute("DELETE FROM exchange_other WHERE at < %s", (today - timedelta(days=days),))
    dropped = [name for name, end in _months(conn) if end <= today - timedelta(days=days)]
    for name in dropped:
        conn.execute(sql.SQL("DROP TABLE {}").format(sql.Identifier(name)))
    return dropped


def _make(conn: Connection, month: date, following: date) -> None:
    name = sql.Identifier(f"exchange_{month:%Y_%m}")
    statement = sql.SQL("CREATE TABLE IF NOT EXISTS {} PARTITION OF exchange FOR VALUES FROM ({}) TO ({})")
    try:
        with conn.transaction():
            conn.execute(statement.format(name, sql.Literal(month.isoformat()), sql.Literal(following.isoformat())))
    except errors.CheckViolation:
        # Rows of this month stand in the default partition already; they age there.
        return


def _months(conn: Connection) -> list[tuple[str, date]]:
    names = [
        row["name"]
        for row in conn.execute(
            "SELECT c.relname AS name FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid"
            " WHERE i.inhparent = 'exchange'::regclass AND c.relname <> 'exchange_other'"
        )
    ]
    return [(name, _end(name)) for name in sorted(names)]


def _end(name: str) -> date:
    year, month = name.removeprefix("exchange_").split("_")
    return (date(int(year), int(month), 1) + timedelta(days=32)).replace(day=1)
