"""Polling of the counterparties' feeds into the inbox.

Callbacks are faster, and the feed is complete: it has every report whose callback was lost. Each feed is read in a
thread of its own under a lease, so that one that hangs delays no other and is not read twice at a time.
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
"""pages that one poll reads at most; the next poll continues at its cursor"""

log = structlog.get_logger(__name__)

# One statement takes the lease if nobody has it.
# A poll or a lease from the future is from before the database's clock was set back, and holds up nobody.
_LEASE: Final = """
UPDATE counterparty SET poll_lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE code = %(code)s AND paused_at IS NULL AND (breaker_open_until IS NULL OR breaker_open_until <= now())
  AND (polled_at IS NULL OR polled_at <= now() - make_interval(secs => %(every)s) OR polled_at > clock_timestamp())
  AND (poll_lease_until IS NULL OR poll_lease_until <= clock_timestamp()
    OR poll_lease_until > clock_timestamp() + make_interval(secs => %(lease)s))
RETURNING cursor, poll_lease_until
"""
_EXTEND_LEASE: Final = """
UPDATE counterparty SET cursor = %(cursor)s, polled_at = now(), feed_error = NULL,
    poll_lease_until = clock_timestamp() + make_interval(secs => %(lease)s)
WHERE code = %(code)s AND poll_lease_until = %(until)s RETURNING poll_lease_until
"""
_END_LEASE: Final = """
UPDATE counterparty SET poll_lease_until = NULL, feed_error = COALESCE(%(error)s, feed_error)
WHERE code = %(code)s AND poll_lease_until = %(until)s
"""


@dataclass(slots=True)
class _LeasedFeed:
    """A feed under our lease."""

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
    """Read every feed that is due and not leased by another process, all at the same time."""
    polled = feeds.polled(hub.catalogue)
    with ThreadPoolExecutor(max_workers=max(len(polled), 1), thread_name_prefix="poll") as threads:
        futures = [threads.submit(_ask, hub, party, feed) for party, feed in polled.values()]
    for future in futures:
        future.result()  # raises what a database that is away has raised there


def _ask(hub: Hub, party: Counterparty, feed: FeedReader) -> None:
    leased = _lease(hub, party, feed)
    if leased is None:
        return
    error: str | None = None
    try:
        _read(hub, leased)
    except ConnectorError as failure:
        error = str(failure)
        log.warning("poll_failed", counterparty=leased.code, code=failure.code)
    except InFlight:
        # An endpoint is storing the same at this moment and may yet fail: the page is read again next time.
        log.info("poll_postponed", counterparty=leased.code)
    except StaleClaim:
        log.warning("poll_lease_lost", counterparty=leased.code)
    except (OperationalError, PoolTimeout):
        raise
    except Exception as failure:
        # An internal error with one feed must not keep the others from being read.
        error = f"internal error: {type(failure).__name__} (see the worker log)"
        log.exception("poll_crashed", counterparty=leased.code, error=type(failure).__name__)
    with hub.db.connection() as conn:
        conn.execute(_END_LEASE, {"code": leased.code, "until": leased.until, "error": error})


def _lease(hub: Hub, party: Counterparty, feed: FeedReader) -> _LeasedFeed | None:
    """Lease the feed; None if it is not due, paused, its breaker open, or leased by another process."""
    every = min(feed.every(party), hub.settings.poll_at_least_every)
    # The transport repeats a GET once.
    lease = 2 * party.timeout_seconds + hub.settings.lease_margin
    parameters: dict[str, Any] = {"code": party.counterparty, "every": every, "lease": lease}
    with hub.db.connection() as conn:
        row = conn.execute(_LEASE, parameters).fetchone()
    return _LeasedFeed(party, feed, lease, row["cursor"], row["poll_lease_until"]) if row else None


def _read(hub: Hub, leased: _LeasedFeed) -> None:
    for _ in range(PAGES):
        page = leased.feed.read(leased.party, hub.port(leased.code), leased.cursor)
        before = leased.cursor
        _store(hub, leased, page)
        if not page.arrivals or page.cursor == before:
            return


def _store(hub: Hub, leased: _LeasedFeed, page: FeedPage) -> None:
    """Store the page's arrivals and the new cursor in one transaction. Raises StaleClaim if the lease is lost."""
    with hub.db.transaction() as conn:
        stored = [_accept(conn, arrival) for arrival in page.arrivals]
        parameters = {"code": leased.code, "cursor": page.cursor, "lease": leased.lease, "until": leased.until}
        row = conn.execute(_EXTEND_LEASE, parameters).fetchone()
        if row is None:
            raise StaleClaim
    leased.cursor, leased.until = page.cursor, row["poll_lease_until"]
    hub.wake([Wakeup(inbox.QUEUE, message_id) for message_id in stored if message_id])


def _accept(conn: Connection, arrival: Arrival) -> str | None:
    try:
        accepted = inbox.accept(conn, arrival)
    except (KeyReused, ReferenceReused):
        log.warning("report_conflict", counterparty=arrival.source, report=arrival.external_id)
        accepted = inbox.accept(conn, set_aside.in_conflict(arrival))
    return None if accepted.replayed else accepted.id
