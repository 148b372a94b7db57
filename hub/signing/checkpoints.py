"""Checkpoints of the custody log: its size and root, signed by the log, time-stamped by a TSA, stored by witnesses.

Records are signed immediately and time-stamped in batches: one stamp on a checkpoint covers every leaf below it. Once a
day a checkpoint goes to the departments that are witnesses, with the proof that leaves were only appended. Replies of
TSAs and witnesses are handled in hub.signing.anchoring.
"""

import base64
import hashlib
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

from config.catalogue import Catalogue
from hub.clock import local
from hub.db import Connection
from hub.messages import outbox
from hub.messages.model import Wakeup
from hub.messages.outbox import NewTransfer
from hub.signing import canonical, cms, custody, merkle, stamps
from hub.signing.cms import SigningKey
from schemas.custody import FIRST, TYPE, WitnessedCheckpoint
from schemas.identifiers import Prefix, new_id

STAMP: Final = "trust.stamp"
WITNESS: Final = "department.witness"
_NONCE_BITS: Final = 63


@dataclass(frozen=True, slots=True)
class CheckpointSchedule:
    """When checkpoints are due."""

    every: float
    """seconds between checkpoints, while there is something new"""
    leaves: int
    """number of new leaves that makes a checkpoint due at once"""
    again: float
    """seconds after which a checkpoint without a stamp and without an open stamp request is replaced by a new one"""
    witness_every: float
    """seconds between checkpoints for witnesses; periods of 86,400 begin at midnight in Vietnam"""


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A row of ``custody_checkpoint``."""

    number: int
    size: int
    root: bytes
    at: datetime
    body: bytes
    signature: bytes
    witnessed: bool

    @property
    def digest(self) -> bytes:
        """SHA-256 of the body, over which time stamps are made."""
        return hashlib.sha256(self.body).digest()


@dataclass(frozen=True, slots=True)
class StampToken:
    """A time stamp (RFC 3161) on a checkpoint, and the time that it vouches for."""

    der: bytes
    at: datetime


def issue_if_due(
    conn: Connection, catalogue: Catalogue, key: Callable[[], SigningKey], schedule: CheckpointSchedule, now: datetime
) -> list[Wakeup]:
    """Issue a checkpoint if one is due, and return the wake-ups to publish after the commit.

    1. Decide whether a checkpoint is due, for its leaves or for the witnesses.
    2. Sign and store it. ``key`` gives the log's key; what it raises is raised, and nothing is stored.
    3. Put a stamp request for a TSA, and a message for every witness, into the outbox.

    The caller holds ``custody.try_lock``.
    """
    # 1.
    size, last = custody.size(conn), latest(conn)
    # Also if no leaf is new since the last checkpoint: before a quiet weekend Friday's leaves must be witnessed.
    witnessed = size > 0 and _is_due_for_witnesses(_latest_witnessed(conn), size, schedule, now)
    if not witnessed and not _is_due(conn, schedule, size, last, now):
        return []
    # 2.
    checkpoint = _issue(conn, catalogue.signing.log, key(), size, last, now, witnessed=witnessed)
    # 3.
    transfers = [_stamp_request(conn, catalogue, checkpoint)]
    if witnessed:
        transfers += [
            _witness_message(conn, checkpoint, department.counterparty)
            for department in catalogue.departments.values()
            if department.witness
        ]
    outbox.put(conn, transfers)
    return [Wakeup(catalogue.counterparties[transfer.counterparty].queue, transfer.id) for transfer in transfers]


def _is_due(
    conn: Connection, schedule: CheckpointSchedule, size: int, last: CheckpointRow | None, now: datetime
) -> bool:
    if last is None:
        return size > 0
    age = (now - last.at).total_seconds()
    if size > last.size:
        return age >= schedule.every or size - last.size >= schedule.leaves
    return age >= schedule.again and not _is_stamped(conn, last) and not _has_open_request(conn)


def _is_due_for_witnesses(before: CheckpointRow | None, size: int, schedule: CheckpointSchedule, now: datetime) -> bool:
    return before is None or (before.size < size and _period(before.at, schedule) != _period(now, schedule))


def _period(at: datetime, schedule: CheckpointSchedule) -> int:
    """Number of the witness period that contains ``at``, counted from a midnight in Vietnam."""
    moment = local(at)
    return int(((moment.utcoffset() or timedelta()).total_seconds() + moment.timestamp()) // schedule.witness_every)


def _issue(
    conn: Connection,
    log: str,
    key: SigningKey,
    size: int,
    last: CheckpointRow | None,
    now: datetime,
    *,
    witnessed: bool,
) -> CheckpointRow:
    root = merkle.root(size, lambda level, at: custody.node(conn, level, at))
    body = canonical.encode(
        {
            "v": 1,
            "typ": TYPE,
            "log": log,
            "size": size,
            "root": root.hex(),
            "prev": hashlib.sha256(last.body).hexdigest() if last else FIRST,
            "at": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        }
    )
    number = last.number + 1 if last else 1
    checkpoint = CheckpointRow(number, size, root, now, body, cms.sign(body, key, now), witnessed)
    conn.execute(
        "INSERT INTO custody_checkpoint (number, size, root, at, body, signature, witnessed)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (number, size, root, now, body, checkpoint.signature, witnessed),
    )
    return checkpoint


def _stamp_request(conn: Connection, catalogue: Catalogue, checkpoint: CheckpointRow) -> NewTransfer:
    """Stamp request for the first TSA that is neither paused nor behind an open circuit breaker."""
    authorities = [authority.counterparty for authority in catalogue.signing.stamping]
    unavailable = conn.execute(
        "SELECT code FROM counterparty WHERE code = ANY(%s) AND (paused_at IS NOT NULL OR breaker_open_until > now())",
        (authorities,),
    ).fetchall()
    policies = {authority.counterparty: authority.policy for authority in catalogue.signing.stamping}
    available = [authority for authority in authorities if authority not in {row["code"] for row in unavailable}]
    authority = (available or authorities)[0]
    return NewTransfer(
        id=new_id(Prefix.TRANSFER),
        kind=STAMP,
        counterparty=authority,
        ordering_key=transfer_key(checkpoint.number),  # so that a stuck request blocks no later one
        key=transfer_key(checkpoint.number),
        subject=transfer_key(checkpoint.number),
        body=stamps.request(checkpoint.digest, secrets.randbits(_NONCE_BITS), policies[authority]),
    )


def _witness_message(conn: Connection, checkpoint: CheckpointRow, witness: str) -> NewTransfer:
    held = _size_held(conn, witness)
    path: list[bytes] = []
    if held:
        path = merkle.consistency_path(held, checkpoint.size, lambda level, at: custody.node(conn, level, at))
    message = WitnessedCheckpoint(
        checkpoint=base64.b64encode(checkpoint.body).decode(),
        signature=base64.b64encode(checkpoint.signature).decode(),
        held=held,
        consistency=[hash_.hex() for hash_ in path],
    )
    return NewTransfer(
        id=new_id(Prefix.TRANSFER),
        kind=WITNESS,
        counterparty=witness,
        ordering_key="custody",
        key=transfer_key(checkpoint.number),
        subject=transfer_key(checkpoint.number),
        body=message.model_dump_json().encode(),
    )


def _size_held(conn: Connection, witness: str) -> int:
    """Size that the witness will hold when the next checkpoint arrives, since its messages are delivered in order."""
    row = conn.execute(
        "SELECT c.size FROM custody_checkpoint c WHERE c.witnessed AND ("
        "EXISTS (SELECT 1 FROM custody_witness w"
        " WHERE w.checkpoint = c.number AND w.counterparty = %(witness)s AND w.refusal IS NULL)"
        " OR EXISTS (SELECT 1 FROM outbox o WHERE o.kind = %(kind)s AND o.counterparty = %(witness)s"
        " AND o.key = 'checkpoint-' || c.number AND o.settled_at IS NULL)) ORDER BY c.number DESC LIMIT 1",
        {"witness": witness, "kind": WITNESS},
    ).fetchone()
    return int(row["size"]) if row else 0


def transfer_key(number: int) -> str:
    """Key of a checkpoint's transfers in the outbox."""
    return f"checkpoint-{number}"


def number_in(key: str) -> int:
    """Number of the checkpoint in a transfer key."""
    return int(key.removeprefix("checkpoint-"))


def recent(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """The newest checkpoints, with the time of the first stamp and the number of witnesses and refusals."""
    return conn.execute(
        "SELECT c.number, c.size, c.root, c.at, c.witnessed,"
        " (SELECT min(s.at) FROM custody_stamp s WHERE s.checkpoint = c.number) AS stamped_at,"
        " (SELECT count(*) FROM custody_witness w WHERE w.checkpoint = c.number AND w.refusal IS NULL) AS witnesses,"
        " (SELECT count(*) FROM custody_witness w WHERE w.checkpoint = c.number AND w.refusal IS NOT NULL) AS refusals"
        " FROM custody_checkpoint c ORDER BY c.number DESC LIMIT %s",
        (limit,),
    ).fetchall()


def latest(conn: Connection) -> CheckpointRow | None:
    """The newest checkpoint."""
    rows = _find(conn, "ORDER BY number DESC LIMIT 1", ())
    return rows[0] if rows else None


def by_number(conn: Connection, number: int) -> CheckpointRow | None:
    """The checkpoint with this number."""
    rows = _find(conn, "WHERE number = %s", (number,))
    return rows[0] if rows else None


def covering(conn: Connection, place: int) -> tuple[CheckpointRow, StampToken | None] | None:
    """The first stamped checkpoint that covers the leaf at ``place``, with its stamp; else the first without one."""
    stamped = _find(
        conn,
        "WHERE size > %s AND number IN (SELECT checkpoint FROM custody_stamp) ORDER BY number LIMIT 1",
        (place,),
    )
    rows = stamped or _find(conn, "WHERE size > %s ORDER BY number LIMIT 1", (place,))
    return (rows[0], earliest_stamp(conn, rows[0].number)) if rows else None


def _latest_witnessed(conn: Connection) -> CheckpointRow | None:
    rows = _find(conn, "WHERE witnessed ORDER BY number DESC LIMIT 1", ())
    return rows[0] if rows else None


def earliest_stamp(conn: Connection, number: int) -> StampToken | None:
    """The earliest time stamp on the checkpoint with this number."""
    row = conn.execute(
        "SELECT token, at FROM custody_stamp WHERE checkpoint = %s ORDER BY at LIMIT 1", (number,)
    ).fetchone()
    return StampToken(bytes(row["token"]), row["at"]) if row else None


def _is_stamped(conn: Connection, checkpoint: CheckpointRow) -> bool:
    return earliest_stamp(conn, checkpoint.number) is not None


def _has_open_request(conn: Connection) -> bool:
    """Whether a stamp request is not settled and goes on by itself."""
    row = conn.execute(
        "SELECT 1 FROM outbox WHERE kind = %s AND settled_at IS NULL AND state IN"
        " ('queued', 'sending', 'retrying', 'unknown') LIMIT 1",
        (STAMP,),
    ).fetchone()
    return row is not None


def _find(conn: Connection, which: LiteralString, parameters: Sequence[object]) -> list[CheckpointRow]:
    rows = conn.execute(
        f"SELECT number, size, root, at, body, signature, witnessed FROM custody_checkpoint {which}", parameters
    ).fetchall()
    return [CheckpointRow(**row) for row in rows]
