"""What came to a notification door: kept as it came, judged, and believed once.

The door counts who proves nothing, and writes three rows at most of what a provider has signed: the delivery, before
anybody believes what it says; what was found of it; and, the first time that a movement of money is told, the event
together with the inbox message that acts on it, in one statement.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from psycopg.types.json import Jsonb

from hub.db import Connection, one
from hub.fees.demands.model import COLLECTING
from hub.messages import inbox
from hub.messages.model import Arrival
from schemas.identifiers import Prefix, new_id
from schemas.payment import Notification

KIND: Final = "bank.notification"
CONFLICT: Final = "bank.conflict"

_KEEP: Final = """
INSERT INTO notify_delivery (provider, query, headers, body, sha256) VALUES (%s, %s, %s, %s, %s) RETURNING id
"""

_REFUSED: Final = """
INSERT INTO rejected_request AS r (counterparty, reason, day)
VALUES (%s, %s, (now() AT TIME ZONE 'Asia/Ho_Chi_Minh')::date)
ON CONFLICT (counterparty, reason, day) DO UPDATE SET count = r.count + 1 RETURNING count
"""

_JUDGE: Final = """
INSERT INTO notify_verdict (delivery_id, verdict, code, key_id, event_id, answer_status, answer_body)
VALUES (%(delivery)s, %(verdict)s, %(code)s, %(key_id)s, %(event)s, %(status)s, %(body)s)
"""

_BELIEVE: Final = """
WITH event AS (
    INSERT INTO notify_event (provider, provider_txn, kind, amount, currency, paid_at, account, bank_ref,
        reference_text, content_hash, delivery_id, verdict, answer_status, answer_body, inbox_id)
    VALUES (%(provider)s, %(provider_txn)s, %(kind)s, %(amount)s, %(currency)s, %(paid_at)s, %(account)s, %(bank_ref)s,
        %(words)s, %(hash)s, %(delivery)s, %(verdict)s, %(status)s, %(body)s, %(message)s)
    ON CONFLICT (provider, provider_txn, kind) DO NOTHING RETURNING id, inbox_id
), keyed AS (
    INSERT INTO idempotency (source, key, fingerprint, message_id)
    SELECT %(source)s, %(key)s, %(hash)s, inbox_id FROM event
), stored AS (
    INSERT INTO inbox (id, source, kind, external_id, ordering_key, fingerprint, media_type, body)
    SELECT inbox_id, %(source)s, %(inbox_kind)s, %(key)s, %(ordering_key)s, %(hash)s, 'application/json', %(said)s
    FROM event
), judged AS (
    INSERT INTO notify_verdict (delivery_id, verdict, code, key_id, event_id, answer_status, answer_body)
    SELECT %(delivery)s, %(verdict)s, %(code)s, %(key_id)s, id, %(status)s, %(body)s FROM event
)
SELECT id, inbox_id FROM event
"""

_KNOWN: Final = """
SELECT id, content_hash, answer_status, answer_body FROM notify_event
WHERE provider = %s AND provider_txn = %s AND kind = %s
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found of a delivery and is answered. ``code``: of the exception (N03 to N06, R…), if it is one."""

    verdict: str
    status: int
    body: bytes | None
    code: str | None = None
    key_id: str | None = None


class DemandStatus(StrEnum):
    """What a provider that asks at once is told about the demand that it names."""

    OPEN = "open"
    UNKNOWN = "unknown"
    OTHER_AMOUNT = "other_amount"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """What became of an authentic notification. ``message``: the new inbox message, if there is one."""

    answer: Judgement
    message: str | None = None


def refused(conn: Connection, door: str, reason: str) -> int:
    """Nothing of a caller who has proved nothing is kept, but that there was one; how many today have been so."""
    return int(one(conn, _REFUSED, (door, reason))["count"])


def keep(conn: Connection, provider: str, query: bytes, headers: Mapping[str, str], body: bytes) -> int:
    """The delivery as it came; its number."""
    digest = hashlib.sha256(query + b"\x00" + body).digest()
    return int(one(conn, _KEEP, (provider, query, Jsonb(dict(headers)), body, digest))["id"])


def judge(conn: Connection, delivery: int, found: Judgement, event: int | None = None) -> None:
    """Write down what was found of a delivery, before it is answered."""
    row = {
        "delivery": delivery,
        "verdict": found.verdict,
        "code": found.code,
        "key_id": found.key_id,
        "event": event,
        "status": found.status,
        "body": found.body,
    }
    conn.execute(_JUDGE, row)


def believe(conn: Connection, delivery: int, said: Notification, first: Judgement, conflict: Judgement) -> IntakeResult:
    """An authentic notification, once: the first time it gets the answer ``first``, and so does every repetition.

    Told before in other words, it is a conflict: what was said first stands, a person hears of it, and the answer is
    ``conflict``.
    """
    body = said.model_dump_json().encode()
    row = said.model_dump(include={"provider", "provider_txn", "kind", "amount", "currency", "account", "bank_ref"})
    row |= {
        "paid_at": said.paid_at,
        "words": f"{said.reference or ''} {said.text}".strip(),
        "hash": hashlib.sha256(body).digest(),
        "delivery": delivery,
        "verdict": first.verdict,
        "code": first.code,
        "key_id": first.key_id,
        "status": first.status,
        "body": first.body,
        "message": new_id(Prefix.INBOX),
        "source": f"bank.{said.provider}",
        "key": f"{said.kind}.{said.provider_txn}",
        "inbox_kind": KIND,
        "ordering_key": said.original or said.provider_txn,
        "said": body,
    }
    event = conn.execute(_BELIEVE, row).fetchone()
    if event is not None:
        return IntakeResult(first, event["inbox_id"])
    return _again(conn, delivery, said, row["hash"], first, conflict)


def _again(
    conn: Connection, delivery: int, said: Notification, digest: bytes, first: Judgement, conflict: Judgement
) -> IntakeResult:
    known = one(conn, _KNOWN, (said.provider, said.provider_txn, said.kind))
    if bytes(known["content_hash"]) == digest:
        answered = None if known["answer_body"] is None else bytes(known["answer_body"])
        repeated = Judgement("repeated", known["answer_status"], answered, key_id=first.key_id)
        judge(conn, delivery, repeated, known["id"])
        return IntakeResult(repeated)
    source = f"bank.{said.provider}"
    accepted = inbox.accept(
        conn,
        Arrival(
            id=new_id(Prefix.INBOX),
            source=source,
            kind=CONFLICT,
            key=f"conflict.{said.kind}.{said.provider_txn}.{digest.hex()}",
            external_id=f"conflict.{said.kind}.{said.provider_txn}.{digest.hex()}",
            ordering_key=said.original or said.provider_txn,
            body=said.model_dump_json().encode(),
        ),
    )
    judge(conn, delivery, conflict, known["id"])
    return IntakeResult(conflict, None if accepted.replayed else accepted.id)


def order(conn: Connection, references: Sequence[str], amount: int) -> DemandStatus:
    """How the one demand with such a reference stands to this amount. A read: the verb that acts on it looks again."""
    rows = conn.execute(
        "SELECT amount_due, waived, allocated, status FROM fee_demand WHERE reference = ANY(%s)", (list(references),)
    ).fetchall()
    if len(rows) != 1:
        return DemandStatus.UNKNOWN
    [row] = rows
    collects = row["status"] in COLLECTING
    due = row["amount_due"] - row["waived"] - (row["allocated"] if collects else 0)
    if amount != due:
        return DemandStatus.OTHER_AMOUNT
    return DemandStatus.OPEN if collects else DemandStatus.FINAL
