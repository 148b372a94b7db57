"""The embedded PostgreSQL, where its account could not go by itself."""

import os
from pathlib import Path

import psutil
import psycopg
import pytest

from hub.embedded.postgres import postgres


@pytest.mark.skipif(os.geteuid() != 0, reason="only as root is PostgreSQL given another account")
def test_it_runs_behind_a_folder_that_is_closed_to_its_account(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    with postgres(closed / "postgres") as url, psycopg.connect(url) as conn:
        [(pid,)] = conn.execute("SELECT pg_backend_pid()").fetchall()
        assert psutil.Process(pid).uids().effective != 0
        held = next(
            line for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines() if "CapEff" in line
        )
        assert int(held.split()[1], 16) == 1 << 2, "to read and pass folders, and nothing else"
