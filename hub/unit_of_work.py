"""Work: what a verb is given. One transaction, the catalogue, the time, and what caused it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from config.catalogue import Bank, Catalogue
from hub import audit
from hub.calendar import WorkingCalendar
from hub.codes import HubCode
from hub.db import Connection
from hub.errors import ManualAction
from hub.messages import outbox
from hub.messages.model import Message, Wakeup
from hub.messages.outbox import Posting
from hub.signing.signer import Signer
from schemas.statement import Format, Statement


@dataclass(frozen=True)
class UnitOfWork:
    """Handed to every verb. Whatever it does through this is committed together, or not at all."""

    conn: Connection
    catalogue: Catalogue
    calendar: WorkingCalendar
    now: datetime
    signer: Signer
    """signs in the name of officers and of the Centre"""
    actor: str
    """who caused it: a counterparty, a person's account, or "hub" """
    read_statements: Callable[[Bank, bytes], tuple[Format, list[Statement]]]
    """what a bank's file says, in no format's words; raises schemas.statement.UnreadableFile"""
    clock_skew: timedelta = timedelta(minutes=10)
    """by how much others' clocks may differ from ours, and their clocks from one another"""
    replayed: bool = False
    """a step that was taken before is taken again, to prove it: whether its person might was asked on its day"""
    public_url: str = ""
    """how partners reach our doors, without a slash at its end; empty: nobody is told"""
    wakeups: list[Wakeup] = field(default_factory=list)
    """what to tell the broker after the commit"""

    def put(self, posting: Posting) -> None:
        """Owe ``posting`` to its counterparty; it is woken after the commit."""
        outbox.put(self.conn, posting)
        self.wakeups.append(Wakeup(self.catalogue.counterparties[posting.counterparty].queue, posting.id))

    def told_at(self, message: Message, at: datetime) -> datetime:
        """When ``message`` says that something happened; what is dated ahead of its arrival happened then, at most.

        Raises ManualAction if it is ahead by more than clocks may differ, unless a person has let it pass since.
        """
        if at <= message.received_at + self.clock_skew:
            return at
        if message.held_for != HubCode.DATED_AHEAD:
            ahead = round((at - message.received_at) / timedelta(minutes=1))
            raise ManualAction(HubCode.DATED_AHEAD, f"it is dated {ahead} minutes after it came")
        return message.received_at

    def note(
        self, subject: str, verb: str, *, before: str | None = None, after: str | None = None, reason: str | None = None
    ) -> None:
        """A line in the audit log, in the name of whoever caused this work."""
        audit.note(self.conn, subject, self.actor, verb, before=before, after=after, reason=reason)
