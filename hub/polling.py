"""Asking without being told: what a counterparty's feed says goes into the inbox, like everything else that comes in.

Callbacks are a hurry-up, polling is the truth: whatever was lost on its way to a door stands in the feed.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import structlog
from psycopg.errors import OperationalError

from config.catalogue import Bank, CertificateAuthority, Counterparty, Department, Operator
from connectors.errors import ConnectorError
from connectors.ports import BankPort, DepartmentPort, PostalPort, RevocationPort
from hub import journal
from hub.db import Connection
from hub.errors import InFlight, KeyReused, ReferenceReused
from hub.house import House
from hub.messages import inbox
from hub.messages.model import Arrival, Nudge
from hub.signing import crl_store
from schemas.department import StatusReport
from schemas.identifiers import DossierCode, Prefix, new_id
from schemas.postal import TrackingEvent, Unreadable
from schemas.statement import DeliveredFile

PAGES: Final = 20
"""How many pages one poll reads at most; the next poll goes on where this one stopped."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Page:
    """What a feed says after a cursor, and the cursor to go on with. A page without arrivals is the feed's end."""

    arrivals: list[Arrival]
    cursor: str


@dataclass(frozen=True, slots=True)
class Feed:
    """How one kind of counterparty is read: whether this one is to be asked at all, and a page of what it says."""

    is_polled: Callable[[Any], bool]
    read: Callable[[Any, Any, str], Page]
    """(the counterparty, its port, the cursor) → a page"""
    every: Callable[[Any], float] = lambda _: 0.0
    """seconds to leave it alone after a poll, where that is more than HUB_POLL_EVERY"""


def _reports(department: Department, port: DepartmentPort, cursor: str) -> Page:
    changes = port.changes(cursor)
    return Page([_report(department, report) for report in changes.reports], changes.cursor)


def _report(department: Department, report: StatusReport) -> Arrival:
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=department.counterparty,
        kind="department.status",
        key=report.report_id,
        external_id=report.report_id,
        lane=DossierCode.received(report.dossier_code).normalised,
        body=report.model_dump_json().encode(),
    )


def _revocations(authority: CertificateAuthority, port: RevocationPort, cursor: str) -> Page:
    found = port.changes(cursor)
    if found is None:
        return Page([], cursor)
    arrival = Arrival(
        id=new_id(Prefix.INBOX),
        source=authority.counterparty,
        kind=crl_store.KIND,
        key=found.key,
        external_id=found.key,
        body=found.der,
        media_type="application/pkix-crl",
    )
    return Page([arrival], found.cursor)


def _tracking(operator: Operator, port: PostalPort, cursor: str) -> Page:
    """One feed for each customer code: of all its consignments, in the operator's order."""
    feed = port.feed(cursor)
    events = [_event(operator, said) for said in feed.events]
    return Page([*events, *(_riddle(operator, entry) for entry in feed.unreadable)], feed.cursor)


def _event(operator: Operator, said: TrackingEvent) -> Arrival:
    """The same as the callback door makes of it, so that an event that comes both ways is one."""
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=operator.counterparty,
        kind="postal.event",
        key=said.key,
        external_id=said.key,
        lane=said.order_number,
        body=said.model_dump_json().encode(),
    )


def _riddle(operator: Operator, entry: Unreadable) -> Arrival:
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=operator.counterparty,
        kind="postal.unreadable",
        key=entry.key,
        external_id=entry.key,
        body=entry.model_dump_json().encode(),
    )


def _statements(bank: Bank, port: BankPort, cursor: str) -> Page:
    """The same bytes are one file, whatever the bank calls them and whoever else has brought them."""
    delivery = port.statements(cursor)
    return Page([_file(bank, file) for file in delivery.files], delivery.cursor)


def _file(bank: Bank, file: DeliveredFile) -> Arrival:
    digest = hashlib.sha256(file.body).hexdigest()
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=bank.counterparty,
        kind="bank.statement",
        key=digest,
        external_id=f"{digest[:16]}:{file.name}",
        lane="statements",
        body=file.body,
        media_type="application/octet-stream",
    )


FEEDS: Final[Mapping[type, Feed]] = {
    Department: Feed(is_polled=lambda department: department.statuses == "poll", read=_reports),
    Operator: Feed(is_polled=lambda operator: operator.feed, read=_tracking),
    Bank: Feed(
        is_polled=lambda bank: bank.statements.fetch is not None,
        read=_statements,
        every=lambda bank: bank.statements.fetch.every_seconds if bank.statements.fetch else 0.0,
    ),
    CertificateAuthority: Feed(is_polled=lambda _: True, read=_revocations, every=lambda one: one.every_seconds),
}
"""The kind of a counterparty in the catalogue → its feed. A kind that is not here is never asked."""


def poll(house: House) -> None:
    """Ask every counterparty that has a feed. One that does not answer is asked again next time."""
    for party in house.catalogue.counterparties.values():
        feed = FEEDS.get(type(party))
        if feed is None or not feed.is_polled(party):
            continue
        try:
            _read(house, party, feed)
        except ConnectorError as error:
            log.warning("poll_failed", counterparty=party.counterparty, code=error.code)
        except InFlight:
            # A door is storing the same at this moment and may yet fail: the page is read again next time.
            log.info("poll_postponed", counterparty=party.counterparty)
        except OperationalError:
            raise
        except Exception as error:
            # A fault of ours with one feed must not keep the others from being read.
            log.exception("poll_broken", counterparty=party.counterparty, error=type(error).__name__)


def _read(house: House, party: Counterparty, feed: Feed) -> None:
    cursor = _cursor(house, party, min(feed.every(party), house.settings.poll_at_least_every))
    for _ in range(PAGES):
        if cursor is None:
            return
        page = feed.read(party, house.port(party.counterparty), cursor)
        cursor = _store(house, party, cursor, page)


def _cursor(house: House, party: Counterparty, every: float) -> str | None:
    """Where to read on; None if the counterparty is paused, its breaker is open, or it was asked just now."""
    with house.db.connection() as conn:
        row = conn.execute(
            "SELECT cursor FROM counterparty WHERE code = %s AND paused_at IS NULL"
            " AND (open_until IS NULL OR open_until <= now())"
            " AND (polled_at IS NULL OR polled_at <= now() - make_interval(secs => %s))",
            (party.counterparty, every),
        ).fetchone()
    return row["cursor"] if row else None


def _store(house: House, party: Counterparty, before: str, page: Page) -> str | None:
    """The page's arrivals and the new cursor, together. The cursor to go on with, or None at the feed's end."""
    with house.db.transaction() as conn:
        stored = [_accept(conn, arrival) for arrival in page.arrivals]
        conn.execute(
            "UPDATE counterparty SET cursor = %s, polled_at = now() WHERE code = %s AND cursor = %s",
            (page.cursor, party.counterparty, before),
        )
    house.nudge([Nudge(inbox.QUEUE, message_id) for message_id in stored if message_id])
    return page.cursor if page.arrivals and page.cursor != before else None


def _accept(conn: Connection, arrival: Arrival) -> str | None:
    try:
        with conn.transaction():
            accepted = inbox.accept(conn, arrival)
    except (KeyReused, ReferenceReused):
        journal.note(conn, arrival.source, "hub", "report conflict", reason=arrival.external_id)
        log.warning("report_conflict", counterparty=arrival.source, report=arrival.external_id)
        return None
    return None if accepted.replayed else accepted.id
