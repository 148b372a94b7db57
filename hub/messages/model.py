"""Rows of the inbox and the outbox as values, and their states."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

BATCH: Final = 32
"""rows that one broker message names at most, and that one transaction claims, handles or settles"""
MAX_CRASHES: Final = 2
"""a row whose processes crashed so often is set aside for a person: it would end every worker, one after the other"""


class TransferState(StrEnum):
    """State of a transfer. The last three end it; stuck and parked hold their ordering key until a person decides."""

    QUEUED = "queued"
    SENDING = "sending"
    RETRYING = "retrying"
    UNKNOWN = "unknown"
    STUCK = "stuck"
    PARKED = "parked"
    DELIVERED = "delivered"
    REFUSED = "refused"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How one attempt ended."""

    OK = "ok"
    REJECTED = "rejected_business"
    FAILED = "failed_transport"
    UNKNOWN = "timeout_unknown"
    BROKEN = "contract_broken"


@dataclass(frozen=True, slots=True)
class Wakeup:
    """A broker message: the row ``id`` is due. In the queue of the ticks, ``id`` is the name of a tick."""

    queue: str
    id: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message to be stored in the inbox. ``key``: its idempotency key; ``external_id``: the sender's own id of it.

    Messages of one source with one ``ordering_key`` are handled in the order of their arrival; "" orders nothing.
    """

    id: str
    source: str
    kind: str
    key: str
    external_id: str
    body: bytes
    ordering_key: str = ""
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class InboxReceipt:
    """The message is stored durably as ``id`` since ``at``; ``replayed`` if it was stored before."""

    id: str
    at: datetime
    replayed: bool


@dataclass(frozen=True, slots=True)
class Message:
    """An inbox row under a lease. ``claim_version`` is the number of the claim that holds it."""

    id: str
    source: str
    kind: str
    ordering_key: str
    body: bytes
    received_at: datetime
    claim_version: int
    backoff_attempts: int
    crashes: int = 0
    """claims in a row before this one whose processes died"""
    held_for: str | None = None
    """the code for which it waited before, or was dead before a person requeued it"""
    seq: int = 0
    """order of arrival"""


@dataclass(frozen=True, slots=True)
class Transfer:
    """An outbox row under a lease. ``ask_first``: an earlier attempt's outcome is unknown, ask before sending again."""

    id: str
    kind: str
    counterparty: str
    key: str
    subject: str
    body: bytes
    created_at: datetime
    claim_version: int
    backoff_attempts: int
    ask_first: bool
    crashes: int
    """as of a message"""
    attempt_id: str
    held: str | None = None
    """stuck or parked when it was claimed: a person asks about it, or did so until his process died"""
