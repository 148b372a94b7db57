"""Asking without being told: what a counterparty's feed says goes into the inbox, like everything else that comes in.

Callbacks are a hurry-up, polling is the truth: whatever was lost on its way to a door stands in the feed. Each feed is
read in a thread of its own under a lease, so that one that hangs holds up no other and is not read twice at a time.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import structlog
from psycopg.errors import OperationalError
from psycopg_pool import PoolTimeout

from config.catalogue import Counterparty
from connectors.errors import ConnectorError
from hub import feeds
from hub.app import Hub
from hub.db import Connection
from hub.errors import InFlight, KeyReused, ReferenceReused, StaleClaim
from hub.feeds import FeedPage, FeedReader
from hub.messages import inbox, set_aside
from hub.messages.model import Arrival, Wakeup

PAGES: Final = 20
"""How many pages one poll reads at most; the next poll goes on where this one stopped."""

log = structlog.get_logger(__name__)

# Its own statement: it takes the lease if nobody has it, and what is taken is not due to anybody else until it ends.
# A poll or a lease from the future is from before the database's clock was set back, and holds up nobody.
_TAKE: Final = """
UPDATE counterparty SET poll_lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE code = %(code)s AND paused_at IS NULL AND (breaker_open_until IS NULL OR breaker_open_until <= now())
  AND (polled_at IS NULL OR polled_at <= now() - make_interval(secs => %(every)s) OR polled_at > clock_timestamp())
  AND (poll_lease_until IS NULL OR poll_lease_until <= clock_timestamp()
    OR poll_lease_until > clock_timestamp() + make_interval(secs => %(lease)s))
RETURNING cursor, poll_lease_until
"""
_PROLONG: Final = """
UPDATE counterparty SET cursor = %(cursor)s, polled_at = now(), feed_error = NULL,
    poll_lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE code = %(code)s AND poll_lease_until = %(until)s RETURNING poll_lease_until
"""
_GIVE_BACK: Final = """
UPDATE counterparty SET poll_lease_until = NULL, feed_error = COALESCE(%(error)s, feed_error)
WHERE code = %(code)s AND poll_lease_until = %(until)s
"""


@dataclass(slots=True)
class _Reading:
    """One feed that is being read by us: where it stands, and until when it is ours."""

    party: Counterparty
    feed: FeedReader
    lease: float
    """seconds that one page may take"""
    cursor: str
    until: datetime

    @property
    def code(self) -> str:
        return self.party.counterparty


def poll(hub: Hub) -> None:
    """Ask every counterparty whose feed is due and that nobody is asking. One that does not answer is asked again."""
    wanted = feeds.polled(hub.catalogue)
    with ThreadPoolExecutor(max_workers=max(len(wanted), 1), thread_name_prefix="poll") as threads:
        asked = [threads.submit(_ask, hub, party, feed) for party, feed in wanted.values()]
    for one in asked:
        one.result()  # raises what a database that is away has raised there


def _ask(hub: Hub, party: Counterparty, feed: FeedReader) -> None:
    reading = _taken(hub, party, feed)
    if reading is None:
        return
    error: str | None = None
    try:
        _read(hub, reading)
    except ConnectorError as failed:
        error = str(failed)
        log.warning("poll_failed", counterparty=reading.code, code=failed.code)
    except InFlight:
        # A door is storing the same at this moment and may yet fail: the page is read again next time.
        log.info("poll_postponed", counterparty=reading.code)
    except StaleClaim:
        log.warning("poll_overtaken", counterparty=reading.code)
    except (OperationalError, PoolTimeout):
        raise
    except Exception as failed:
        # A fault of ours with one feed must not keep the others from being read.
        error = f"a fault of ours: {type(failed).__name__} (see the worker's log)"
        log.exception("poll_broken", counterparty=reading.code, error=type(failed).__name__)
    with hub.db.connection() as conn:
        conn.execute(_GIVE_BACK, {"code": reading.code, "until": reading.until, "error": error})


def _taken(hub: Hub, party: Counterparty, feed: FeedReader) -> _Reading | None:
    """The feed, ours to read; None if it is not due, paused, cut off by its breaker, or being read by somebody."""
    every = min(feed.every(party), hub.settings.poll_at_least_every)
    # A question that only asks is repeated once by the transport.
    lease = 2 * party.timeout_seconds + hub.settings.lease_margin
    asked: dict[str, Any] = {"code": party.counterparty, "every": every, "lease": lease}
    with hub.db.connection() as conn:
        row = conn.execute(_TAKE, asked).fetchone()
    return _Reading(party, feed, lease, row["cursor"], row["poll_lease_until"]) if row else None


def _read(hub: Hub, reading: _Reading) -> None:
    for _ in range(PAGES):
        page = reading.feed.read(reading.party, hub.port(reading.code), reading.cursor)
        before = reading.cursor
        _store(hub, reading, page)
        if not page.arrivals or page.cursor == before:
            return


def _store(hub: Hub, reading: _Reading, page: FeedPage) -> None:
    """The page's arrivals and the new cursor, together. Raises StaleClaim if the feed is not ours any more."""
    with hub.db.transaction() as conn:
        stored = [_accept(conn, arrival) for arrival in page.arrivals]
        asked = {"code": reading.code, "cursor": page.cursor, "lease": reading.lease, "until": reading.until}
        row = conn.execute(_PROLONG, asked).fetchone()
        if row is None:
            raise StaleClaim
    reading.cursor, reading.until = page.cursor, row["poll_lease_until"]
    hub.wake([Wakeup(inbox.QUEUE, message_id) for message_id in stored if message_id])


def _accept(conn: Connection, arrival: Arrival) -> str | None:
    try:
        accepted = inbox.accept(conn, arrival)
    except (KeyReused, ReferenceReused):
        log.warning("report_conflict", counterparty=arrival.source, report=arrival.external_id)
        accepted = inbox.accept(conn, set_aside.in_conflict(arrival))
    return None if accepted.replayed else accepted.id
