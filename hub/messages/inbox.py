"""The front door: what others handed over, once each, and when it is next due."""

import hashlib
from contextlib import nullcontext
from typing import Final

from psycopg import errors
from psycopg.pq import TransactionStatus
from psycopg.rows import class_row

from hub import crashpoints
from hub.crashpoints import Point
from hub.db import Connection
from hub.errors import InFlight, KeyReused, ReferenceReused, StaleClaim
from hub.messages import suspects
from hub.messages.model import Arrival, InboxReceipt, Message, Wakeup

QUEUE: Final = "inbox"

_ACCEPT: Final = """
WITH keyed AS (
    INSERT INTO idempotency (source, key, fingerprint, message_id)
    VALUES (%(source)s, %(key)s, %(fingerprint)s, %(id)s)
    ON CONFLICT DO NOTHING RETURNING message_id
), stored AS (
    INSERT INTO inbox (id, source, kind, external_id, lane, fingerprint, media_type, body)
    SELECT message_id, %(source)s, %(kind)s, %(external_id)s, %(lane)s, %(fingerprint)s, %(media_type)s, %(body)s
    FROM keyed
    RETURNING id, received_at
)
SELECT id, received_at FROM stored
"""

LANE_FREE: Final = """NOT EXISTS (SELECT 1 FROM inbox earlier WHERE earlier.source = inbox.source
    AND earlier.lane = inbox.lane AND earlier.lane <> '' AND earlier.seq < inbox.seq AND earlier.state = 'received')"""

# Whoever handles a message holds this until its transaction ends, and so no longer than its process lives.
_IN_HAND: Final = "hashtextextended(inbox.id, 0)"

# Answers before the claim is on the disk: losing one in a crash costs a repetition, and a commit less for each message.
_CLAIM: Final = f"""
WITH hasty AS MATERIALIZED (SELECT set_config('synchronous_commit', 'off', true))
UPDATE inbox SET attempts = attempts + 1, tries = tries + 1, nudged_at = NULL, open_claims = open_claims + 1,
    due_at = clock_timestamp() + make_interval(secs => %(lease)s)
FROM hasty
WHERE id = %(id)s AND state IN ('received', 'waiting') AND due_at <= clock_timestamp()
  AND (open_claims = 1) = %(suspect)s AND {LANE_FREE} AND pg_try_advisory_xact_lock_shared({_IN_HAND})
RETURNING id, source, kind, lane, body, received_at, attempts AS fence, tries, open_claims - 1 AS deaths,
    error_code AS held_for
"""

_NOT_TAKEN: Final = f"""
WITH found AS (
    SELECT id, NOT pg_try_advisory_xact_lock_shared({_IN_HAND}) AS in_hand FROM inbox
    WHERE id = %(id)s AND state IN ('received', 'waiting') AND due_at <= clock_timestamp()
)
UPDATE inbox SET nudged_at = NULL,
    due_at = CASE WHEN in_hand THEN clock_timestamp() + make_interval(secs => %(lease)s) ELSE due_at END
FROM found
WHERE inbox.id = found.id AND state IN ('received', 'waiting') AND due_at <= clock_timestamp()
  AND (in_hand OR open_claims = 1)
RETURNING NOT in_hand AS suspect
"""

_HOLD: Final = f"""
SELECT pg_advisory_xact_lock({_IN_HAND}) FROM inbox WHERE id = %s AND attempts = %s AND settled_at IS NULL
"""

_NEXT_IN_LANE: Final = """
SELECT id FROM inbox WHERE source = %(source)s AND lane = %(lane)s AND lane <> '' AND state = 'received'
ORDER BY seq LIMIT 1
"""

_WAKE: Final = (
    """
WITH woken AS (
    UPDATE inbox SET due_at = LEAST(due_at, now()), nudged_at = NULL, open_claims = 0,
        tries = tries - (due_at > now())::int
    WHERE source = %(source)s AND lane = %(lane)s AND lane <> '' AND state = 'waiting'
      AND (due_at > now() OR nudged_at IS NULL)
    RETURNING id, seq
), next AS ("""
    + _NEXT_IN_LANE
    + """)
SELECT id FROM (SELECT id, 1 AS turn, seq FROM woken UNION ALL SELECT id, 2, 0 FROM next) due ORDER BY turn, seq
"""
)


def accept(conn: Connection, arrival: Arrival) -> InboxReceipt:
    """Store ``arrival`` once: inbox row, idempotency row and (by a trigger) journal in one statement.

    The same key or external id with the same content gives the first answer again. Raises KeyReused or
    ReferenceReused where the content differs, InFlight while the first is still being written.
    """
    fingerprint = hashlib.sha256(arrival.body).digest()
    row = {
        "id": arrival.id,
        "source": arrival.source,
        "kind": arrival.kind,
        "key": arrival.key,
        "external_id": arrival.external_id,
        "lane": arrival.lane,
        "fingerprint": fingerprint,
        "media_type": arrival.media_type,
        "body": arrival.body,
    }
    crashpoints.reached(Point.ACCEPT_BEFORE_COMMIT)
    # Within somebody's transaction a name that is taken must not end it: what was stored of it is looked up then.
    is_within = conn.info.transaction_status is TransactionStatus.INTRANS
    try:
        with conn.transaction() if is_within else nullcontext(), conn.cursor() as cursor:
            stored = cursor.execute(_ACCEPT, row).fetchone()
    except errors.LockNotAvailable:
        raise InFlight from None
    except errors.UniqueViolation:
        return _same_reference(conn, arrival, fingerprint)
    if stored is None:
        return _same_key(conn, arrival, fingerprint)
    return InboxReceipt(stored["id"], stored["received_at"], replayed=False)


def _same_key(conn: Connection, arrival: Arrival, fingerprint: bytes) -> InboxReceipt:
    found = conn.execute(
        "SELECT i.id, i.received_at, k.fingerprint FROM idempotency k JOIN inbox i ON i.id = k.message_id"
        " WHERE k.source = %s AND k.key = %s",
        (arrival.source, arrival.key),
    ).fetchone()
    if found is None:
        raise InFlight
    if bytes(found["fingerprint"]) != fingerprint:
        raise KeyReused
    return InboxReceipt(found["id"], found["received_at"], replayed=True)


def _same_reference(conn: Connection, arrival: Arrival, fingerprint: bytes) -> InboxReceipt:
    """A sender that lost its key and made a new one: the natural name catches the repetition."""
    found = conn.execute(
        "SELECT id, received_at, fingerprint FROM inbox WHERE source = %s AND external_id = %s",
        (arrival.source, arrival.external_id),
    ).fetchone()
    if found is None:
        raise InFlight
    if bytes(found["fingerprint"]) != fingerprint:
        raise ReferenceReused
    conn.execute(
        "INSERT INTO idempotency (source, key, fingerprint, message_id) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (arrival.source, arrival.key, fingerprint, found["id"]),
    )
    return InboxReceipt(found["id"], found["received_at"], replayed=True)


def claim(conn: Connection, message_id: str, *, lease: float) -> Message | None:
    """Take the message for ``lease`` seconds; None if it is not due, not the first of its lane, or somebody has it.

    Whoever still handles it when his lease has run out keeps it for another. One whose process has died is not given
    either while another such is under way; the sweep comes back to it.
    """
    message = _take(conn, message_id, lease=lease, suspect=False)
    if message is not None:
        return message
    left = conn.execute(_NOT_TAKEN, {"id": message_id, "lease": lease}).fetchone()
    if left is None or not left["suspect"]:
        return None
    with conn.transaction():
        return _take(conn, message_id, lease=lease, suspect=True) if suspects.may_run(conn) else None


def _take(conn: Connection, message_id: str, *, lease: float, suspect: bool) -> Message | None:
    with conn.cursor(row_factory=class_row(Message)) as cursor:
        return cursor.execute(_CLAIM, {"id": message_id, "lease": lease, "suspect": suspect}).fetchone()


def hold(conn: Connection, message: Message) -> None:
    """Keep the claimed message until the transaction ends, however long that takes; nobody else is given it.

    Raises StaleClaim if the lease has passed to another worker.
    """
    if conn.execute(_HOLD, (message.id, message.fence)).fetchone() is None:
        raise StaleClaim


def release(conn: Connection, message: Message) -> None:
    """Nothing came of the claim, and its process lives: it comes back when its lease has run out."""
    conn.execute("UPDATE inbox SET open_claims = 0 WHERE id = %s AND attempts = %s", (message.id, message.fence))


def body(conn: Connection, message_id: str) -> bytes:
    """The bytes as they were received. Raises LookupError."""
    row = conn.execute("SELECT body FROM inbox WHERE id = %s", (message_id,)).fetchone()
    if row is None:
        raise LookupError(message_id)
    return bytes(row["body"])


def settle(conn: Connection, message: Message) -> None:
    """The message is handled. Raises StaleClaim if the lease has passed to another worker."""
    done = conn.execute(
        "UPDATE inbox SET state = 'handled', settled_at = now(), open_claims = 0, error_code = NULL,"
        " error_detail = NULL WHERE id = %s AND attempts = %s AND settled_at IS NULL RETURNING id",
        (message.id, message.fence),
    )
    if done.fetchone() is None:
        raise StaleClaim


def wake(conn: Connection, source: str, lane: str) -> list[Wakeup]:
    """Something has happened in this lane: whoever waits in it may go on. A wait that is cut short does not count."""
    due = conn.execute(_WAKE, {"source": source, "lane": lane}).fetchall()
    return [Wakeup(QUEUE, row["id"]) for row in due]


def next_in_lane(conn: Connection, source: str, lane: str) -> list[Wakeup]:
    """The first of a lane that nobody has looked at yet: its own wake-up may have come while another went before it."""
    row = conn.execute(_NEXT_IN_LANE, {"source": source, "lane": lane}).fetchone()
    return [Wakeup(QUEUE, row["id"])] if row else []


def postpone(conn: Connection, message: Message, *, seconds: float, code: str, detail: str) -> list[Wakeup]:
    """Try again in ``seconds``; at once if what it waits for has come while it was in hand (``wake``)."""
    woken = conn.execute(
        "UPDATE inbox SET state = 'waiting', open_claims = 0, error_code = %s, error_detail = %s,"
        " due_at = now() + CASE WHEN open_claims = 0 THEN interval '0' ELSE make_interval(secs => %s) END"
        " WHERE id = %s AND attempts = %s AND settled_at IS NULL RETURNING due_at <= now() AS due",
        (code, detail, seconds, message.id, message.fence),
    ).fetchone()
    return [Wakeup(QUEUE, message.id)] if woken and woken["due"] else []


def dead_letter(conn: Connection, message: Message, *, code: str, detail: str) -> None:
    """A person has to look: the message is dead, visible, and can be requeued."""
    conn.execute(
        "WITH dead AS (UPDATE inbox SET state = 'dead', open_claims = 0, error_code = %(code)s,"
        "  error_detail = %(detail)s"
        "  WHERE id = %(id)s AND attempts = %(fence)s AND settled_at IS NULL RETURNING id)"
        " INSERT INTO journal (subject, actor, verb, after, reason)"
        " SELECT id, 'hub', 'buried', 'dead', %(code)s FROM dead",
        {"code": code, "detail": detail, "id": message.id, "fence": message.fence},
    )


def refuse(conn: Connection, message_id: str, *, actor: str, code: str, reason: str, fence: int | None = None) -> bool:
    """End the message for good; False if it had ended, or ``fence`` has passed to another worker.

    Without ``fence`` it is a person who refuses: what waits or is dead, and nothing that a worker may have in hand.
    """
    refused = conn.execute(
        "WITH refused AS (UPDATE inbox SET state = 'refused', settled_at = now(), open_claims = 0,"
        "  error_code = %(code)s, error_detail = %(reason)s"
        "  WHERE id = %(id)s AND settled_at IS NULL"
        "  AND (attempts = %(fence)s OR %(fence)s::integer IS NULL AND state IN ('waiting', 'dead')) RETURNING id)"
        " INSERT INTO journal (subject, actor, verb, after, reason)"
        " SELECT id, %(actor)s, 'refused', 'refused', %(reason)s FROM refused RETURNING id",
        {"id": message_id, "fence": fence, "code": code, "reason": reason, "actor": actor},
    )
    return refused.fetchone() is not None


def requeue(conn: Connection, message_id: str, *, actor: str, reason: str) -> bool:
    """A dead message is due again; False if it was not dead."""
    requeued = conn.execute(
        "WITH alive AS (UPDATE inbox SET state = 'received', due_at = now(), nudged_at = NULL, tries = 0,"
        "  open_claims = 0"
        "  WHERE id = %(id)s AND state = 'dead' RETURNING id)"
        " INSERT INTO journal (subject, actor, verb, before, after, reason)"
        " SELECT id, %(actor)s, 'requeued', 'dead', 'received', %(reason)s FROM alive RETURNING id",
        {"id": message_id, "actor": actor, "reason": reason},
    )
    return requeued.fetchone() is not None


def end(conn: Connection, message_id: str, *, actor: str, verb: str, reason: str) -> bool:
    """A dead message is done with, by a person's ``verb``; nothing of it is lost. False if it was not dead."""
    ended = conn.execute(
        "WITH ended AS (UPDATE inbox SET state = 'handled', settled_at = now() WHERE id = %(id)s AND state = 'dead'"
        "  RETURNING id)"
        " INSERT INTO journal (subject, actor, verb, before, after, reason)"
        " SELECT id, %(actor)s, %(verb)s, 'dead', 'handled', %(reason)s FROM ended RETURNING id",
        {"id": message_id, "actor": actor, "verb": verb, "reason": reason},
    )
    return ended.fetchone() is not None


def dead(conn: Connection, message_id: str) -> Arrival | None:
    """A message that waits for a person, as it came; None if it does not."""
    row = conn.execute(
        "SELECT id, source, kind, external_id, body, lane, media_type FROM inbox WHERE id = %s AND state = 'dead'",
        (message_id,),
    ).fetchone()
    return Arrival(**row, key=row["external_id"]) if row else None
