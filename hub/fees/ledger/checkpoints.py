"""Checkpoints of the book: the root over all entries since the one before, signed, and put into the custody log.

Whoever keeps checkpoints of the custody log (the departments do) holds the book with it: a book whose end was cut off,
or which was put together anew from the beginning, does not lead to the roots that lie there.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from hub.clock import local
from hub.db import Connection
from hub.signing import canonical, cms, custody, merkle
from hub.signing.cms import SigningKey

KIND: Final = "ledger"
"""of the leaf in the custody log"""
TYPE: Final = "vn.hub.ledger"
FIRST: Final = "0" * 64
"""``prev`` of the first"""
_LOCK: Final = 7_310_003
"""PostgreSQL's advisory lock of whoever makes a checkpoint of the book"""


@dataclass(frozen=True, slots=True)
class LedgerCheckpoint:
    """One that was made."""

    number: int
    last_seq: int
    body: bytes


def keep(conn: Connection, log: str, key: Callable[[], SigningKey], now: datetime) -> LedgerCheckpoint | None:
    """Make a checkpoint over what was posted since the last one; None if nothing was, or another is being made."""
    if not _alone(conn):
        return None
    last = latest(conn)
    first = last.last_seq + 1 if last else 1
    digests = [bytes(row["digest"]) for row in conn.execute(_DIGESTS, (first,))]
    if not digests:
        return None
    body = canonical.encode(
        {
            "v": 1,
            "typ": TYPE,
            "log": log,
            "number": last.number + 1 if last else 1,
            "day": local(now).date().isoformat(),
            "first": first,
            "last": first + len(digests) - 1,
            "root": root(digests).hex(),
            "prev": hashlib.sha256(last.body).hexdigest() if last else FIRST,
        }
    )
    checkpoint = LedgerCheckpoint(last.number + 1 if last else 1, first + len(digests) - 1, body)
    signature = cms.sign(body, key(), now)
    leaf = custody.enter(conn, kind=KIND, subject=f"ledger-{checkpoint.number}", record=body, signatures=[signature])
    conn.execute(
        "INSERT INTO ledger_checkpoint (number, day, first_seq, last_seq, root, body, signature, leaf_id)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (checkpoint.number, local(now).date(), first, checkpoint.last_seq, root(digests), body, signature, leaf),
    )
    return checkpoint


_DIGESTS: Final = "SELECT digest FROM ledger_entry WHERE seq >= %s ORDER BY seq"
"""Numbers are given under a lock that goes with the commit: whatever is seen here has no unseen number below it."""


def _alone(conn: Connection) -> bool:
    row = conn.execute("SELECT pg_try_advisory_xact_lock(%s) AS mine", (_LOCK,)).fetchone()
    return bool(row and row["mine"])


def latest(conn: Connection) -> LedgerCheckpoint | None:
    """The newest."""
    row = conn.execute("SELECT number, last_seq, body FROM ledger_checkpoint ORDER BY number DESC LIMIT 1").fetchone()
    return LedgerCheckpoint(row["number"], row["last_seq"], bytes(row["body"])) if row else None


def root(digests: Sequence[bytes]) -> bytes:
    """The root of the tree (RFC 9162) over entries' digests."""
    leaves = [merkle.leaf_hash(digest) for digest in digests]
    nodes = custody.completed_subtrees(0, leaves, {})
    return merkle.root(len(leaves), lambda level, at: nodes[level, at])


def signed(conn: Connection, last_seq: int) -> tuple[bytes, bytes] | None:
    """Body and signature of the checkpoint whose last entry is ``last_seq``; None: there is none."""
    query = "SELECT body, signature FROM ledger_checkpoint WHERE last_seq = %s"
    row = conn.execute(query, (last_seq,)).fetchone()
    return (bytes(row["body"]), bytes(row["signature"])) if row else None
