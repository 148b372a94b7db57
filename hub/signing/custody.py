"""The custody log: an append-only Merkle tree (RFC 9162) of everything signed; an older root exposes any later change.

``enter`` adds a leaf in the transaction in which its record is signed, and takes no lock. ``sequence`` gives committed
leaves their places in the tree, one sequencer at a time. hub.signing.checkpoints signs the tree's root.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from hub.db import Connection, one
from hub.signing import merkle
from hub.signing.merkle import leaf_data
from schemas.identifiers import Prefix, new_id

BATCH: Final = 5_000
"""most leaves that one transaction sequences"""
ANCHORED_WITHIN: Final = timedelta(minutes=15)
"""a leaf without a time stamp for longer is an alarm"""
_LOCK: Final = 7_310_001
"""PostgreSQL advisory lock of the sequencer; no other lock of ours has this number"""

# Each part reads one row by an index, however long the log is: the health endpoint runs this every few seconds.
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
    """One entry of the log. ``place`` is None until it is sequenced, ``record`` None once retention has deleted it."""

    id: str
    kind: str
    subject: str
    place: int | None
    record_hash: bytes
    signature_hashes: list[bytes]
    record: bytes | None
    signatures: list[bytes]
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class NewLeaf:
    """What was signed, about to enter the log."""

    kind: str
    subject: str
    record: bytes
    signatures: Sequence[bytes]
    """in the order of signing"""
    id: str = field(default_factory=lambda: new_id(Prefix.LEAF))


_INSERT: Final = """
WITH entered AS (
    SELECT row.* FROM unnest(%(ids)s::text[], %(kinds)s::text[], %(subjects)s::text[], %(hashes)s::bytea[],
        %(records)s::bytea[]) WITH ORDINALITY AS row (id, kind, subject, hash, record, at)
), signed AS (
    SELECT leaf, array_agg(signature ORDER BY at) AS signatures, array_agg(hash ORDER BY at) AS hashes
    FROM unnest(%(signed)s::text[], %(signatures)s::bytea[], %(signature_hashes)s::bytea[])
        WITH ORDINALITY AS row (leaf, signature, hash, at) GROUP BY leaf
), leaf AS (
    INSERT INTO custody_leaf (id, kind, subject, record_hash, signature_hashes)
    SELECT id, kind, subject, hash, COALESCE(hashes, '{}') FROM entered LEFT JOIN signed ON signed.leaf = entered.id
    ORDER BY entered.at RETURNING id
)
INSERT INTO custody_content (leaf_id, record, signatures)
SELECT leaf.id, record, COALESCE(signatures, '{}')
FROM leaf JOIN entered ON entered.id = leaf.id LEFT JOIN signed ON signed.leaf = leaf.id
"""


def insert(conn: Connection, leaves: Sequence[NewLeaf]) -> None:
    """Put what was signed into the log, with the caller's transaction."""
    signatures = [(leaf.id, signature) for leaf in leaves for signature in leaf.signatures]
    conn.execute(
        _INSERT,
        {
            "ids": [leaf.id for leaf in leaves],
            "kinds": [leaf.kind for leaf in leaves],
            "subjects": [leaf.subject for leaf in leaves],
            "hashes": [_sha256(leaf.record) for leaf in leaves],
            "records": [leaf.record for leaf in leaves],
            "signed": [leaf for leaf, _ in signatures],
            "signatures": [signature for _, signature in signatures],
            "signature_hashes": [_sha256(signature) for _, signature in signatures],
        },
    )


def enter(conn: Connection, *, kind: str, subject: str, record: bytes, signatures: Sequence[bytes]) -> str:
    """``insert`` for one. Returns the leaf's id."""
    leaf = NewLeaf(kind, subject, record, signatures)
    insert(conn, [leaf])
    return leaf.id


def leaves_about(conn: Connection, subject: str) -> list[Leaf]:
    """All leaves of ``subject`` (such as a handoff id), in the order in which they entered."""
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
    """Take the sequencer's lock until the transaction ends; False if another holds it."""
    return bool(one(conn, "SELECT pg_try_advisory_xact_lock(%s) AS mine", (_LOCK,))["mine"])


def size(conn: Connection) -> int:
    """Number of leaves in the tree."""
    row = one(conn, "SELECT max(at) + 1 AS size FROM custody_node WHERE level = 0", ())
    return int(row["size"] or 0)


def sequence(conn: Connection, *, limit: int = BATCH) -> int:
    """Append waiting leaves to the tree, the oldest first; return how many. The caller holds ``try_lock``.

    1. Take up to ``limit`` leaves without a place.
    2. Number them from the size of the tree on.
    3. Store the hash of every subtree that they complete.
    """
    # 1.
    waiting = conn.execute(
        "SELECT id, record_hash, signature_hashes FROM custody_leaf WHERE place IS NULL ORDER BY seq LIMIT %s",
        (limit,),
    ).fetchall()
    if not waiting:
        return 0
    # 2.
    # 2.
    first = size(conn)
    leaves = [merkle.leaf_hash(leaf_data(row["record_hash"], row["signature_hashes"])) for row in waiting]
    conn.execute(
        "UPDATE custody_leaf SET place = placed.place FROM unnest(%s::text[], %s::bigint[]) AS placed (id, place)"
        " WHERE custody_leaf.id = placed.id",
        ([row["id"] for row in waiting], list(range(first, first + len(waiting)))),
    )
    # 3.
    # 3.
    nodes = completed_subtrees(first, leaves, _edge(conn, first))
    conn.execute(
        "INSERT INTO custody_node (level, at, hash) SELECT * FROM unnest(%s::smallint[], %s::bigint[], %s::bytea[])",
        ([level for level, _ in nodes], [at for _, at in nodes], list(nodes.values())),
    )
    return len(waiting)


def _edge(conn: Connection, size: int) -> dict[int, bytes]:
    """level → hash of the rightmost complete subtree of that level, for each one bit of ``size``."""
    return {level: node(conn, level, (size >> level) - 1) for level in range(size.bit_length()) if size >> level & 1}


def completed_subtrees(first: int, leaves: Sequence[bytes], edge: dict[int, bytes]) -> dict[tuple[int, int], bytes]:
    """(level, index) → hash of every subtree completed by appending ``leaves`` (hashes) from place ``first`` on.

    ``edge``: level → complete subtree at the right edge before, as ``_edge`` gives it.
    """
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
    """Read the hash of a complete subtree: index ``at`` of ``level``. Raises LookupError if there is none."""
    row = one(conn, "SELECT hash FROM custody_node WHERE level = %s AND at = %s", (level, at))
    hash_ = row["hash"]
    assert isinstance(hash_, bytes)  # noqa: S101 - the column is bytea
    return hash_


def anchored_since(conn: Connection) -> datetime | None:
    """Entry time of the oldest leaf that no time-stamped checkpoint covers; None if all are covered."""
    row = one(conn, _ANCHORED_SINCE, ())
    since = row["since"]
    assert since is None or isinstance(since, datetime)  # noqa: S101 - the column is timestamptz
    return since


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()
