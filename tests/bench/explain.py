"""What a dossier costs, by process: ``python -m tests.bench journey --explain``.

Dossiers go from the portal to a department that receives them at once. Printed are CPU by process, commits and
statements a dossier, and the statements that took longest; where py-spy is installed, a flame graph of the worker.
"""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import psycopg

from tests.bench.load import requests_per_second, submission_requests
from tests.stack import ProcessStack

WARM_UP = 100
"""dossiers before the measured ones: ports, plans and connections are made once"""
TOP = 25
"""statements that are printed"""
FLAMES = Path("var/worker.svg")
FLUSHED_AFTER = 1.2
"""seconds until PostgreSQL's backends have written their counters"""

_STATEMENTS = """
SELECT calls, total_exec_time + total_plan_time AS milliseconds, regexp_replace(query, '\\s+', ' ', 'g') AS query
FROM pg_stat_statements JOIN pg_database ON pg_database.oid = dbid
WHERE datname = current_database() AND query !~* '^(begin|commit|rollback|savepoint|release|set )'
ORDER BY milliseconds DESC
"""


@dataclass(frozen=True, slots=True)
class _Spent:
    """Counters at one moment."""

    cpu: dict[str, float]
    """process → seconds"""
    commits: int


def prepare(database_url: str) -> None:
    """Have the server load pg_stat_statements at its next start."""
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("ALTER SYSTEM SET shared_preload_libraries = 'pg_stat_statements'")
        conn.execute("ALTER SYSTEM SET pg_stat_statements.track_planning = on")


def run(running: ProcessStack, *, department: str, many: int) -> None:
    """Send ``many`` dossiers and print what each cost."""
    running.start()
    with psycopg.connect(running.database_url, autocommit=True) as conn:
        conn.execute("CREATE EXTENSION pg_stat_statements")
        _through(running, department, WARM_UP)
        before = _spent(running, conn)
        conn.execute("SELECT pg_stat_statements_reset()")
        started = time.perf_counter()
        with _flame_graph(running.parts["worker"].pid):
            _through(running, department, many)
            elapsed = time.perf_counter() - started
        after = _spent(running, conn)
        statements = conn.execute(_STATEMENTS).fetchall()
    sys.stdout.write(f"{many} dossiers to {department}: {many / elapsed:.1f}/s until the portal was told\n")
    sys.stdout.writelines(f"{line}\n" for line in _report(before, after, statements, many))


def _through(running: ProcessStack, department: str, many: int) -> None:
    requests_per_second(running.url, submission_requests(running.url, many, department), expect=202)
    running.wait_for(running.quiet)


def _spent(running: ProcessStack, conn: psycopg.Connection[Any]) -> _Spent:
    cpu = {name: _cpu(psutil.Process(part.pid)) for name, part in running.parts.items()}
    for child in psutil.Process().children():
        if child.name() in ("postgres", "valkey-server"):
            cpu[child.name()] = _cpu(child)
    time.sleep(FLUSHED_AFTER)
    row = conn.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()").fetchone()
    return _Spent(cpu, row[0] if row else 0)


def _cpu(process: psutil.Process) -> float:
    """Seconds of a process, its children, and those of them that have ended."""
    times = process.cpu_times()
    spent = times.user + times.system + times.children_user + times.children_system
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            own = child.cpu_times()
            spent += own.user + own.system
    return spent


@contextmanager
def _flame_graph(pid: int) -> Iterator[None]:
    """Record where the process holds the interpreter's lock, if py-spy is installed."""
    spy = shutil.which("py-spy")
    if spy is None:
        yield
        return
    FLAMES.parent.mkdir(parents=True, exist_ok=True)
    command = [spy, "record", "--gil", "--rate", "250", "--duration", "3600", "--pid", str(pid), "--output"]
    recording = subprocess.Popen([*command, str(FLAMES)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        recording.send_signal(2)
        recording.wait()


def _report(before: _Spent, after: _Spent, statements: list[tuple[int, float, str]], many: int) -> Iterator[str]:
    cpu = {name: (after.cpu[name] - before.cpu[name]) / many * 1000 for name in after.cpu}
    calls = sum(row[0] for row in statements) / many
    yield f"CPU {sum(cpu.values()):.1f} ms a dossier: " + ", ".join(f"{name} {ms:.1f}" for name, ms in cpu.items())
    yield f"{(after.commits - before.commits) / many:.2f} commits and {calls:.1f} statements a dossier"
    yield f"{'calls':>8}{'ms':>9}  a dossier, statements by time"
    yield from (f"{count / many:8.2f}{ms / many:9.3f}  {query[:120]}" for count, ms, query in statements[:TOP])
    if shutil.which("py-spy"):
        yield f"{FLAMES}: where the worker holds the interpreter's lock"
