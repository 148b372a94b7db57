"""``python -m tests.bench.settled [ROWS]``: what a dossier costs beside 10,000 settled rows, and 1,000,000.

Two hubs, each on a database of its own, take dossiers in turn. The settled rows are put straight into the tables, with
what belongs to them: idempotency keys, attempts, audit log, dossiers, events. Afterwards every statement that touches
those tables while a message is accepted, claimed, handled, sent and swept is explained on the large database.
"""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import structlog
from psycopg import sql

from config.catalogue import load
from hub.db import Connection
from hub.embedded.postgres import ROLE
from tests.bench.journey import dossiers_per_second
from tests.bench.rows import BenchRow, at_most, in_turn, ratio_at_most, table
from tests.bench.service import await_quiet, service, submit
from tests.bench.store import settings
from tests.builders import a_receipt, a_submission, submission_arrival
from tests.catalogue_secrets import CATALOGUE, environment
from tests.scripted_hub import ScriptedHub
from tests.stack import ProcessStack

FEW: Final = 10_000
"""rows of inbox and outbox together"""
ROWS: Final = 1_000_000
DEPARTMENT: Final = "rest-a"
MANY: Final = 300
"""dossiers in each round"""
GROWTH: Final = 1.2
TABLES: Final = ("inbox", "outbox", "attempt", "idempotency", "audit_log", "dossier", "event")
SWEPT: Final = 5
"""submissions whose statements are explained"""

_FILL: Final = """
WITH settled AS (
    SELECT n, 'sub_settled_' || n AS id, now() - interval '1 day' AS at
    FROM generate_series(%(first)s::int, %(last)s::int) AS n
), received AS (
    INSERT INTO inbox (id, source, kind, external_id, fingerprint, media_type, body, state, attempts, received_at,
        due_at, settled_at)
    SELECT id, 'portal', 'portal.submission', id, sha256(id::bytea), 'application/json', convert_to(repeat('x', 600),
        'UTF8'), 'handled', 1, at, at, at FROM settled
), keyed AS (
    INSERT INTO idempotency (source, key, fingerprint, message_id)
    SELECT 'portal', id, sha256(id::bytea), id FROM settled
), opened AS (
    INSERT INTO dossier (id, code, raw_code, reference, procedure, department, status, status_at, received_at, due_at)
    SELECT id, 'settled-' || n, '', id, '9.000001', 'rest-a', 'accepted', at, at, at FROM settled
), told AS (
    INSERT INTO event (id, type, submission_id, version, notice) SELECT 'ev_settled_' || n, 'dossier', id, 1, '{}'
    FROM settled
), put AS (
    INSERT INTO outbox (id, kind, counterparty, ordering_key, key, subject, body, state, attempts, created_at, due_at,
        settled_at)
    SELECT 'tr_settled_' || n, 'department.submit', 'department.rest-a', id, id, id, convert_to(repeat('x', 600),
        'UTF8'), 'delivered', 1, at, at, at FROM settled
), attempted AS (
    INSERT INTO attempt (id, transfer_id, number, queried_first, started_at, finished_at, outcome)
    SELECT 'at_settled_' || n, 'tr_settled_' || n, 1, false, at, at, 'ok' FROM settled
)
INSERT INTO audit_log (subject, actor, action, after)
SELECT id, 'hub', action, '' FROM settled, unnest(ARRAY['message_received', 'dossier_opened', 'handoff_answered'])
    AS action
"""
_CHUNK: Final = 50_000


def rows(many: int = ROWS) -> list[BenchRow]:
    with service() as small, service() as large:
        for running, settled in ((small, FEW), (large, many)):
            running.start()
            _fill(running, settled)
            submit(running, DEPARTMENT, 100, coded=True)
            await_quiet(running)
        before = _read_by_scans(large)
        pairs = in_turn(lambda: _milliseconds(small), lambda: _milliseconds(large))
        scanned = _read_by_scans(large) - before
        for part in ("worker", "beat"):
            large.stop(part)
        name = f"a dossier beside {many:,} settled rows / beside {FEW:,}"
        return [ratio_at_most(name, "ms", pairs, GROWTH), _scans(large, many, scanned)]


def _milliseconds(running: ProcessStack) -> float:
    return 1000 / dossiers_per_second(running, DEPARTMENT, MANY)


def _fill(running: ProcessStack, settled: int) -> None:
    with psycopg.connect(running.database_url, user=ROLE, autocommit=True) as conn:
        conn.execute("SET session_replication_role = replica")  # no triggers: these rows are what they should be
        conn.execute("SET synchronous_commit = off")
        for first in range(1, settled // 2 + 1, _CHUNK):
            conn.execute(_FILL, {"first": first, "last": min(first + _CHUNK - 1, settled // 2)})
            sys.stderr.write(f"\r  {2 * (first + _CHUNK - 1):,} of {settled:,} rows")
        sys.stderr.write("\n")
        for name in TABLES:
            conn.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(name)))
        conn.execute("CHECKPOINT")


def _read_by_scans(running: ProcessStack) -> int:
    """Rows that sequential scans of these tables have read, by PostgreSQL's statistics."""
    [row] = running.rows(
        "SELECT COALESCE(sum(seq_tup_read), 0)::bigint AS n FROM pg_stat_user_tables WHERE relname = ANY(%s)",
        list(TABLES),
    )
    return int(row["n"])


def _scans(running: ProcessStack, many: int, scanned: int) -> BenchRow:
    statements, scans, indexes = _explained(running)
    note = f"by index: {', '.join(sorted(indexes))}; rows read by sequential scans in the rounds: {scanned}"
    row = at_most(f"of {statements} statements, those that scan a table", "statements", 0, len(scans), 0, "0", note)
    sys.stderr.write("".join(f"  scans {where}\n" for where in scans))
    return row if scanned < many // 2 else at_most(row.name, "rows", 0, scanned, 0, "0", note)


def _explained(running: ProcessStack) -> tuple[int, list[str], set[str]]:
    """How many statements there are, where a table is read from end to end, and which indexes are used."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    known = load(CATALOGUE, environment())
    with ScriptedHub(settings(running.folder / "plans", running.database_url), known) as hub:
        with _captured() as statements:
            _one_of_everything(hub)
        scans: list[str] = []
        indexes: set[str] = set()
        with hub.db.connection() as conn:
            for statement, parameters in statements.values():
                for node in _nodes(_plan(conn, statement, parameters)):
                    if node["Node Type"] == "Seq Scan" and node["Relation Name"] in TABLES:
                        scans.append(f"{node['Relation Name']}: {' '.join(statement.split())[:150]}")
                    if "Index Name" in node:
                        indexes.add(node["Index Name"])
    return len(statements), scans, indexes


def _one_of_everything(hub: ScriptedHub) -> None:
    """Accept, publish, claim, handle, send, settle, sweep."""
    hub.department(DEPARTMENT).answers.extend([a_receipt()] * SWEPT)
    for _ in range(SWEPT):
        hub.accept(submission_arrival(a_submission(DEPARTMENT)))
    wakeups = list(hub.waiting)
    hub._mark(hub._unsent(wakeups))
    hub.carry()
    hub.due()


@contextmanager
def _captured() -> Iterator[dict[str, tuple[str, Any]]]:
    """The statements about these tables that are sent meanwhile, each with parameters that it had."""
    statements: dict[str, tuple[str, Any]] = {}
    execute = psycopg.Cursor.execute

    def capturing(cursor: Any, query: Any, parameters: Any = None, **options: Any) -> Any:
        text = query.as_string(cursor) if isinstance(query, sql.Composable) else str(query)
        if any(name in text for name in TABLES) and text.lstrip().startswith(("SELECT", "WITH", "UPDATE", "INSERT")):
            statements[text] = text, parameters
        return execute(cursor, query, parameters, **options)

    setattr(psycopg.Cursor, "execute", capturing)  # noqa: B010 - for a while
    try:
        yield statements
    finally:
        setattr(psycopg.Cursor, "execute", execute)  # noqa: B010


def _plan(conn: Connection, statement: str, parameters: Any) -> dict[str, Any]:
    row = conn.execute("EXPLAIN (FORMAT JSON) " + statement, parameters).fetchone()
    assert row is not None
    [explained] = row["QUERY PLAN"] if isinstance(row["QUERY PLAN"], list) else json.loads(row["QUERY PLAN"])
    plan: dict[str, Any] = explained["Plan"]
    return plan


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)


def main() -> int:
    measured = rows(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)
    sys.stdout.write(table(measured) + "\n")
    return 0 if all(row.ok for row in measured) else 3


if __name__ == "__main__":
    sys.exit(main())
