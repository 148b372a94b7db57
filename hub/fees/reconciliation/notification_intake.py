"""Intake of notifications of money: store each delivery as received, store its verdict, accept each movement once.

1. A request that proves nothing is counted (``refused``).
2. A signed delivery is stored before its content is trusted (``keep``).
3. Its verdict is stored before it is answered (``judge``).
4. The first authentic notification of a movement becomes an event and an inbox message, in one transaction
   (``believe``); a repetition gets the first answer again, other content is a conflict.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from psycopg.types.json import Jsonb

from hub.db import Connection, one
from hub.errors import KeyReused
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
    RETURNING id
)
INSERT INTO notify_verdict (delivery_id, verdict, code, key_id, event_id, answer_status, answer_body)
SELECT %(delivery)s, %(verdict)s, %(code)s, %(key_id)s, id, %(status)s, %(body)s FROM event
"""

_KNOWN: Final = """
SELECT id, answer_status, answer_body FROM notify_event
WHERE provider = %s AND provider_txn = %s AND kind = %s
"""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The verdict on a delivery, and the answer to it. ``code``: of the exception (N03 to N06, R…), if it is one."""

    verdict: str
    status: int
    body: bytes | None
    code: str | None = None
    key_id: str | None = None


class DemandStatus(StrEnum):
    """The answer to a provider that wants to know at once whether the demand takes the money."""

    OPEN = "open"
    UNKNOWN = "unknown"
    OTHER_AMOUNT = "other_amount"
    FINAL = "final"


@dataclass(frozen=True, slots=True)
class IntakeResult:
    """The answer to an authentic notification, and the id of the new inbox message, if there is one."""

    answer: Judgement
    message: str | None = None


def refused(conn: Connection, endpoint: str, reason: str) -> int:
    """Count a request that proved nothing; nothing else of it is stored. Returns how many were refused so today."""
    return int(one(conn, _REFUSED, (endpoint, reason))["count"])


def keep(conn: Connection, provider: str, query: bytes, headers: Mapping[str, str], body: bytes) -> int:
    """Store a delivery as it was received. Returns its number."""
    digest = hashlib.sha256(query + b"\x00" + body).digest()
    return int(one(conn, _KEEP, (provider, query, Jsonb(dict(headers)), body, digest))["id"])


def judge(conn: Connection, delivery: int, judgement: Judgement, event: int | None = None) -> None:
    """Store the verdict on a delivery, before it is answered."""
    row = {
        "delivery": delivery,
        "verdict": judgement.verdict,
        "code": judgement.code,
        "key_id": judgement.key_id,
        "event": event,
        "status": judgement.status,
        "body": judgement.body,
    }
    conn.execute(_JUDGE, row)


def believe(
    conn: Connection, delivery: int, notification: Notification, first: Judgement, conflict: Judgement
) -> IntakeResult:
    """Accept an authentic notification once: the first time it gets the answer ``first``, and so does every repetition.

    Notified before with other content, it is a conflict: the first content stands, a message tells a person of the
    other one, and the answer is ``conflict``.

    1. Put it into the inbox, under the provider's number of the movement.
    2. New: store the event and the verdict.
    3. Not new: store the verdict; of a conflict the message too.
    """
    body = notification.model_dump_json().encode()
    key = f"{notification.kind}.{notification.provider_txn}"
    with conn.transaction():
        # 1.
        try:
            receipt = inbox.accept(conn, _arrival(notification, KIND, key, body))
        except KeyReused:
            receipt = None
        # 2.
        if receipt is not None and not receipt.replayed:
            conn.execute(_BELIEVE, _event_row(notification, body, delivery, first, receipt.id))
            return IntakeResult(first, receipt.id)
        # 3.
        known = one(conn, _KNOWN, (notification.provider, notification.provider_txn, notification.kind))
        if receipt is not None:
            answer = None if known["answer_body"] is None else bytes(known["answer_body"])
            repeated = Judgement("repeated", known["answer_status"], answer, key_id=first.key_id)
            judge(conn, delivery, repeated, known["id"])
            return IntakeResult(repeated)
        conflict_key = f"conflict.{key}.{hashlib.sha256(body).hexdigest()}"
        accepted = inbox.accept(conn, _arrival(notification, CONFLICT, conflict_key, body))
        judge(conn, delivery, conflict, known["id"])
        return IntakeResult(conflict, None if accepted.replayed else accepted.id)


def _arrival(notification: Notification, kind: str, key: str, body: bytes) -> Arrival:
    return Arrival(
        id=new_id(Prefix.INBOX),
        source=f"bank.{notification.provider}",
        kind=kind,
        key=key,
        external_id=key,
        # What takes a payment back is handled after the payment.
        ordering_key=notification.original or notification.provider_txn,
        body=body,
    )


def _event_row(
    notification: Notification, body: bytes, delivery: int, first: Judgement, message: str
) -> dict[str, object]:
    row = notification.model_dump(
        include={"provider", "provider_txn", "kind", "amount", "currency", "paid_at", "account", "bank_ref"}
    )
    return row | {
        "words": f"{notification.reference or ''} {notification.text}".strip(),
        "hash": hashlib.sha256(body).digest(),
        "delivery": delivery,
        "verdict": first.verdict,
        "code": first.code,
        "key_id": first.key_id,
        "status": first.status,
        "body": first.body,
        "message": message,
    }


def order(conn: Connection, references: Sequence[str], amount: int) -> DemandStatus:
    """Compare the amount with what is due on the demand of these references. A read: the handler checks it again."""
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
