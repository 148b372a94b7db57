"""Outbox: transfers that are owed to counterparties, and the evidence of each attempt."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from hub.db import Connection, as_set, one
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
SELECT id, kind, counterparty, ordering_key, key, subject, decode(body, 'base64'), deadline
FROM ROWS FROM (json_to_recordset(%s) AS (id text, kind text, counterparty text, ordering_key text, key text,
    subject text, body text, deadline timestamptz))
    WITH ORDINALITY AS row (id, kind, counterparty, ordering_key, key, subject, body, deadline, at)
ORDER BY at
RETURNING id, counterparty, seq
)
INSERT INTO audit_log (subject, actor, action, after, reason)
SELECT id, 'hub', 'transfer_queued', 'queued', counterparty FROM put ORDER BY seq
"""

_HOLD: Final = """
SELECT o.id FROM outbox o JOIN unnest(%s::text[], %s::int[]) AS held (id, claim_version)
    ON o.id = held.id AND o.attempts = held.claim_version
WHERE o.state = 'sending' ORDER BY o.id FOR UPDATE OF o
"""

_SETTLE: Final = """
WITH ending AS (
    SELECT * FROM json_to_recordset(%s) AS ending (id text, claim_version int, attempt text, state text, ends boolean,
        pause float8, outcome text, code text, detail text, reply jsonb)
), settled AS (
    UPDATE outbox SET state = ending.state, settled_at = CASE WHEN ends THEN now() END, waiting_for_capacity = false,
        unsettled_claims = 0, due_at = now() + make_interval(secs => pause), wakeup_sent_at = NULL,
        error_code = code, error_detail = detail, reply = COALESCE(ending.reply, outbox.reply)
    FROM ending
    WHERE outbox.id = ending.id AND attempts = claim_version AND outbox.state = 'sending'
    RETURNING ending.*
), ended AS (
    UPDATE attempt SET finished_at = clock_timestamp(), outcome = settled.outcome, code = settled.code,
        detail = settled.detail
    FROM settled WHERE attempt.id = settled.attempt
), noted AS (
    INSERT INTO audit_log (subject, actor, action, before, after, reason)
    SELECT id, 'hub', 'transfer_attempted', 'sending', state, code FROM settled
)
SELECT count(*) AS count FROM settled
"""

_EXCHANGES: Final = """
INSERT INTO exchange (id, at, attempt_id, counterparty, record)
SELECT id, at, attempt_id, counterparty, record
FROM json_to_recordset(%s) AS stored (id text, at timestamptz, attempt_id text, counterparty text, record jsonb)
"""


def put(conn: Connection, transfers: Sequence[NewTransfer]) -> None:
    """Insert transfers in their order. Raises UniqueViolation for a second of one kind, counterparty and key."""
    rows = [asdict(transfer) | {"body": base64.b64encode(transfer.body).decode()} for transfer in transfers]
    conn.execute(_PUT, (as_set(rows),))


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


def hold(conn: Connection, transfers: Sequence[Transfer]) -> None:
    """Lock claimed transfers until the transaction ends. Raises StaleClaim if another worker has claimed one."""
    held = conn.execute(
        _HOLD, ([transfer.id for transfer in transfers], [transfer.claim_version for transfer in transfers])
    ).fetchall()
    if len(held) < len(transfers):
        raise StaleClaim


def settle(conn: Connection, endings: Sequence[tuple[Transfer, Ending]]) -> None:
    """End the claimed attempts. Raises StaleClaim if another worker has claimed one of the transfers."""
    rows = [
        {
            "id": transfer.id,
            "claim_version": transfer.claim_version,
            "attempt": transfer.attempt_id,
            "state": ending.state,
            "ends": ending.ends,
            "pause": ending.pause,
            "outcome": ending.outcome,
            "code": ending.code,
            "detail": ending.detail,
            "reply": ending.reply,
        }
        for transfer, ending in endings
    ]
    if one(conn, _SETTLE, (as_set(rows),))["count"] < len(endings):
        raise StaleClaim


def release(conn: Connection, transfer: Transfer) -> None:
    """Keep the claim from being counted as a crash, also where another worker has claimed the transfer since."""
    conn.execute("UPDATE outbox SET unsettled_claims = GREATEST(0, unsettled_claims - 1) WHERE id = %s", (transfer.id,))


@dataclass(frozen=True, slots=True)
class StoredExchange:
    """The redacted record of one request and its response."""

    id: str
    at: datetime
    attempt_id: str | None
    counterparty: str
    record: Mapping[str, Any]


def store_exchanges(conn: Connection, exchanges: Sequence[StoredExchange]) -> None:
    """Store what was said to counterparties, and what they answered."""
    if exchanges:
        conn.execute(_EXCHANGES, (as_set([asdict(exchange) for exchange in exchanges]),))


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
