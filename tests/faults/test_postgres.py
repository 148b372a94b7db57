"""PostgreSQL is replaced by its replica, its disk is full: nothing that was accepted is lost, and the hub goes on."""

import os
import pwd
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import DiskFull
from pydantic import PostgresDsn

from config.catalogue import Catalogue
from config.settings import Settings
from hub import dispatch
from hub.migrations.run import upgrade
from tests.builders import a_receipt, submission_arrival
from tests.faults.cluster import PostgresServer
from tests.faults.proxy import port_of, proxy, through
from tests.faults.test_mutants import later
from tests.scripted_hub import ScriptedHub
from tests.server_folder import server_folder

pytestmark = pytest.mark.faults

SMALL: Final = "64m"
"""size of the disk that fills up"""
MORE_THAN_FIT: Final = 500
"""submissions"""


@pytest.fixture
def folder() -> Iterator[Path]:
    with server_folder() as opened:
        yield opened


def test_a_promoted_replica_has_all_that_was_accepted(folder: Path, settings: Settings, catalogue: Catalogue) -> None:
    primary = PostgresServer(folder / "primary")
    primary.start()
    upgrade(primary.url)
    with following(primary, folder / "replica") as replica, proxy(port_of(primary.url)) as address:
        moved = settings.model_copy(update={"database_url": PostgresDsn(through(address, primary.url))})
        with ScriptedHub(moved, catalogue) as hub:
            accepted = [hub.accept(submission_arrival()).id for _ in range(5)]
            dispatch.handle(hub, accepted[0])
            hub.waiting.clear()
            primary.stop(signal.SIGQUIT)
            with psycopg.connect(replica.url, autocommit=True) as admin:
                admin.execute("SELECT pg_promote()")
            address.target = port_of(replica.url)
            address.cut()
            reconnect(hub)
            hub.department("rest-a").answers.extend([a_receipt()] * len(accepted))
            later(hub)
            assert [
                row["id"] for row in hub.rows("SELECT id FROM inbox WHERE state = 'handled' ORDER BY seq")
            ] == accepted
            assert len({code for code, _ in hub.department("rest-a").submitted}) == len(accepted)


def reconnect(hub: ScriptedHub) -> None:
    """Until the pool has a connection to the new server; what it had to the old one fails once each."""
    while True:
        try:
            hub.rows("SELECT 1")
        except psycopg.OperationalError:
            time.sleep(0.1)
        else:
            return


@contextmanager
def following(primary: PostgresServer, folder: Path) -> Iterator[PostgresServer]:
    """A replica that has everything before the primary's commits are answered. Both are stopped at the end."""
    program = str(Path(primary.server.program().command[0]).with_name("pg_basebackup"))
    folder.mkdir()
    command = [program, "-d", primary.url, "-D", str(folder / "data"), "-R", "-X", "stream", "-c", "fast"]
    subprocess.run(command, check=True, capture_output=True)
    shutil.copy(primary.server.directory / "password", folder / "password")
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", "nobody", str(folder / "data")], check=True)
    replica = PostgresServer(folder)
    replica.start()
    try:
        with psycopg.connect(primary.url, autocommit=True) as admin:
            admin.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            admin.execute("SELECT pg_reload_conf()")
        yield replica
    finally:
        replica.stop()
        primary.stop(signal.SIGQUIT)


def test_a_full_disk_refuses_what_is_new_and_costs_nothing_that_was_accepted(
    folder: Path, settings: Settings, catalogue: Catalogue
) -> None:
    server = PostgresServer(folder / "server")
    server.start()
    with a_small_disk(folder / "disk") as disk:
        try:
            upgrade(server.url)
            with psycopg.connect(server.server.url_of("postgres"), autocommit=True) as admin:
                admin.execute(sql.SQL("CREATE TABLESPACE small LOCATION {}").format(str(disk)))
                admin.execute("ALTER DATABASE hub SET TABLESPACE small")
            with ScriptedHub(settings.model_copy(update={"database_url": PostgresDsn(server.url)}), catalogue) as hub:
                accepted = [hub.accept(submission_arrival()).id]
                ballast = fill(disk)
                accepted += accepted_until_full(hub)
                assert {row["id"] for row in hub.rows("SELECT id FROM inbox")} == set(accepted)
                ballast.unlink()
                accepted.append(hub.accept(submission_arrival()).id)
                hub.department("rest-a").answers.extend([a_receipt()] * len(accepted))
                later(hub)
                later(hub)
                handled = hub.rows("SELECT id FROM inbox WHERE state = 'handled' ORDER BY seq")
                assert [row["id"] for row in handled] == accepted
                assert len({code for code, _ in hub.department("rest-a").submitted}) == len(accepted)
        finally:
            server.stop()


def accepted_until_full(hub: ScriptedHub) -> list[str]:
    """What still fits into the pages that there are."""
    accepted: list[str] = []
    try:
        while len(accepted) < MORE_THAN_FIT:
            accepted.append(hub.accept(submission_arrival()).id)
    except DiskFull:
        return accepted
    raise AssertionError("the disk is not full")


@contextmanager
def a_small_disk(folder: Path) -> Iterator[Path]:
    """A file system in memory of SMALL; the test is left out where we may not mount one."""
    folder.mkdir()
    mounted = subprocess.run(
        [
            "mount",
            "-t",
            "tmpfs",
            "-o",
            f"size={SMALL},mode=0700,uid={pwd.getpwnam('nobody').pw_uid}",
            "tmpfs",
            str(folder),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"a small file system cannot be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(disk: Path) -> Path:
    """Leave not a byte. Gives the file that took them."""
    ballast = disk / "ballast"
    with suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    return ballast
