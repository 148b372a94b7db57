"""Checks for what makes no progress: ticks, workers, feeds, breakers, backlog, disks.

For hub doctor and /health/ready. Every function yields a line for each finding, and none where all is well. Ages are
by the database's clock.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import psycopg

from config.catalogue import Catalogue
from config.limits import BacklogLimits
from config.settings import Settings
from hub import feeds, views
from hub.db import Connection
from hub.locale import vi
from hub.messages import liveness
from hub.messages.backlog import look

TICK_LATE: Final = 60.0
"""seconds that a tick may be late beside two of its own pauses: a busy machine is slow, not dead"""
HEARTBEAT_LATE: Final = 60.0
"""seconds without a worker's heartbeat after which it counts as dead; it makes one every 10"""
LEAST_DISK: Final = 2 * 1024**3
"""bytes"""
NO_DISK: Final = 64 * 1024**2
"""bytes below which the database may refuse what an endpoint has to store"""


def ticks(conn: Connection) -> Iterator[str]:
    """Ticks that are late, of those that ever ran."""
    last_runs = liveness.last_ticks(conn)
    if _has_just_begun(conn):
        return
    if liveness.SWEEP not in last_runs:
        yield "no sweep has ever run: is hub beat running, and a worker that consumes ticks?"
    for tick in last_runs.values():
        if tick.age > 3 * tick.every + TICK_LATE:
            yield f"{tick.name} last came to its end {_ago(tick.age)} (every {tick.every:.0f} s)"


def workers(conn: Connection) -> Iterator[str]:
    """Workers that died; and whether none lives."""
    known = liveness.workers(conn)
    for worker in known:
        if worker.age > HEARTBEAT_LATE:
            yield f"{worker.name} was last heard {_ago(worker.age)} and had not been told to stop"
    if all(worker.age > HEARTBEAT_LATE for worker in known):
        yield "no worker lives"


def counterparties(conn: Connection, catalogue: Catalogue, settings: Settings) -> list[dict[str, Any]]:
    """hub.views.counterparties, each with its ``finding`` in words; None where there is nothing to find."""
    polled = feeds.polled(catalogue)
    rows, has_just_begun = views.counterparties(conn), _has_just_begun(conn)
    for row in rows:
        every = None
        if row["code"] in polled and not has_just_begun:
            party, feed = polled[row["code"]]
            every = max(min(feed.every(party), settings.poll_at_least_every), settings.poll_every)
        row["finding"] = "; ".join(_standing_still(row, every, settings)) or None
    return rows


def _has_just_begun(conn: Connection) -> bool:
    """Whether every worker that lives was started a moment ago, as after a night in which all was switched off."""
    living = [worker for worker in liveness.workers(conn) if worker.age <= HEARTBEAT_LATE]
    lived = [(worker.seen_at - worker.started_at).total_seconds() for worker in living]
    return bool(lived) and max(lived) < TICK_LATE


def _standing_still(row: dict[str, Any], every: float | None, settings: Settings) -> Iterator[str]:
    if row["state"] == "paused":
        return  # by a person, and shown as such
    if row["state"] == "broken off" or row["failures"] >= settings.breaker_threshold:
        yield vi(
            "circuit open after {failures} consecutive failures, {waiting} waiting",
            failures=row["failures"],
            waiting=row["waiting"],
        )
    if row["oldest_age"] is not None and row["oldest_age"] > settings.backlog_after:
        yield vi("backlog: the oldest has waited {oldest_age}", oldest_age=_minutes(row["oldest_age"]))
    if every is not None and row["feed_age"] > every + settings.feed_silent_after:
        why = f" ({row['feed_error']})" if row["feed_error"] else ""
        yield vi("the feed has stood still for {feed_age}{why}", feed_age=_minutes(row["feed_age"]), why=why)


def backlog(conn: Connection, limits: BacklogLimits) -> Iterator[str]:
    """A backlog of the inbox for which the API refuses submissions, or for which it soon will."""
    state = look(conn, limits)
    if state.is_full(limits, new_work=True):
        yield f"{state}: the API refuses new submissions ([backlog] in limits.toml)"
    elif state.depth >= limits.submissions / 2:
        yield f"{state}: from {limits.submissions} on the API refuses new submissions"


def inbox(conn: Connection, settings: Settings) -> Iterator[str]:
    """Inbox messages that have been due for too long."""
    row = conn.execute(
        "SELECT count(*) AS n, extract(epoch FROM now() - min(due_at))::float8 AS age FROM inbox"
        " WHERE state IN ('received', 'waiting') AND due_at < now() - make_interval(secs => %s)",
        (settings.backlog_after,),
    ).fetchone()
    if row is not None and row["n"]:
        yield f"{row['n']} messages are due and nobody takes them, the oldest for {_ago(row['age'])}"


def disks(conn: Connection, var: Path) -> dict[Path, int]:
    """Folder → free bytes: the hub's own, and PostgreSQL's if it is on this machine and visible to this role."""
    folders, data = {_existing(var)}, _data_folder(conn)
    if data is not None and _is_here(conn):
        folders.add(_existing(data))
    return {folder: shutil.disk_usage(folder).free for folder in folders}


def unseen_disk(conn: Connection) -> str:
    """Why ``disks`` leaves PostgreSQL's out; empty where it does not. That server's operator watches its disk."""
    if not _is_here(conn):
        return "PostgreSQL's disk is another machine's and was not looked at"
    return "" if _data_folder(conn) else "PostgreSQL's disk is not visible to this role and was not looked at"


def _data_folder(conn: Connection) -> Path | None:
    """None where the role may not see it: pg_read_all_settings would reveal replication passwords too."""
    try:
        with conn.transaction():
            row = conn.execute("SELECT current_setting('data_directory', true) AS folder").fetchone()
    except psycopg.errors.InsufficientPrivilege:
        return None
    return Path(row["folder"]) if row and row["folder"] else None


def disk(conn: Connection, var: Path, least: int = LEAST_DISK) -> Iterator[str]:
    """Disks that are nearly full."""
    for folder, free in disks(conn, var).items():
        if free < least:
            yield f"{free / 1024**3:.1f} GiB free in {folder}"


def _is_here(conn: Connection) -> bool:
    return conn.info.host.startswith("/") or conn.info.hostaddr in ("127.0.0.1", "::1")


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that we may look at."""
    for one in (folder, *folder.parents):
        try:
            if one.exists():
                shutil.disk_usage(one)
                return one
        except PermissionError:
            continue
    return Path("/")


def _ago(seconds: float) -> str:
    return f"{seconds / 60:.0f} min ago"


def _minutes(seconds: float) -> str:
    return vi("{seconds:.0f} minutes", seconds=seconds / 60)
