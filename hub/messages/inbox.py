"""Inbox: messages received from others, each stored once, claimed under a lease, settled or retried."""

import hashlib
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any, Final

import structlog
from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row

from hub import crashpoints
from hub.audit import AuditAction
from hub.crashpoints import Point
from hub.db import BUSY, Connection
from hub.errors import InFlight, KeyReused, ReferenceReused, StaleClaim
from hub.messages import suspects
from hub.messages.model import Arrival, InboxReceipt, Message, Wakeup

QUEUE: Final = "inbox"

log = structlog.get_logger(__name__)

_ACCEPT: Final = """
WITH keyed AS (
    INSERT INTO idempotency (source, key, fingerprint, message_id)
    VALUES (%(source)s, %(key)s, %(fingerprint)s, %(id)s)
    ON CONFLICT DO NOTHING RETURNING message_id
), stored AS (
    INSERT INTO inbox (id, source, kind, external_id, ordering_key, fingerprint, media_type, body)
    SELECT message_id, %(source)s, %(kind)s, %(external_id)s, %(ordering_key)s, %(fingerprint)s, %(media_type)s,
        %(body)s
    FROM keyed
    RETURNING id, received_at
)
SELECT id, received_at FROM stored
"""

_IS_STORED: Final = """
SELECT FROM idempotency WHERE source = %(source)s AND key = %(key)s
UNION ALL SELECT FROM inbox WHERE source = %(source)s AND external_id = %(external_id)s
LIMIT 1
"""

# A minimum by the index inbox_ordering, row by row (see FIRST_IN_ORDER in hub.messages.claim).
NONE_EARLIER: Final = """(inbox.ordering_key = '' OR inbox.seq <= COALESCE((SELECT min(received.seq) FROM inbox received
    WHERE received.source = inbox.source AND received.ordering_key = inbox.ordering_key
    AND received.ordering_key <> '' AND received.state = 'received'), inbox.seq))"""

# Advisory lock of the worker that handles a message: held until its transaction ends, so only while its process lives.
_HANDLER_LOCK: Final = "hashtextextended(inbox.id, 0)"

# Asynchronous commit: a claim that a crash of the database loses is made again, and each message saves a flush.
_CLAIM: Final = f"""
WITH async_commit AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE inbox SET attempts = attempts + 1, backoff_attempts = backoff_attempts + 1, wakeup_sent_at = NULL,
    unsettled_claims = unsettled_claims + 1,
    due_at = clock_timestamp() + make_interval(secs => %(lease)s)
FROM async_commit
WHERE id = ANY(%(ids)s) AND state IN ('received', 'waiting') AND due_at <= clock_timestamp()
  AND (unsettled_claims = 1) = %(suspect)s AND {NONE_EARLIER} AND pg_try_advisory_xact_lock_shared({_HANDLER_LOCK})
RETURNING id, source, kind, ordering_key, body, received_at, attempts AS claim_version, backoff_attempts,
    unsettled_claims - 1 AS crashes, error_code AS held_for, seq
"""

_WHY_NOT_CLAIMED: Final = f"""
WITH candidate AS (
    SELECT id, NOT pg_try_advisory_xact_lock_shared({_HANDLER_LOCK}) AS is_handled FROM inbox
    WHERE id = ANY(%(ids)s) AND state IN ('received', 'waiting') AND due_at <= clock_timestamp()
)
UPDATE inbox SET wakeup_sent_at = NULL,
    due_at = CASE WHEN is_handled THEN clock_timestamp() + make_interval(secs => %(lease)s) ELSE due_at END
FROM candidate
WHERE inbox.id = candidate.id AND state IN ('received', 'waiting') AND due_at <= clock_timestamp()
RETURNING inbox.id, NOT is_handled AND unsettled_claims = 1 AS suspect
"""

_HOLD: Final = f"""
SELECT pg_advisory_xact_lock({_HANDLER_LOCK}) FROM inbox
JOIN unnest(%(ids)s::text[], %(claim_versions)s::int[]) AS held (id, claim_version)
    ON inbox.id = held.id AND inbox.attempts = held.claim_version
WHERE settled_at IS NULL
"""

_SETTLE: Final = """
UPDATE inbox SET state = 'handled', settled_at = now(), unsettled_claims = 0, error_code = NULL, error_detail = NULL
FROM unnest(%(ids)s::text[], %(claim_versions)s::int[]) AS settled (id, claim_version)
WHERE inbox.id = settled.id AND attempts = claim_version AND settled_at IS NULL
RETURNING inbox.id
"""

_FIRST_IN_ORDER: Final = """
SELECT id FROM inbox
WHERE source = %(source)s AND ordering_key = %(ordering_key)s AND ordering_key <> '' AND state = 'received'
ORDER BY seq LIMIT 1
"""

_WAKE: Final = (
    """
WITH woken AS (
    UPDATE inbox SET due_at = LEAST(due_at, now()), wakeup_sent_at = NULL, unsettled_claims = 0,
        -- Woken twice while it is handled, it has still waited only once.
        backoff_attempts = GREATEST(0, backoff_attempts - (due_at > now())::int)
    WHERE source = %(source)s AND ordering_key = %(ordering_key)s AND ordering_key <> '' AND state = 'waiting'
      AND (due_at > now() OR wakeup_sent_at IS NULL)
    RETURNING id, seq
), next AS ("""
    + _FIRST_IN_ORDER
    + """)
SELECT id FROM (SELECT id, 1 AS turn, seq FROM woken UNION ALL SELECT id, 2, 0 FROM next) due ORDER BY turn, seq
"""
)


def is_stored(conn: Connection, arrival: Arrival) -> bool:
    """Whether its sender has sent it before, by its idempotency key or its own id."""
    row = conn.execute(_IS_STORED, {"source": arrival.source, "key": arrival.key, "external_id": arrival.external_id})
    return row.fetchone() is not None


def accept(conn: Connection, arrival: Arrival) -> InboxReceipt:
    """Store ``arrival`` once: inbox row, idempotency row and (by a trigger) audit log in one statement.

    The same key or external id with the same content returns the first receipt again. Raises KeyReused or
    ReferenceReused where the content differs, InFlight while the first is still being written.
    """
    fingerprint = hashlib.sha256(arrival.body).digest()
    row = {
        "id": arrival.id,
        "source": arrival.source,
        "kind": arrival.kind,
        "key": arrival.key,
        "external_id": arrival.external_id,
        "ordering_key": arrival.ordering_key,
        "fingerprint": fingerprint,
        "media_type": arrival.media_type,
        "body": arrival.body,
    }
    crashpoints.reached(Point.ACCEPT_BEFORE_COMMIT)
    # A unique violation must not end a transaction of the caller: hence a savepoint.
    in_transaction = conn.info.transaction_status is TransactionStatus.INTRANS
    try:
        with conn.transaction() if in_transaction else nullcontext(), conn.cursor() as cursor:
            stored = cursor.execute(_ACCEPT, row).fetchone()
    except errors.LockNotAvailable:
        raise InFlight from None
    except errors.UniqueViolation:
        return _same_reference(conn, arrival, fingerprint)
    if stored is None:
        return _same_key(conn, arrival, fingerprint)
    return InboxReceipt(stored["id"], stored["received_at"], replayed=False)


def _same_key(conn: Connection, arrival: Arrival, fingerprint: bytes) -> InboxReceipt:
    row = conn.execute(
        "SELECT i.id, i.received_at, k.fingerprint FROM idempotency k JOIN inbox i ON i.id = k.message_id"
        " WHERE k.source = %s AND k.key = %s",
        (arrival.source, arrival.key),
    ).fetchone()
    if row is None:
        raise InFlight
    if bytes(row["fingerprint"]) != fingerprint:
        raise KeyReused
    return InboxReceipt(row["id"], row["received_at"], replayed=True)


def _same_reference(conn: Connection, arrival: Arrival, fingerprint: bytes) -> InboxReceipt:
    """The receipt of a message that its sender sent before under another idempotency key."""
    row = conn.execute(
        "SELECT id, received_at, fingerprint FROM inbox WHERE source = %s AND external_id = %s",
        (arrival.source, arrival.external_id),
    ).fetchone()
    if row is None:
        raise InFlight
    if bytes(row["fingerprint"]) != fingerprint:
        raise ReferenceReused
    conn.execute(
        "INSERT INTO idempotency (source, key, fingerprint, message_id) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (arrival.source, arrival.key, fingerprint, row["id"]),
    )
    return InboxReceipt(row["id"], row["received_at"], replayed=True)


def claim(conn: Connection, message_ids: Sequence[str], *, lease: float) -> list[Message]:
    """Claim for ``lease`` seconds those messages that are due and first of their ordering keys, in order of arrival.

    1. Claim them, except suspects (a claim of it crashed) and those that another worker still handles.
    2. Of the others: extend the lease of whoever still handles one.
    3. A suspect is claimed only while no other suspect runs; the sweep brings back the others.

    Where other transactions are in the way of 2 or 3, the sweep brings back all others: what is claimed is handled.
    """
    # 1.
    messages = _claim(conn, message_ids, lease=lease, suspect=False)
    unclaimed = set(message_ids) - {message.id for message in messages}
    if not unclaimed:
        return messages
    try:
        # 2.
        rows = conn.execute(_WHY_NOT_CLAIMED, {"ids": sorted(unclaimed), "lease": lease}).fetchall()
        # 3.
        return messages + _claim_suspect(conn, sorted(row["id"] for row in rows if row["suspect"]), lease=lease)
    except BUSY as error:
        if not messages:
            raise
        log.info("inbox_claim_divided", claimed=len(messages), error=type(error).__name__)
        return messages


def _claim_suspect(conn: Connection, suspect_ids: Sequence[str], *, lease: float) -> list[Message]:
    """Claim one of the suspects, if no other runs."""
    for suspect in suspect_ids:
        with conn.transaction():
            if suspects.may_run(conn) and (claimed := _claim(conn, [suspect], lease=lease, suspect=True)):
                return claimed
    return []


def _claim(conn: Connection, message_ids: Sequence[str], *, lease: float, suspect: bool) -> list[Message]:
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        rows = cursor.execute(_CLAIM, {"ids": list(message_ids), "lease": lease, "suspect": suspect})
        return sorted(rows, key=lambda message: message.seq)


def hold(conn: Connection, messages: Sequence[Message]) -> None:
    """Keep other workers from claiming the messages until the transaction ends, even when the leases run out.

    Raises StaleClaim if another worker has claimed one of them.
    """
    if len(conn.execute(_HOLD, _claims(messages)).fetchall()) < len(messages):
        raise StaleClaim


def _claims(messages: Sequence[Message]) -> dict[str, Any]:
    return {
        "ids": [message.id for message in messages],
        "claim_versions": [message.claim_version for message in messages],
    }


def release(conn: Connection, message: Message) -> None:
    """Keep the claim from being counted as a crash, also where another worker has claimed the message since."""
    conn.execute("UPDATE inbox SET unsettled_claims = GREATEST(0, unsettled_claims - 1) WHERE id = %s", (message.id,))


def body(conn: Connection, message_id: str) -> bytes:
    """The body as it was received. Raises LookupError."""
    row = conn.execute("SELECT body FROM inbox WHERE id = %s", (message_id,)).fetchone()
    if row is None:
        raise LookupError(message_id)
    return bytes(row["body"])


def settle(conn: Connection, messages: Sequence[Message]) -> None:
    """Mark the messages as handled. Raises StaleClaim if another worker has claimed one of them."""
    if len(conn.execute(_SETTLE, _claims(messages)).fetchall()) < len(messages):
        raise StaleClaim


def wake(conn: Connection, source: str, ordering_key: str) -> list[Wakeup]:
    """Make the waiting messages of this ordering key due now. A pause that is cut short counts as no attempt."""
    rows = conn.execute(_WAKE, {"source": source, "ordering_key": ordering_key}).fetchall()
    return [Wakeup(QUEUE, row["id"]) for row in rows]


def first_in_order(conn: Connection, source: str, ordering_key: str) -> list[Wakeup]:
    """Wake the first message of an ordering key: its own wake-up may have come while another was before it."""
    row = conn.execute(_FIRST_IN_ORDER, {"source": source, "ordering_key": ordering_key}).fetchone()
    return [Wakeup(QUEUE, row["id"])] if row else []


def postpone(conn: Connection, message: Message, *, seconds: float, code: str, detail: str) -> list[Wakeup]:
    """Retry the message in ``seconds``; at once if ``wake`` was called for its ordering key while it was claimed."""
    woken = conn.execute(
        "UPDATE inbox SET state = 'waiting', unsettled_claims = 0, error_code = %s, error_detail = %s,"
        " due_at = now() + CASE WHEN unsettled_claims = 0 THEN interval '0' ELSE make_interval(secs => %s) END"
        " WHERE id = %s AND attempts = %s AND settled_at IS NULL RETURNING due_at <= now() AS due",
        (code, detail, seconds, message.id, message.claim_version),
    ).fetchone()
    return [Wakeup(QUEUE, message.id)] if woken and woken["due"] else []


def dead_letter(conn: Connection, message: Message, *, code: str, detail: str) -> None:
    """Set the message aside until a person requeues or refuses it."""
    conn.execute(
        "WITH dead AS (UPDATE inbox SET state = 'dead', unsettled_claims = 0, error_code = %(code)s,"
        "  error_detail = %(detail)s"
        "  WHERE id = %(id)s AND attempts = %(claim_version)s AND settled_at IS NULL RETURNING id)"
        " INSERT INTO audit_log (subject, actor, action, after, reason)"
        " SELECT id, 'hub', 'message_dead_lettered', 'dead', %(code)s FROM dead",
        {"code": code, "detail": detail, "id": message.id, "claim_version": message.claim_version},
    )


def refuse(
    conn: Connection, message_id: str, *, actor: str, code: str, reason: str, claim_version: int | None = None
) -> bool:
    """End the message for good. False if it had ended, or another worker has claimed it since ``claim_version``.

    Without ``claim_version`` a person refuses it: only what waits or is dead, which no worker handles.
    """
    refused = conn.execute(
        "WITH refused AS (UPDATE inbox SET state = 'refused', settled_at = now(), unsettled_claims = 0,"
        "  error_code = %(code)s, error_detail = %(reason)s"
        "  WHERE id = %(id)s AND settled_at IS NULL"
        "  AND (attempts = %(claim_version)s OR %(claim_version)s::integer IS NULL AND state IN ('waiting', 'dead'))"
        "  RETURNING id)"
        " INSERT INTO audit_log (subject, actor, action, after, reason)"
        " SELECT id, %(actor)s, 'message_refused', 'refused', %(reason)s FROM refused RETURNING id",
        {"id": message_id, "claim_version": claim_version, "code": code, "reason": reason, "actor": actor},
    )
    return refused.fetchone() is not None


def requeue(conn: Connection, message_id: str, *, actor: str, reason: str) -> bool:
    """Make a dead message due again. False if it was not dead."""
    requeued = conn.execute(
        "WITH alive AS (UPDATE inbox SET state = 'received', due_at = now(), wakeup_sent_at = NULL,"
        "  backoff_attempts = 0, unsettled_claims = 0"
        "  WHERE id = %(id)s AND state = 'dead' RETURNING id)"
        " INSERT INTO audit_log (subject, actor, action, before, after, reason)"
        " SELECT id, %(actor)s, 'message_requeued', 'dead', 'received', %(reason)s FROM alive RETURNING id",
        {"id": message_id, "actor": actor, "reason": reason},
    )
    return requeued.fetchone() is not None


def end(conn: Connection, message_id: str, *, actor: str, action: AuditAction, reason: str) -> bool:
    """Mark a dead message as handled, by a person's ``action`` in the audit log. False if it was not dead."""
    ended = conn.execute(
        "WITH ended AS (UPDATE inbox SET state = 'handled', settled_at = now() WHERE id = %(id)s AND state = 'dead'"
        "  RETURNING id)"
        " INSERT INTO audit_log (subject, actor, action, before, after, reason)"
        " SELECT id, %(actor)s, %(action)s, 'dead', 'handled', %(reason)s FROM ended RETURNING id",
        {"id": message_id, "actor": actor, "action": action, "reason": reason},
    )
    return ended.fetchone() is not None


def dead(conn: Connection, message_id: str) -> Arrival | None:
    """A dead message as it arrived; None if it is not dead."""
    row = conn.execute(
        "SELECT id, source, kind, external_id, body, ordering_key, media_type FROM inbox"
        " WHERE id = %s AND state = 'dead'",
        (message_id,),
    ).fetchone()
    return Arrival(**row, key=row["external_id"]) if row else None
