"""Checkpoints: how long the log is and what its root is, signed by the log, stamped by a TSA, kept by witnesses.

Everything signed is signed at once; the time of it is vouched for in batches: one stamp on a checkpoint covers every
leaf below it. A day's checkpoint goes to every department that keeps them, with the proof that the log only grew.
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
    """When a checkpoint is due."""

    every: float
    """seconds between checkpoints, while there is something new"""
    leaves: int
    """so many new leaves make one due at once"""
    again: float
    """seconds after which a checkpoint without a stamp, that nobody tries to get any more, is made anew"""
    witness_every: float
    """seconds between the checkpoints that departments are handed; 86,400 begins with the day in Vietnam"""


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A checkpoint in the log's table."""

    number: int
    size: int
    root: bytes
    at: datetime
    body: bytes
    signature: bytes
    witnessed: bool

    @property
    def digest(self) -> bytes:
        """What a time stamp is over."""
        return hashlib.sha256(self.body).digest()


@dataclass(frozen=True, slots=True)
class StampToken:
    """A time stamp (RFC 3161) on a checkpoint, and the time that it vouches for."""

    der: bytes
    at: datetime


def issue_if_due(
    conn: Connection, catalogue: Catalogue, key: Callable[[], SigningKey], pace: CheckpointSchedule, now: datetime
) -> list[Wakeup]:
    """Make a checkpoint if one is due, and owe it to the TSA and to the witnesses. What to wake-up after the commit.

    The caller holds ``custody.try_lock``. ``key``: the log's; raises what it raises, and nothing is made then.
    """
    size, last = custody.size(conn), latest(conn)
    # Also where nothing is new since the last checkpoint: a quiet weekend must not leave Friday's work unwitnessed.
    witnessed = size > 0 and _is_witnesses_turn(_latest_witnessed(conn), size, pace, now)
    if not witnessed and not _due(conn, pace, size, last, now):
        return []
    made = _make(conn, catalogue.signing.log, key(), size, last, now, witnessed=witnessed)
    postings = [_stamp(conn, catalogue, made)]
    if witnessed:
        postings += [
            _handed(conn, made, party.counterparty) for party in catalogue.departments.values() if party.witness
        ]
    for posting in postings:
        outbox.put(conn, posting)
    return [Wakeup(catalogue.counterparties[posting.counterparty].queue, posting.id) for posting in postings]


def _due(conn: Connection, pace: CheckpointSchedule, size: int, last: CheckpointRow | None, now: datetime) -> bool:
    if last is None:
        return size > 0
    waited = (now - last.at).total_seconds()
    if size > last.size:
        return waited >= pace.every or size - last.size >= pace.leaves
    return waited >= pace.again and not _is_stamped(conn, last) and not _is_asked_for(conn)


def _is_witnesses_turn(before: CheckpointRow | None, size: int, pace: CheckpointSchedule, now: datetime) -> bool:
    return before is None or (before.size < size and _turn(before.at, pace) != _turn(now, pace))


def _turn(at: datetime, pace: CheckpointSchedule) -> int:
    """The witnesses' turn that ``at`` belongs to, counted from a midnight in Vietnam."""
    there = local(at)
    return int(((there.utcoffset() or timedelta()).total_seconds() + there.timestamp()) // pace.witness_every)


def _make(
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
    made = CheckpointRow(number, size, root, now, body, cms.sign(body, key, now), witnessed)
    conn.execute(
        "INSERT INTO custody_checkpoint (number, size, root, at, body, signature, witnessed)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (made.number, made.size, made.root, made.at, made.body, made.signature, made.witnessed),
    )
    return made


def _stamp(conn: Connection, catalogue: Catalogue, made: CheckpointRow) -> NewTransfer:
    """Ask the first TSA that is not known to be away."""
    authorities = [authority.counterparty for authority in catalogue.signing.stamping]
    away = conn.execute(
        "SELECT code FROM counterparty WHERE code = ANY(%s) AND (paused_at IS NOT NULL OR breaker_open_until > now())",
        (authorities,),
    ).fetchall()
    policies = {authority.counterparty: authority.policy for authority in catalogue.signing.stamping}
    here = [authority for authority in authorities if authority not in {row["code"] for row in away}]
    asked = (here or authorities)[0]
    return NewTransfer(
        id=new_id(Prefix.TRANSFER),
        kind=STAMP,
        counterparty=asked,
        ordering_key=transfer_key(made.number),  # one that is stuck holds up no other
        key=transfer_key(made.number),
        subject=transfer_key(made.number),
        body=stamps.request(made.digest, secrets.randbits(_NONCE_BITS), policies[asked]),
    )


def _handed(conn: Connection, made: CheckpointRow, witness: str) -> NewTransfer:
    held = _held(conn, witness)
    path = merkle.consistency_path(held, made.size, lambda level, at: custody.node(conn, level, at)) if held else []
    handed = WitnessedCheckpoint(
        checkpoint=base64.b64encode(made.body).decode(),
        signature=base64.b64encode(made.signature).decode(),
        held=held,
        consistency=[hash_.hex() for hash_ in path],
    )
    return NewTransfer(
        id=new_id(Prefix.TRANSFER),
        kind=WITNESS,
        counterparty=witness,
        ordering_key="custody",
        key=transfer_key(made.number),
        subject=transfer_key(made.number),
        body=handed.model_dump_json().encode(),
    )


def _held(conn: Connection, witness: str) -> int:
    """The size that the witness will hold when the next checkpoint reaches it: its ordering key keeps the order."""
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
    """How the outbox calls a checkpoint."""
    return f"checkpoint-{number}"


def number_in(name: str) -> int:
    """The checkpoint that the outbox calls ``name``."""
    return int(name.removeprefix("checkpoint-"))


def recent(conn: Connection, limit: int) -> list[dict[str, Any]]:
    """The newest checkpoints, with the time of their stamps and what the witnesses said."""
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
    found = _find(conn, "ORDER BY number DESC LIMIT 1", ())
    return found[0] if found else None


def by_number(conn: Connection, number: int) -> CheckpointRow | None:
    """The checkpoint with this number."""
    found = _find(conn, "WHERE number = %s", (number,))
    return found[0] if found else None


def covering(conn: Connection, place: int) -> tuple[CheckpointRow, StampToken | None] | None:
    """The checkpoint that anchors the leaf at ``place`` first, and its stamp; without any stamp, the first one."""
    stamped = _find(
        conn,
        "WHERE size > %s AND number IN (SELECT checkpoint FROM custody_stamp) ORDER BY number LIMIT 1",
        (place,),
    )
    found = stamped or _find(conn, "WHERE size > %s ORDER BY number LIMIT 1", (place,))
    return (found[0], earliest_stamp(conn, found[0].number)) if found else None


def _latest_witnessed(conn: Connection) -> CheckpointRow | None:
    found = _find(conn, "WHERE witnessed ORDER BY number DESC LIMIT 1", ())
    return found[0] if found else None


def earliest_stamp(conn: Connection, number: int) -> StampToken | None:
    """The earliest time stamp on the checkpoint with this number."""
    row = conn.execute(
        "SELECT token, at FROM custody_stamp WHERE checkpoint = %s ORDER BY at LIMIT 1", (number,)
    ).fetchone()
    return StampToken(bytes(row["token"]), row["at"]) if row else None


def _is_stamped(conn: Connection, checkpoint: CheckpointRow) -> bool:
    return earliest_stamp(conn, checkpoint.number) is not None


def _is_asked_for(conn: Connection) -> bool:
    """Whether a stamp is on its way by itself, or is being waited for."""
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
