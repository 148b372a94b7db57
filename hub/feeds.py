"""Feeds of the counterparties: how each kind is read, page by page, as arrivals for the inbox.

An entry that breaks its contract is set aside as it came and shown to a person; the feed goes on.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from config.catalogue import Bank, Catalogue, CertificateAuthority, Counterparty, Department, Operator
from connectors.ports import BankPort, DepartmentPort, PostalPort, RevocationPort
from hub.messages import set_aside
from hub.messages.model import Arrival
from hub.signing import crl_store
from schemas.department import StatusReport
from schemas.identifiers import DossierCode, Prefix, new_id
from schemas.postal import TrackingEvent
from schemas.replies import UnreadableEntry
from schemas.statement import DeliveredFile


@dataclass(frozen=True, slots=True)
class FeedPage:
    """The entries after a cursor, and the next cursor. A page without arrivals is the feed's end."""

    arrivals: list[Arrival]
    cursor: str


@dataclass(frozen=True, slots=True)
class FeedReader:
    """How the feed of one kind of counterparty is read."""

    is_polled: Callable[[Any], bool]
    read: Callable[[Any, Any, str], FeedPage]
    """(the counterparty, its port, the cursor) → a page"""
    every: Callable[[Any], float] = lambda _: 0.0
    """seconds between two polls, where that is more than HUB_POLL_EVERY"""
    again: Callable[[Any, Any, str], Arrival] | None = None
    """(the counterparty, its port, an entry that was set aside) → its arrival; None: this feed sets nothing aside"""


def _reports(department: Department, port: DepartmentPort, cursor: str) -> FeedPage:
    changes = port.changes(cursor)
    reports = [_report(department, report) for report in changes.reports]
    return FeedPage([*reports, *(_unreadable(department, entry) for entry in changes.unreadable)], changes.cursor)


def _report_again(department: Department, port: DepartmentPort, document: str) -> Arrival:
    entry = port.entry(document)
    return _unreadable(department, entry) if isinstance(entry, UnreadableEntry) else _report(department, entry)


def _report(department: Department, report: StatusReport) -> Arrival:
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=department.counterparty,
        kind="department.status",
        key=report.report_id,
        external_id=report.report_id,
        ordering_key=DossierCode.received(report.dossier_code).normalised,
        body=report.model_dump_json().encode(),
    )


def _revocations(authority: CertificateAuthority, port: RevocationPort, cursor: str) -> FeedPage:
    revocations = port.changes(cursor)
    if revocations is None:
        return FeedPage([], cursor)
    arrival = Arrival(
        id=new_id(Prefix.INBOX),
        source=authority.counterparty,
        kind=crl_store.KIND,
        key=revocations.key,
        external_id=revocations.key,
        body=revocations.der,
        media_type="application/pkix-crl",
    )
    return FeedPage([arrival], revocations.cursor)


def _tracking(operator: Operator, port: PostalPort, cursor: str) -> FeedPage:
    """One feed for each customer code, with all its consignments, in the operator's order."""
    feed = port.feed(cursor)
    events = [_event(operator, event) for event in feed.events]
    return FeedPage([*events, *(_unreadable(operator, entry) for entry in feed.unreadable)], feed.cursor)


def _event_again(operator: Operator, port: PostalPort, document: str) -> Arrival:
    entry = port.entry(document)
    return _unreadable(operator, entry) if isinstance(entry, UnreadableEntry) else _event(operator, entry)


def _event(operator: Operator, event: TrackingEvent) -> Arrival:
    """The same arrival as the callback endpoint stores, so that an event that comes both ways is stored once."""
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=operator.counterparty,
        kind="postal.event",
        key=event.key,
        external_id=event.key,
        ordering_key=event.order_number,
        body=event.model_dump_json().encode(),
    )


def _unreadable(party: Counterparty, entry: UnreadableEntry) -> Arrival:
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=party.counterparty,
        kind=set_aside.KIND,
        key=entry.key,
        external_id=entry.key,
        body=entry.model_dump_json().encode(),
    )


def _statements(bank: Bank, port: BankPort, cursor: str) -> FeedPage:
    """The same bytes are one file, whatever the bank calls them and whoever else has brought them."""
    delivery = port.statements(cursor)
    return FeedPage([_file(bank, file) for file in delivery.files], delivery.cursor)


def _file(bank: Bank, file: DeliveredFile) -> Arrival:
    digest = hashlib.sha256(file.body).hexdigest()
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=bank.counterparty,
        kind="bank.statement",
        key=digest,
        external_id=f"{digest[:16]}:{file.name}",
        ordering_key="statements",
        body=file.body,
        media_type="application/octet-stream",
    )


FEEDS: Final[Mapping[type, FeedReader]] = {
    Department: FeedReader(
        is_polled=lambda department: department.statuses == "poll", read=_reports, again=_report_again
    ),
    Operator: FeedReader(is_polled=lambda operator: operator.feed, read=_tracking, again=_event_again),
    Bank: FeedReader(
        is_polled=lambda bank: bank.statements.fetch is not None,
        read=_statements,
        every=lambda bank: bank.statements.fetch.every_seconds if bank.statements.fetch else 0.0,
    ),
    CertificateAuthority: FeedReader(is_polled=lambda _: True, read=_revocations, every=lambda one: one.every_seconds),
}
"""kind of a counterparty in the catalogue → how its feed is read; a kind that is not listed has none"""


def polled(catalogue: Catalogue) -> dict[str, tuple[Counterparty, FeedReader]]:
    """Code of every counterparty that is polled → the counterparty and how its feed is read."""
    return {
        code: (party, feed)
        for code, party in catalogue.counterparties.items()
        if (feed := FEEDS.get(type(party))) is not None and feed.is_polled(party)
    }
