"""The custody log: everything signed enters it, and whoever holds an older root of its tree (RFC 9162) sees what went.

``enter`` runs in the transaction of whatever was signed and takes no lock; ``sequence`` gives the leaves their places
after they have been committed, one sequencer at a time.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from hub.db import Connection, one
from hub.signing import merkle
from hub.signing.merkle import leaf_data
from schemas.identifiers import Prefix, new_id

BATCH: Final = 5_000
"""leaves that one transaction places at most"""
ANCHORED_WITHIN: Final = timedelta(minutes=15)
"""what was signed has a time stamp by then, or somebody is told"""
_LOCK: Final = 7_310_001
"""PostgreSQL's advisory lock of whoever lengthens the log: a number that nothing else of ours uses"""

# Each part reads one row by an index, however long the log is: the health door asks this every few seconds.
_ANCHORED_SINCE: Final = """
WITH anchored AS (
    SELECT COALESCE((SELECT c.size FROM custody_checkpoint c
                     WHERE EXISTS (SELECT 1 FROM custody_stamp s WHERE s.checkpoint = c.number)
                     ORDER BY c.size DESC, c.number DESC LIMIT 1), 0) AS size
)
SELECT LEAST((SELECT entered_at FROM custody_leaf WHERE place >= (SELECT size FROM anchored) ORDER BY place LIMIT 1),
             (SELECT entered_at FROM custody_leaf WHERE place IS NULL ORDER BY seq LIMIT 1)) AS since
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One entry of the log, with the bytes that it stands for. ``record`` is None once retention took it away."""

    id: str
    kind: str
    subject: str
    place: int | None
    record_hash: bytes
    signature_hashes: list[bytes]
    record: bytes | None
    signatures: list[bytes]
    entered_at: datetime


def enter(conn: Connection, *, kind: str, subject: str, record: bytes, signatures: Sequence[bytes]) -> str:
    """Put what was signed into the log, with the caller's transaction. ``signatures`` in the order of signing."""
    leaf_id = new_id(Prefix.LEAF)
    conn.execute(
        "WITH leaf AS (INSERT INTO custody_leaf (id, kind, subject, record_hash, signature_hashes)"
        " VALUES (%(id)s, %(kind)s, %(subject)s, %(hash)s, %(hashes)s) RETURNING id)"
        " INSERT INTO custody_content (leaf_id, record, signatures) SELECT id, %(record)s, %(signatures)s FROM leaf",
        {
            "id": leaf_id,
            "kind": kind,
            "subject": subject,
            "hash": _sha256(record),
            "hashes": [_sha256(signature) for signature in signatures],
            "record": record,
            "signatures": list(signatures),
        },
    )
    return leaf_id


def leaves_about(conn: Connection, subject: str) -> list[Leaf]:
    """Every leaf about ``subject``, in the order in which they entered."""
    rows = conn.execute(
        "SELECT l.id, l.kind, l.subject, l.place, l.record_hash, l.signature_hashes, l.entered_at, c.record,"
        " c.signatures FROM custody_leaf l JOIN custody_content c ON c.leaf_id = l.id"
        " WHERE l.subject = %s ORDER BY l.seq",
        (subject,),
    ).fetchall()
    return [
        Leaf(
            id=row["id"],
            kind=row["kind"],
            subject=row["subject"],
            place=row["place"],
            record_hash=row["record_hash"],
            signature_hashes=row["signature_hashes"],
            record=row["record"],
            signatures=row["signatures"],
            entered_at=row["entered_at"],
        )
        for row in rows
    ]


def try_lock(conn: Connection) -> bool:
    """Whether the caller may lengthen the log in this transaction: nobody else may until it ends."""
    return bool(one(conn, "SELECT pg_try_advisory_xact_lock(%s) AS mine", (_LOCK,))["mine"])


def size(conn: Connection) -> int:
    """How many leaves the tree has."""
    row = one(conn, "SELECT max(at) + 1 AS size FROM custody_node WHERE level = 0", ())
    return int(row["size"] or 0)


def sequence(conn: Connection, *, limit: int = BATCH) -> int:
    """Give waiting leaves their places, the oldest first, and write the tree's new nodes. How many it placed.

    The caller holds ``try_lock``.
    """
    waiting = conn.execute(
        "SELECT id, record_hash, signature_hashes FROM custody_leaf WHERE place IS NULL ORDER BY seq LIMIT %s",
        (limit,),
    ).fetchall()
    if not waiting:
        return 0
    first = size(conn)
    leaves = [merkle.leaf_hash(leaf_data(row["record_hash"], row["signature_hashes"])) for row in waiting]
    conn.execute(
        "UPDATE custody_leaf SET place = placed.place FROM unnest(%s::text[], %s::bigint[]) AS placed (id, place)"
        " WHERE custody_leaf.id = placed.id",
        ([row["id"] for row in waiting], list(range(first, first + len(waiting)))),
    )
    nodes = completed_subtrees(first, leaves, _edge(conn, first))
    conn.execute(
        "INSERT INTO custody_node (level, at, hash) SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])",
        ([level for level, _ in nodes], [at for _, at in nodes], list(nodes.values())),
    )
    return len(waiting)


def _edge(conn: Connection, size: int) -> dict[int, bytes]:
    """level → the complete subtree of that level that stands at the right edge of a tree of ``size``."""
    return {level: node(conn, level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1}


def completed_subtrees(first: int, leaves: Sequence[bytes], edge: dict[int, bytes]) -> dict[tuple[int, int], bytes]:
    """(level, at) → hash of every subtree that ``leaves``, appended from place ``first`` on, complete."""
    edge = dict(edge)
    complete: dict[tuple[int, int], bytes] = {}
    for place, leaf in enumerate(leaves, start=first):
        level, current = 0, leaf
        complete[0, place] = current
        while place >> level & 1:
            current = merkle.node_hash(edge.pop(level), current)
            level += 1
            complete[level, place >> level] = current
        edge[level] = current
    return complete


def node(conn: Connection, level: int, at: int) -> bytes:
    """The hash of a complete subtree. Raises LookupError if the log has no such node."""
    row = one(conn, "SELECT hash FROM custody_node WHERE level = %s AND at = %s", (level, at))
    found = row["hash"]
    assert isinstance(found, bytes)  # noqa: S101 - the column is bytea
    return found


def anchored_since(conn: Connection) -> datetime | None:
    """Since when something signed waits for a time stamp on a checkpoint that holds it; None if nothing waits."""
    row = one(conn, _ANCHORED_SINCE, ())
    since = row["since"]
    assert since is None or isinstance(since, datetime)  # noqa: S101 - the column is timestamptz
    return since


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
