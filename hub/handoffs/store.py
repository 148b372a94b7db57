"""The rows of handoffs."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from hub.db import Connection, as_set, one
from hub.errors import NotFound
from hub.handoffs.model import HandoffRow, HandoffStatus
from schemas.handoff import FIRST, Act, Carrier, ShareResult

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
