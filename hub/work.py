"""Work: what a verb is given. One transaction, the catalogue, the time, and what caused it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from config.catalogue import Bank, Catalogue
from hub import journal
from hub.calendar import Calendar
from hub.db import Connection
from hub.messages import outbox
from hub.messages.model import Nudge
from hub.messages.outbox import Posting
from hub.signing.signer import Signer
from schemas.statement import Format, Statement


@dataclass(frozen=True)
class Work:
    """Handed to every verb. Whatever it does through this is committed together, or not at all."""

    conn: Connection
    catalogue: Catalogue
    calendar: Calendar
    now: datetime
    signer: Signer
    """signs in the name of officers and of the Centre"""
    actor: str
    """who caused it: a counterparty, a person's account, or "hub" """
    read_statements: Callable[[Bank, bytes], tuple[Format, list[Statement]]]
    """what a bank's file says, in no format's words; raises schemas.statement.Unreadable"""
    replayed: bool = False
    """a step that was taken before is taken again, to prove it: whether its person might was asked on its day"""
    public_url: str = ""
    """how partners reach our doors, without a slash at its end; empty: nobody is told"""
    nudges: list[Nudge] = field(default_factory=list)
    """what to tell the broker after the commit"""

    def put(self, posting: Posting) -> None:
        """Owe ``posting`` to its counterparty; it is nudged after the commit."""
        outbox.put(self.conn, posting)
        self.nudges.append(Nudge(self.catalogue.counterparties[posting.counterparty].queue, posting.id))

    def note(
        self, subject: str, verb: str, *, before: str | None = None, after: str | None = None, reason: str | None = None
    ) -> None:
        """A line in the journal, in the name of whoever caused this work."""
        journal.note(self.conn, subject, self.actor, verb, before=before, after=after, reason=reason)
