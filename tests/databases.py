"""Databases that tests borrow: migrated and empty, and emptied afterwards instead of dropped.

To make a database, to drop it, and to fill the caches of a new connection takes 0.2 s of CPU; to empty one 5 ms, and
connections that stay know its tables already. A database whose schema a test has changed is not lent again.
"""

import itertools
import os
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final, Self

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

LENT_AT_MOST: Final = 50
"""times: nothing vacuums here, so what tests have deleted stays in the files"""
FILLED: Final = ("alembic_version", "retention")
"""tables that the migrations fill; to change them is to change the schema"""

_SCHEMA: Final = "SELECT " + ", ".join(
    f"(SELECT count(*) || ' ' || max(xmin::text::bigint) FROM {table})"
    for table in ("pg_class", "pg_attribute", "pg_proc", "pg_trigger", "pg_constraint", "pg_policy", *FILLED)
)
"""differs after every change of a table, a function, a trigger or a right"""
_TABLES: Final = """
    SELECT relname FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname <> ALL(%s)
"""
_SEQUENCES: Final = "SELECT seqrelid::regclass::text, seqstart FROM pg_sequence"
_OTHERS: Final = """
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class ReusedConnection(psycopg.Connection[Any]):
    """A connection that is not closed but stays open, for whoever connects next in the same way."""

    _idle: ClassVar[defaultdict[tuple[str, ...], list["ReusedConnection"]]] = defaultdict(list)
    _key: tuple[str, ...]
    database: str
    backend: int

    @classmethod
    def connect(cls, conninfo: str = "", **settings: Any) -> Self:
        key = (str(os.getpid()), conninfo, repr(sorted(settings.items())))  # not those of the process we forked from
        while cls._idle[key]:
            with suppress(IndexError, psycopg.OperationalError):  # another thread has it; the server has been restarted
                idle = cls._idle[key].pop()
                idle.execute("")
                assert isinstance(idle, cls)
                return idle
        opened = super().connect(conninfo, **settings)
        opened._key = key
        opened.database, opened.backend = opened.info.dbname, opened.info.backend_pid
        return opened

    def close(self) -> None:
        if self.closed or self.pgconn.transaction_status != TransactionStatus.IDLE:
            super().close()
            return
        self.pgconn.exec_(b"RESET ALL; UNLISTEN *; SELECT pg_advisory_unlock_all()")
        if self not in self._idle[self._key]:
            self._idle[self._key].append(self)

    @classmethod
    def retain(cls, database: str, alive: set[int]) -> set[int]:
        """Close those to ``database`` whose backend is not among ``alive``. Returns the backends of the others."""
        staying = set()
        for connection in [each for idle in cls._idle.values() for each in idle]:
            if connection.database == database:
                if connection.backend in alive:
                    staying.add(connection.backend)
                else:
                    cls._idle[connection._key].remove(connection)
                    psycopg.Connection.close(connection)
        return staying


class Databases:
    """The databases of one server: borrowed by one test at a time, made from ``template`` when none is free."""

    def __init__(self, administration: psycopg.Connection[Any], template: str) -> None:
        self._administration = administration
        self._template = template
        self._numbers = itertools.count(1)
        self._free: list[TestDatabase] = []

    @contextmanager
    def borrowed(self) -> Iterator["TestDatabase"]:
        """An empty one."""
        database = self._free.pop() if self._free else self._create()
        yield database
        if database.times_lent < LENT_AT_MOST and database.is_free_again():
            database.empty()
            database.times_lent += 1
            self._free.append(database)
        else:
            self._drop(database)

    def close(self) -> None:
        """Close every connection to those that are free."""
        for database in self._free:
            ReusedConnection.retain(database.name, alive=set())
            database.connection.close()

    def _create(self) -> "TestDatabase":
        name = f"{self._template}_{next(self._numbers)}"
        creation = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy")
        self._administration.execute(creation.format(sql.Identifier(name), sql.Identifier(self._template)))
        return TestDatabase(name, beside(self._administration, name))

    def _drop(self, database: "TestDatabase") -> None:
        ReusedConnection.retain(database.name, alive=set())
        database.connection.close()
        self._administration.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database.name)))


def beside(connection: psycopg.Connection[Any], name: str) -> str:
    """The URL of another database on the same server, as the same account."""
    info = connection.info
    return f"postgresql://{info.user}:{info.password}@{info.host}:{info.port}/{name}"


class TestDatabase:
    """One database, and a superuser's connection to it for which no trigger and no foreign key holds."""

    __test__ = False

    def __init__(self, name: str, url: str) -> None:
        self.name = name
        self.url = url
        self.times_lent = 1
        self.connection = psycopg.connect(url, autocommit=True, options="-c session_replication_role=replica")
        self._schema = self._fingerprint()
        tables = [table for (table,) in self.connection.execute(_TABLES, [list(FILLED)])]
        deletes = [
            sql.SQL("d{} AS (DELETE FROM {})").format(number, sql.Identifier(table))
            for number, table in enumerate(tables)
        ]
        starts = [sql.SQL("setval({}, {}, false)").format(*row) for row in self.connection.execute(_SEQUENCES)]
        self._emptying = sql.SQL("WITH {} SELECT {}").format(sql.SQL(", ").join(deletes), sql.SQL(", ").join(starts))

    def empty(self) -> None:
        """Delete all rows, and count from one again."""
        self.connection.execute(self._emptying, prepare=True)

    def is_free_again(self) -> bool:
        """Whether everybody has left, by force if need be, and what the test leaves has the schema that it found."""
        try:
            others = {pid for (pid,) in self.connection.execute(_OTHERS)}
            for pid in others - ReusedConnection.retain(self.name, alive=others):
                self.connection.execute("SELECT pg_terminate_backend(%s, 30000)", [pid])
            return bool(self._fingerprint() == self._schema)
        except psycopg.OperationalError:
            return False  # The test has closed the database to everybody, or has sent us away too.

    def _fingerprint(self) -> Any:
        return self.connection.execute(_SCHEMA, prepare=True).fetchone()
