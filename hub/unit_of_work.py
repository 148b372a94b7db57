"""Unit of work: one transaction with the catalogue, the time and the actor, given to every handler and command."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from psycopg import Transaction

from config.catalogue import Bank, Catalogue
from hub import audit
from hub.audit import AuditAction, AuditEntry
from hub.calendar import WorkingCalendar
from hub.codes import HubCode
from hub.db import Connection
from hub.errors import ManualAction
from hub.messages import inbox, outbox
from hub.messages.model import Message, Wakeup
from hub.messages.outbox import NewTransfer
from hub.signing.signer import Signer
from schemas.portal import Submission
from schemas.statement import Format, Statement

Row = TypeVar("Row")


@dataclass(frozen=True)
class UnitOfWork:
    """What is written through it is committed together or not at all; its wake-ups are published after the commit.

    Rows that nobody reads in the same transaction are put off (``later``) and written together with others of their
    table: those of a batch of messages cost one statement. ``conn`` writes them first, so that whatever is read with
    it sees them; ``unflushed`` does not.
    """

    unflushed: Connection
    """for statements that what is put off cannot concern"""
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
    locked_rows: dict[str, Any] = field(default_factory=dict)
    """id → row that this transaction has locked or inserted, as it is now: read once, however many handlers ask"""
    submissions: dict[str, Submission] = field(default_factory=dict)
    """id → submission that this transaction has read"""
    _put_off: dict[Callable[[Connection, Any], None], list[Any]] = field(default_factory=dict)
    """who writes them → rows"""

    @property
    def conn(self) -> Connection:
        """The transaction's connection, after what was put off has been written."""
        self.flush()
        return self.unflushed

    def later(self, write: Callable[[Connection, Sequence[Row]], None], row: Row) -> None:
        """Have ``write`` write the row with others at the next use of ``conn``, or at the end.

        Rows of several tables are written in the order in which the first of each was put off.
        """
        self._put_off.setdefault(write, []).append(row)

    def flush(self) -> None:
        """Write what was put off."""
        while self._put_off:
            write = next(iter(self._put_off))
            write(self.unflushed, self._put_off.pop(write))

    @contextmanager
    def savepoint(self, *, force_rollback: bool = False) -> Iterator[Transaction]:
        """A savepoint; raising psycopg.Rollback(it) takes back what was written inside, and what was put off there.

        ``force_rollback``: take it back at the end in any case.
        """
        with self.conn.transaction(force_rollback=force_rollback) as savepoint:
            try:
                yield savepoint
                self.flush()
            except BaseException:
                self._put_off.clear()
                raise
            finally:
                # What is rolled back is neither locked any more nor as it was left here.
                self.locked_rows.clear()

    def submission(self, submission_id: str) -> Submission:
        """The submission as the portal sent it. Raises LookupError."""
        submission = self.submissions.get(submission_id)
        if submission is None:
            submission = Submission.model_validate_json(inbox.body(self.unflushed, submission_id))
            self.submissions[submission_id] = submission
        return submission

    def put(self, transfer: NewTransfer) -> None:
        """Put a transfer into the outbox."""
        self.later(outbox.put, transfer)
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
        entry = AuditEntry(subject, self.actor, action, before, after, reason, details or {})
        self.later(audit.write_all, entry)
