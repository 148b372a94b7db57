"""The back door: what the hub owes the outside world, and when each piece is next due."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from psycopg.types.json import Jsonb

from hub.db import Connection
from hub.errors import StaleClaim
from hub.messages.model import Outcome, Transfer, TransferState


@dataclass(frozen=True, slots=True)
class Posting:
    """Something to be sent: to whom, in which lane, about which submission, by when at the latest."""

    id: str
    kind: str
    counterparty: str
    lane: str
    key: str
    subject: str
    body: bytes
    deadline: datetime | None = None


_PUT: Final = """
WITH put AS (
    INSERT INTO outbox (id, kind, counterparty, lane, key, subject, body, deadline)
    VALUES (%(id)s, %(kind)s, %(counterparty)s, %(lane)s, %(key)s, %(subject)s, %(body)s, %(deadline)s)
    RETURNING id, kind, counterparty
)
INSERT INTO journal (subject, actor, verb, after, reason) SELECT id, 'hub', 'queued', 'queued', counterparty FROM put
"""

_SETTLE: Final = """
WITH settled AS (
    UPDATE outbox SET state = %(state)s, settled_at = CASE WHEN %(ends)s THEN now() END, turned_away = false,
        open_claims = 0, due_at = now() + make_interval(secs => %(pause)s), nudged_at = NULL,
        error_code = %(code)s, error_detail = %(detail)s, reply = COALESCE(%(reply)s, reply)
    WHERE id = %(id)s AND attempts = %(fence)s AND state = 'sending'
    RETURNING id
), ended AS (
    UPDATE attempt SET finished_at = clock_timestamp(), outcome = %(outcome)s, code = %(code)s, detail = %(detail)s
    FROM settled WHERE attempt.id = %(attempt)s
)
INSERT INTO journal (subject, actor, verb, before, after, reason)
SELECT id, 'hub', 'attempted', 'sending', %(state)s, %(code)s FROM settled RETURNING subject
"""


def put(conn: Connection, posting: Posting) -> None:
    """Owe this to its counterparty. The table refuses a second with the same kind, counterparty and key."""
    conn.execute(
        _PUT,
        {
            "id": posting.id,
            "kind": posting.kind,
            "counterparty": posting.counterparty,
            "lane": posting.lane,
            "key": posting.key,
            "subject": posting.subject,
            "body": posting.body,
            "deadline": posting.deadline,
        },
    )


@dataclass(frozen=True, slots=True)
class Ending:
    """What an attempt came to: the transfer's next state, and after how many seconds it is due again."""

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
    """Write down how the claimed attempt ended. Raises StaleClaim if the lease has passed to another worker."""
    done = conn.execute(
        _SETTLE,
        {
            "state": ending.state,
            "ends": ending.ends,
            "pause": ending.pause,
            "code": ending.code,
            "detail": ending.detail,
            "reply": None if ending.reply is None else Jsonb(ending.reply),
            "id": transfer.id,
            "fence": transfer.fence,
            "outcome": ending.outcome,
            "attempt": transfer.attempt_id,
        },
    )
    if done.fetchone() is None:
        raise StaleClaim


def release(conn: Connection, transfer: Transfer) -> None:
    """The process of this claim lives, so that it was no death: also where another worker has overtaken it."""
    conn.execute("UPDATE outbox SET open_claims = GREATEST(0, open_claims - 1) WHERE id = %s", (transfer.id,))
