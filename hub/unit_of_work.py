"""Unit of work: one transaction with the catalogue, the time and the actor, given to every handler and command."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from config.catalogue import Bank, Catalogue
from hub import audit
from hub.audit import AuditAction
from hub.calendar import WorkingCalendar
from hub.codes import HubCode
from hub.db import Connection
from hub.errors import ManualAction
from hub.messages import outbox
from hub.messages.model import Message, Wakeup
from hub.messages.outbox import NewTransfer
from hub.signing.signer import Signer
from schemas.statement import Format, Statement


@dataclass(frozen=True)
class UnitOfWork:
    """What is written through it is committed together or not at all; its wake-ups are published after the commit."""

    conn: Connection
    catalogue: Catalogue
    calendar: WorkingCalendar
    now: datetime
    signer: Signer
    """signs in the name of officers and of the Centre"""
    actor: str
    """who caused it: a counterparty, a person's account, or "hub" """
    read_statements: Callable[[Bank, bytes], tuple[Format, list[Statement]]]
    """format and statements of a bank's file; raises schemas.statement.UnreadableFile"""
    clock_skew: timedelta = timedelta(minutes=10)
    """by how much others' clocks may differ from ours, and their clocks from one another"""
    replayed: bool = False
    """a past command is replayed to prove the ledger; its person's authority was checked then, and is not again"""
    public_url: str = ""
    """base URL of our API for partners, without a slash at its end; empty: not published"""
    wakeups: list[Wakeup] = field(default_factory=list)
    """to be published after the commit"""

    def put(self, transfer: NewTransfer) -> None:
        """Put a transfer into the outbox."""
        outbox.put(self.conn, transfer)
        self.wakeups.append(Wakeup(self.catalogue.counterparties[transfer.counterparty].queue, transfer.id))

    def reported_at(self, message: Message, at: datetime) -> datetime:
        """The moment ``at`` that ``message`` reports, or its arrival where ``at`` is later.

        Raises ManualAction if it is ahead by more than clocks may differ, unless a person has requeued it since.
        """
        if at <= message.received_at + self.clock_skew:
            return at
        if message.held_for != HubCode.DATED_AHEAD:
            ahead = round((at - message.received_at) / timedelta(minutes=1))
            raise ManualAction(HubCode.DATED_AHEAD, f"it is dated {ahead} minutes after its arrival")
        return message.received_at

    def write_audit(
        self,
        subject: str,
        action: AuditAction,
        *,
        before: str | None = None,
        after: str | None = None,
        reason: str | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """Write an entry to the audit log, in the name of ``actor``."""
        audit.write(self.conn, subject, self.actor, action, before=before, after=after, reason=reason, details=details)
