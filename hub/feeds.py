"""Feeds of the counterparties: how each kind is read, page by page, as arrivals for the inbox.

An entry that breaks its contract is set aside as it came and shown to a person; the feed goes on.
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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


def status_report(counterparty: str, report: StatusReport, *, key: str | None = None) -> Arrival:
    """A department's report as an arrival: the same by push and by feed, so that one that comes by both is stored once.

    ``key``: the idempotency key that the department sent; default: the report's id.
    """
    arrival = _arrival(counterparty, "department.status", report.report_id, report.model_dump_json().encode())
    code = DossierCode.received(report.dossier_code).normalised
    return replace(arrival, key=key or report.report_id, ordering_key=code)


def tracking_event(counterparty: str, event: TrackingEvent) -> Arrival:
    """A postal operator's event as an arrival, the same by callback and by feed."""
    body = event.model_dump_json().encode()
    return _arrival(counterparty, "postal.event", event.key, body, ordering_key=event.order_number)


def _unreadable(party: Counterparty, entry: UnreadableEntry) -> Arrival:
    return _arrival(party.counterparty, set_aside.KIND, entry.key, entry.model_dump_json().encode())


def _arrival(source: str, kind: str, key: str, body: bytes, *, ordering_key: str = "") -> Arrival:
    return Arrival(new_id(Prefix.INBOX), source, kind, key, key, body, ordering_key)


def _reports(department: Department, port: DepartmentPort, cursor: str) -> FeedPage:
    changes = port.changes(cursor)
    reports = [status_report(department.counterparty, report) for report in changes.reports]
    return FeedPage([*reports, *(_unreadable(department, entry) for entry in changes.unreadable)], changes.cursor)


def _report_again(department: Department, port: DepartmentPort, document: str) -> Arrival:
    entry = port.entry(document)
    if isinstance(entry, UnreadableEntry):
        return _unreadable(department, entry)
    return status_report(department.counterparty, entry)


def _revocations(authority: CertificateAuthority, port: RevocationPort, cursor: str) -> FeedPage:
    revocations = port.changes(cursor)
    if revocations is None:
        return FeedPage([], cursor)
    arrival = _arrival(authority.counterparty, crl_store.KIND, revocations.key, revocations.der)
    return FeedPage([replace(arrival, media_type="application/pkix-crl")], revocations.cursor)


def _tracking(operator: Operator, port: PostalPort, cursor: str) -> FeedPage:
    """One feed for each customer code, with all its consignments, in the operator's order."""
    feed = port.feed(cursor)
    events = [tracking_event(operator.counterparty, event) for event in feed.events]
    return FeedPage([*events, *(_unreadable(operator, entry) for entry in feed.unreadable)], feed.cursor)


def _event_again(operator: Operator, port: PostalPort, document: str) -> Arrival:
    entry = port.entry(document)
    if isinstance(entry, UnreadableEntry):
        return _unreadable(operator, entry)
    return tracking_event(operator.counterparty, entry)


def _statements(bank: Bank, port: BankPort, cursor: str) -> FeedPage:
    """The same bytes are one file, whatever the bank calls them and whoever else has brought them."""
    delivery = port.statements(cursor)
    return FeedPage([_file(bank, file) for file in delivery.files], delivery.cursor)


def _file(bank: Bank, file: DeliveredFile) -> Arrival:
    digest = hashlib.sha256(file.body).hexdigest()
    arrival = _arrival(bank.counterparty, "bank.statement", digest, file.body, ordering_key="statements")
    return replace(arrival, external_id=f"{digest[:16]}:{file.name}", media_type="application/octet-stream")


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
