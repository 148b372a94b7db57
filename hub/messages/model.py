"""Messages as rows: what came in, what goes out, and the claim under which one worker has one of them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

MOST_DEATHS: Final = 2
"""What its process has died of so often is set aside for a person: it would kill every worker, one after the other."""


class TransferState(StrEnum):
    """Where a transfer stands. The last four end it; stuck and parked wait for a person and hold their lane."""

    QUEUED = "queued"
    SENDING = "sending"
    RETRYING = "retrying"
    UNKNOWN = "unknown"
    STUCK = "stuck"
    PARKED = "parked"
    DELIVERED = "delivered"
    REFUSED = "refused"
    MANUAL = "manual"
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
    """ "This row is due now": all that a broker message ever says. In the queue of the ticks, ``id`` names one."""

    queue: str
    id: str


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message at the front door. ``key`` binds repetitions, ``external_id`` is the sender's own name for it.

    What comes from one source in one ``lane`` is handled in the order in which it came; "" is no lane.
    """

    id: str
    source: str
    kind: str
    key: str
    external_id: str
    body: bytes
    lane: str = ""
    media_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class InboxReceipt:
    """The door's word: stored durably under ``id`` at ``at``; ``replayed`` if it was there already."""

    id: str
    at: datetime
    replayed: bool


@dataclass(frozen=True, slots=True)
class Message:
    """An inbox row under a lease; ``fence`` is the attempt that holds it."""

    id: str
    source: str
    kind: str
    lane: str
    body: bytes
    received_at: datetime
    fence: int
    tries: int
    deaths: int = 0
    """how many claims in a row before this one ended without a word: their processes died"""
    held_for: str | None = None
    """why it waited before this: of what a person has requeued, why it was dead"""


@dataclass(frozen=True, slots=True)
class Transfer:
    """An outbox row under a lease. ``ask`` if an earlier attempt's outcome is unknown: ask before sending again."""

    id: str
    kind: str
    counterparty: str
    key: str
    subject: str
    body: bytes
    created_at: datetime
    fence: int
    tries: int
    ask: bool
    deaths: int
    """as of a message"""
    attempt_id: str
