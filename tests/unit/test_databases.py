"""Borrowed databases: the next test finds nothing of the one before it, and a connection that works."""

import psycopg

from hub.db import Database
from tests.databases import Databases, TestDatabase


def test_the_next_borrower_finds_it_empty_and_counted_from_one(databases: Databases) -> None:
    with databases.borrowed() as database, psycopg.connect(database.url) as conn:
        first = conn.execute("SELECT nextval('fee_reference_serial')").fetchone()
        conn.execute("INSERT INTO counterparty (code) VALUES ('department.rest-a')")
    with databases.borrowed() as again, psycopg.connect(again.url) as conn:
        assert again is database
        assert conn.execute("SELECT count(*) FROM counterparty").fetchone() == (0,)
        assert conn.execute("SELECT nextval('fee_reference_serial')").fetchone() == first


def test_one_with_another_schema_or_other_rows_of_the_migrations_is_not_lent_again(databases: Databases) -> None:
    for change in (
        "CREATE TABLE another (id integer)",
        "ALTER TABLE audit_log DISABLE TRIGGER ALL",
        "GRANT SELECT ON audit_log TO PUBLIC",
        "UPDATE retention SET days = 1",
    ):
        with databases.borrowed() as database:
            database.connection.execute(change)
        with databases.borrowed() as another:
            assert another is not database, change


def test_who_is_still_connected_is_sent_away_and_a_pools_connection_stays(databases: Databases) -> None:
    with databases.borrowed() as database:
        left_open = psycopg.connect(database.url)
        backend = backend_of_a_pool(database)
    with databases.borrowed() as again:
        assert is_dead(left_open)
        assert again is database
        assert backend_of_a_pool(again) == backend


def backend_of_a_pool(database: TestDatabase) -> int:
    pool = Database(database.url, size=1)
    pool.open()
    with pool.connection() as conn:
        backend = conn.info.backend_pid
    pool.close()
    return backend


def is_dead(connection: psycopg.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except psycopg.OperationalError:
        return True
    return False
