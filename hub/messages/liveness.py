"""Liveness in PostgreSQL: when each tick last ran, and the heartbeats of the workers, for hub doctor and /health/ready.

All times are the database's own, so that a clock that was set on one machine misleads nobody.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from psycopg.rows import class_row

from hub.db import Connection

SWEEP: Final = "ticks.sweep"
"""the tick without which nothing that was missed is taken up again"""
FORGOTTEN_AFTER: Final = 86_400.0
"""seconds after which a dead worker is not listed any more: whoever replaced it may have another name"""


@dataclass(frozen=True, slots=True)
class Tick:
    """The last run of a tick. ``finished_at`` is None until one has come to its end."""

    name: str
    every: float
    """seconds between two of it"""
    started_at: datetime
    finished_at: datetime | None
    age: float
    """seconds since it last came to its end, or since it first began; never negative"""


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker that was not told to stop."""

    name: str
    queues: list[str]
    started_at: datetime
    seen_at: datetime
    age: float
    """seconds since its last heartbeat; it makes one every HEARTBEAT_EVERY (hub.worker.app)"""


# A start in the future is from before the clock was set back, and holds up nobody.
_CLAIM: Final = """
INSERT INTO tick (name, every, started_at) VALUES (%(name)s, %(every)s, clock_timestamp())
ON CONFLICT (name) DO UPDATE SET every = excluded.every, started_at = excluded.started_at
WHERE tick.started_at <= excluded.started_at - make_interval(secs => excluded.every / 2)
    OR tick.started_at > excluded.started_at
RETURNING name
"""


def claim_tick(conn: Connection, name: str, every: float) -> bool:
    """Claim a run of this tick; False if one began less than half of ``every`` seconds ago.

    So ticks that have piled up behind a slow worker, and those of a second beat, cost one statement each.
    """
    return conn.execute(_CLAIM, {"name": name, "every": every}).fetchone() is not None


def finish_tick(conn: Connection, name: str) -> None:
    """Record that a run of this tick came to its end."""
    conn.execute("UPDATE tick SET finished_at = clock_timestamp() WHERE name = %s", (name,))


def last_ticks(conn: Connection) -> dict[str, Tick]:
    """Every tick that ever ran, by its name ("ticks.sweep", "ticks.poll", …)."""
    with conn.cursor(row_factory=class_row(Tick)) as cursor:
        rows = cursor.execute(
            "SELECT name, every, started_at, finished_at, GREATEST(0, extract(epoch FROM"
            " clock_timestamp() - COALESCE(finished_at, started_at)))::float8 AS age FROM tick ORDER BY name"
        )
        return {tick.name: tick for tick in rows}


def record_heartbeat(conn: Connection, name: str, queues: Collection[str]) -> None:
    """Record that the worker lives. A new start under the same name takes the row over."""
    conn.execute(
        "INSERT INTO worker_heartbeat (name, queues) VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET"
        " queues = excluded.queues, seen_at = now(), stopped_at = NULL,"
        " started_at = CASE WHEN worker_heartbeat.stopped_at IS NULL THEN worker_heartbeat.started_at ELSE now() END",
        (name, sorted(queues)),
    )


def record_stop(conn: Connection, name: str) -> None:
    """Record that the worker was told to stop, so that its silence is no finding."""
    conn.execute("UPDATE worker_heartbeat SET stopped_at = now() WHERE name = %s", (name,))


def workers(conn: Connection) -> list[Worker]:
    """The workers that live, and those that died within FORGOTTEN_AFTER without being told to stop."""
    with conn.cursor(row_factory=class_row(Worker)) as cursor:
        return cursor.execute(
            "SELECT name, queues, started_at, seen_at,"
            " GREATEST(0, extract(epoch FROM clock_timestamp() - seen_at))::float8 AS age FROM worker_heartbeat"
            " WHERE stopped_at IS NULL AND seen_at > now() - make_interval(secs => %s) ORDER BY name",
            (FORGOTTEN_AFTER,),
        ).fetchall()
