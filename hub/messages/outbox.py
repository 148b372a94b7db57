"""Outbox: transfers that are owed to counterparties, and the evidence of each attempt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from hub.db import Connection
from hub.errors import StaleClaim
from hub.messages.model import Outcome, Transfer, TransferState


@dataclass(frozen=True, slots=True)
class NewTransfer:
    """A transfer to be put into the outbox. Those of one counterparty and ``ordering_key`` are sent in order."""

    id: str
    kind: str
    counterparty: str
    ordering_key: str
    key: str
    subject: str
    """id of the submission, or of what else it is about"""
    body: bytes
    deadline: datetime | None = None
    """of two that are due the one with the earlier deadline is sent first"""


_PUT: Final = """
WITH put AS (
    INSERT INTO outbox (id, kind, counterparty, ordering_key, key, subject, body, deadline)
    VALUES (%(id)s, %(kind)s, %(counterparty)s, %(ordering_key)s, %(key)s, %(subject)s, %(body)s, %(deadline)s)
    RETURNING id, kind, counterparty
)
INSERT INTO audit_log (subject, actor, action, after, reason)
SELECT id, 'hub', 'transfer_queued', 'queued', counterparty FROM put
"""

_SETTLE: Final = """
WITH settled AS (
    UPDATE outbox SET state = %(state)s, settled_at = CASE WHEN %(ends)s THEN now() END, waiting_for_capacity = false,
        unsettled_claims = 0, due_at = now() + make_interval(secs => %(pause)s), wakeup_sent_at = NULL,
        error_code = %(code)s, error_detail = %(detail)s, reply = COALESCE(%(reply)s, reply)
    WHERE id = %(id)s AND attempts = %(claim_version)s AND state = 'sending'
    RETURNING id
), ended AS (
    UPDATE attempt SET finished_at = clock_timestamp(), outcome = %(outcome)s, code = %(code)s, detail = %(detail)s
    FROM settled WHERE attempt.id = %(attempt)s
)
INSERT INTO audit_log (subject, actor, action, before, after, reason)
SELECT id, 'hub', 'transfer_attempted', 'sending', %(state)s, %(code)s FROM settled RETURNING subject
"""


def put(conn: Connection, transfer: NewTransfer) -> None:
    """Insert a transfer. Raises psycopg.errors.UniqueViolation for a second of the same kind, counterparty and key."""
    conn.execute(
        _PUT,
        {
            "id": transfer.id,
            "kind": transfer.kind,
            "counterparty": transfer.counterparty,
            "ordering_key": transfer.ordering_key,
            "key": transfer.key,
            "subject": transfer.subject,
            "body": transfer.body,
            "deadline": transfer.deadline,
        },
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ended: the transfer's next state, and after how many seconds it is due again."""

    state: TransferState
    outcome: Outcome
    code: str | None = None
    detail: str | None = None
    pause: float = 0.0
    reply: dict[str, Any] | None = None

    @property
    def ends(self) -> bool:
        return self.state in (TransferState.DELIVERED, TransferState.REFUSED)


def settle(conn: Connection, transfer: Transfer, ending: Ending) -> None:
    """End the claimed attempt. Raises StaleClaim if another worker has claimed the transfer."""
    settled = conn.execute(
        _SETTLE,
        {
            "state": ending.state,
            "ends": ending.ends,
            "pause": ending.pause,
            "code": ending.code,
            "detail": ending.detail,
            "reply": None if ending.reply is None else Jsonb(ending.reply),
            "id": transfer.id,
            "claim_version": transfer.claim_version,
            "outcome": ending.outcome,
            "attempt": transfer.attempt_id,
        },
    )
    if settled.fetchone() is None:
        raise StaleClaim


def release(conn: Connection, transfer: Transfer) -> None:
    """Keep the claim from being counted as a crash, also where another worker has claimed the transfer since."""
    conn.execute("UPDATE outbox SET unsettled_claims = GREATEST(0, unsettled_claims - 1) WHERE id = %s", (transfer.id,))


def store_exchanges(
    conn: Connection, attempt_id: str | None, counterparty: str, records: list[tuple[str, datetime, Any]]
) -> None:
    """Store the redacted record (id, time, record) of every request and response of one attempt."""
    for exchange_id, at, record in records:
        conn.execute(
            "INSERT INTO exchange (id, at, attempt_id, counterparty, record) VALUES (%s, %s, %s, %s, %s)",
            (exchange_id, at, attempt_id, counterparty, Jsonb(record)),
        )


def rotate_exchanges(conn: Connection) -> list[str]:
    """Create the partitions of the coming months and drop those past retention. Returns the names of the dropped.

    A function of the database does it, as the tables' owner, by its own day and its owner's retention: this process
    has no right to create or drop a table.
    """
    return [row["dropped"] for row in conn.execute("SELECT rotate_exchange() AS dropped")]


def by_key(conn: Connection, kinds: Sequence[str], key: str) -> list[dict[str, Any]]:
    """The transfers of these kinds with this key, the oldest first: id, kind, state and error code."""
    return conn.execute(
        "SELECT id, kind, state, error_code FROM outbox WHERE kind = ANY(%s) AND key = %s ORDER BY seq",
        (list(kinds), key),
    ).fetchall()
