"""Handoffs: their statuses and lifecycle, and their rows."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, LiteralString

from hub.clock import local
from hub.db import Connection, as_set, one
from hub.errors import NotFound
from hub.lifecycle import Lifecycle
from schemas.handoff import FIRST, Act, Carrier, ShareResult


class HandoffStatus(StrEnum):
    """Status of a handoff."""

    UNSIGNED = "unsigned"
    """its officer signs outside the hub; nothing is sent before the signature is attached"""
    PREPARED = "prepared"
    """signed by our officer and our seal, and in the outbox"""
    ACKNOWLEDGED = "acknowledged"
    """the receiver has it; something is still missing: the signed minute, or the delivery of the papers"""
    COMPLETE = "complete"
    """both sides have signed, and the papers have arrived where they went by post"""
    REFUSED = "refused"


LIFECYCLE: Final = Lifecycle(
    {
        HandoffStatus.UNSIGNED: frozenset({HandoffStatus.PREPARED}),
        HandoffStatus.PREPARED: frozenset({HandoffStatus.ACKNOWLEDGED, HandoffStatus.COMPLETE, HandoffStatus.REFUSED}),
        HandoffStatus.ACKNOWLEDGED: frozenset({HandoffStatus.COMPLETE}),
        HandoffStatus.COMPLETE: frozenset(),
        HandoffStatus.REFUSED: frozenset(),
    }
)


@dataclass(frozen=True, slots=True)
class HandoffRow:
    """A handoff's row. Its signed records are in the custody log, under the handoff's id."""

    id: str
    dossier_id: str
    leg: int
    department: str
    transfer_id: str | None
    status: HandoffStatus
    number: str | None
    prepared_at: datetime
    act: str
    carrier: str
    officer: str | None
    result: str
    record_hash: bytes | None
    salt: bytes | None
    draft: bytes | None
    leaf_id: str | None
    receipt_leaf_id: str | None
    delivered_at: datetime | None
    taken_at: datetime | None
    minuted: bool
    """whether the scanned signed minute is here"""

    def __post_init__(self) -> None:
        # Rows come from SQL with the status as text.
        object.__setattr__(self, "status", HandoffStatus(self.status))

    @property
    def by_post(self) -> bool:
        return self.carrier == Carrier.POST

    @property
    def is_complete(self) -> bool:
        """Electronic: the counter-record or the minute is there. By post: the minute, and the papers delivered."""
        if self.by_post:
            return self.minuted and self.delivered_at is not None
        return self.minuted or self.receipt_leaf_id is not None


def result_of(act: Act, given_at: datetime, due_at: datetime) -> ShareResult:
    """Early, on time or late; only a return has one, by the due date of the calendar."""
    if act is Act.TRANSFER:
        return ShareResult.NONE
    if given_at > due_at:
        return ShareResult.LATE
    return ShareResult.EARLY if local(given_at).date() < local(due_at).date() else ShareResult.ON_TIME


# --- rows

_MINUTED: Final = "EXISTS (SELECT 1 FROM handoff_minute m WHERE m.handoff_id = h.id) AS minuted"
_COLUMNS: Final[LiteralString] = (
    "h.id, h.dossier_id, h.leg, h.department, h.transfer_id, h.status, h.number, h.prepared_at, h.act, h.carrier,"
    " h.officer, h.result, h.record_hash, h.salt, h.draft, h.leaf_id, h.receipt_leaf_id, h.delivered_at, h.taken_at, "
) + _MINUTED


@dataclass(frozen=True, slots=True)
class Last:
    """The end of a dossier's chain of records: the next leg's number, and the hash that it begins with."""

    next_leg: int
    hash: str


@dataclass(frozen=True, slots=True)
class New:
    """A row to be put in."""

    id: str
    dossier_id: str
    leg: int
    department: str
    transfer_id: str | None
    status: HandoffStatus
    prepared_at: datetime
    act: Act
    carrier: Carrier
    officer: str | None
    result: ShareResult
    record_hash: bytes
    salt: bytes | None
    draft: bytes | None
    leaf_id: str | None


_INSERT: Final[LiteralString] = """
INSERT INTO handoff (id, dossier_id, leg, department, transfer_id, status, prepared_at, act, carrier, officer, result,
    record_hash, salt, draft, leaf_id)
SELECT id, dossier_id, leg, department, transfer_id, status, prepared_at, act, carrier, officer, result,
    decode(record_hash, 'hex'), decode(salt, 'hex'), decode(draft, 'hex'), leaf_id
FROM json_to_recordset(%s) AS row (id text, dossier_id text, leg int, department text, transfer_id text, status text,
    prepared_at timestamptz, act text, carrier text, officer text, result text, record_hash text, salt text, draft text,
    leaf_id text)
"""


def insert(conn: Connection, handoffs: Sequence[New]) -> None:
    """Insert handoffs. Raises UniqueViolation for a second with one dossier and leg: the chain has no fork."""
    rows = [
        {name: value.hex() if isinstance(value, bytes) else value for name, value in asdict(row).items()}
        for row in handoffs
    ]
    conn.execute(_INSERT, (as_set(rows),))


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handoff's row becomes when its department has taken the handoff."""

    id: str
    status: HandoffStatus
    number: str | None
    answered_at: datetime
    receipt_leaf_id: str | None
    taken_at: datetime | None
    completed_at: datetime | None
    """None: as before"""


# Once for each row: of one that this transaction has changed already PostgreSQL checks every reference anew, and that
# to the record's leaf waits for the sequencer.
_ANSWER: Final[LiteralString] = """
UPDATE handoff h SET status = answer.status, number = answer.number, answered_at = answer.answered_at,
    receipt_leaf_id = answer.receipt_leaf_id, taken_at = answer.taken_at,
    completed_at = COALESCE(answer.completed_at, h.completed_at)
FROM json_to_recordset(%s) AS answer (id text, status text, number text, answered_at timestamptz, receipt_leaf_id text,
    taken_at timestamptz, completed_at timestamptz)
WHERE h.id = answer.id
"""


def answer(conn: Connection, answers: Sequence[Answer]) -> None:
    """Update locked handoffs."""
    conn.execute(_ANSWER, (as_set([asdict(answer) for answer in answers]),))


def last(conn: Connection, dossier_id: str, *, below: int = 2**31 - 1) -> Last:
    """The end of this dossier's chain, or its end before leg ``below``. The caller has locked the dossier."""
    row = conn.execute(
        "SELECT leg, record_hash FROM handoff WHERE dossier_id = %s AND leg < %s ORDER BY leg DESC LIMIT 1",
        (dossier_id, below),
    ).fetchone()
    if row is None:
        return Last(1, FIRST)
    return Last(row["leg"] + 1, row["record_hash"].hex() if row["record_hash"] is not None else FIRST)


def lock(conn: Connection, handoff_id: str) -> HandoffRow:
    """Lock the handoff and its dossier until the transaction ends. Raises NotFound."""
    return _locked(conn, "h.id = %s", handoff_id)


def lock_by_transfer(conn: Connection, transfer_id: str) -> HandoffRow:
    """Lock the handoff that this transfer sends. Raises NotFound."""
    return _locked(conn, "h.transfer_id = %s", transfer_id)


def _locked(conn: Connection, where: LiteralString, value: str) -> HandoffRow:
    row = conn.execute(
        f"SELECT {_COLUMNS} FROM handoff h JOIN dossier d ON d.id = h.dossier_id WHERE {where} FOR UPDATE OF d, h",
        (value,),
    ).fetchone()
    if row is None:
        raise NotFound(f"no handoff has the id {value}")
    return HandoffRow(**row)


def change(conn: Connection, handoff_id: str, **columns: Any) -> HandoffRow:
    """Update these columns. Returns the new row."""
    sets = ", ".join(f"{name} = %({name})s" for name in columns)
    row = one(
        conn,
        f"UPDATE handoff h SET {sets} WHERE id = %(id)s RETURNING {_COLUMNS}",
        {**columns, "id": handoff_id},
    )
    return HandoffRow(**row)
