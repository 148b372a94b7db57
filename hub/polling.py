"""Asking without being told: what a department's feed says goes into the inbox, like everything else that comes in."""

from typing import Final

import structlog

from config.catalogue import Department
from connectors.errors import ConnectorError
from hub import journal
from hub.db import Connection
from hub.errors import InFlight, KeyReused, ReferenceReused
from hub.house import House
from hub.messages import inbox
from hub.messages.model import Arrival, Nudge
from schemas.department import Changes, StatusReport
from schemas.identifiers import DossierCode, Prefix, new_id

PAGES: Final = 20
"""How many pages one poll reads at most; the next poll goes on where this one stopped."""

log = structlog.get_logger(__name__)


def poll(house: House) -> None:
    """Ask every department that does not push. One that does not answer is asked again next time."""
    for department in house.catalogue.departments.values():
        if department.statuses == "poll":
            try:
                _read(house, department)
            except ConnectorError as error:
                log.warning("poll_failed", counterparty=department.counterparty, code=error.code)


def _read(house: House, department: Department) -> None:
    cursor = _cursor(house, department)
    for _ in range(PAGES):
        if cursor is None:
            return
        changes = house.port(department.counterparty).changes(cursor)
        cursor = _store(house, department, cursor, changes)


def _cursor(house: House, department: Department) -> str | None:
    """Where to read on; None if the counterparty is paused or its breaker is open."""
    with house.db.connection() as conn:
        row = conn.execute(
            "SELECT cursor FROM counterparty WHERE code = %s AND paused_at IS NULL"
            " AND (open_until IS NULL OR open_until <= now())",
            (department.counterparty,),
        ).fetchone()
    return row["cursor"] if row else None


def _store(house: House, department: Department, before: str, changes: Changes) -> str | None:
    """The page's reports and the new cursor, together. The cursor to go on with, or None at the feed's end."""
    with house.db.transaction() as conn:
        stored = [_accept(conn, department, report) for report in changes.reports]
        conn.execute(
            "UPDATE counterparty SET cursor = %s, polled_at = now() WHERE code = %s AND cursor = %s",
            (changes.cursor, department.counterparty, before),
        )
    house.nudge([Nudge(inbox.QUEUE, message_id) for message_id in stored if message_id])
    return changes.cursor if changes.reports and changes.cursor != before else None


def _accept(conn: Connection, department: Department, report: StatusReport) -> str | None:
    arrival = Arrival(
        id=new_id(Prefix.INBOX),
        source=department.counterparty,
        kind="department.status",
        key=report.report_id,
        external_id=report.report_id,
        lane=DossierCode.received(report.dossier_code).normalised,
        body=report.model_dump_json().encode(),
    )
    try:
        with conn.transaction():
            accepted = inbox.accept(conn, arrival)
    except (KeyReused, ReferenceReused):
        journal.note(conn, department.counterparty, "hub", "report conflict", reason=report.report_id)
        log.warning("report_conflict", counterparty=department.counterparty, report=report.report_id)
        return None
    except InFlight:
        return None
    return None if accepted.replayed else accepted.id
