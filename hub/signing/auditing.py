"""Audit of the custody log: recompute the tree from its leaves, and compare it with all stored and signed hashes.

Each check detects what the one before it cannot: a rewritten row differs from its leaf hash, a deleted row leaves a gap
in the places, and a truncated or rebuilt log contradicts the older checkpoints that witnesses hold.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hub.db import Connection
from hub.signing import merkle
from hub.signing.checkpoints import CheckpointRow
from hub.signing.custody import size
from hub.signing.merkle import leaf_data
from schemas.custody import FIRST, LogCheckpoint
from schemas.explained import Explained

_PAGE_BITS: Final = 10
"""2^10 stored hashes are read at a time"""
_MOST: Final = 100
"""most findings that one audit reports"""


class AuditCode(Explained):
    """Faults that an audit can find."""

    LEAF_MISSING = ("LOG_LEAF_MISSING", "A leaf between others is not there: it was deleted.")
    LEAF_REWRITTEN = ("LOG_LEAF_REWRITTEN", "A leaf is not the one that entered: its row was rewritten.")
    CONTENT_REWRITTEN = ("LOG_CONTENT_REWRITTEN", "A record or a signature is not the one whose hash entered the log.")
    CONTENT_MISSING = (
        "LOG_CONTENT_MISSING",
        "A leaf's record and signatures are gone altogether; retention takes the record only.",
    )
    NODE_REWRITTEN = ("LOG_NODE_REWRITTEN", "A stored hash of the tree is not the one that its leaves give.")
    TAIL_CUT = (
        "LOG_TAIL_CUT",
        "The log is shorter than a checkpoint says that it was: its newest leaves were deleted.",
    )
    CHECKPOINT_MISSING = (
        "LOG_CHECKPOINT_MISSING",
        "The chain of checkpoints has a gap, or does not begin at its beginning.",
    )
    CHECKPOINT_REWRITTEN = (
        "LOG_CHECKPOINT_REWRITTEN",
        "A checkpoint's columns, bytes or signature do not belong together.",
    )
    REWRITTEN = ("LOG_REWRITTEN", "The leaves do not lead to the root that was signed: something below it was changed.")
    REPLACED = (
        "LOG_REPLACED",
        "The log agrees with itself and not with the witness: it was put together and signed anew.",
    )
    WITNESS_REFUSED = (
        "LOG_WITNESS_REFUSED",
        "A department refused a checkpoint because the log does not go on from the one that it holds.",
    )
    OTHER_LOG = ("LOG_OTHER", "The witness's checkpoint is of another log.")


@dataclass(frozen=True, slots=True)
class AuditFinding:
    """A fault and its location."""

    code: AuditCode
    where: str


@dataclass(slots=True)
class Audit:
    """Result of an audit: counts of what was checked, and the faults."""

    leaves: int = 0
    expired: int = 0
    """leaves whose record retention has deleted; not a fault"""
    waiting: int = 0
    """leaves that are not sequenced yet; not a fault"""
    checkpoints: int = 0
    compared: int = 0
    """number of witnesses' checkpoints"""
    root: bytes = merkle.EMPTY_ROOT
    findings: list[AuditFinding] = field(default_factory=list)

    def report(self, code: AuditCode, where: str) -> None:
        if len(self.findings) < _MOST:
            self.findings.append(AuditFinding(code, where))


def audit(conn: Connection, witnesses: Sequence[LogCheckpoint] = ()) -> Audit:
    """Audit the whole log in one pass. ``witnesses``: checkpoints that others hold.

    1. Check the chain of our checkpoints: numbers, previous hashes, sizes, columns.
    2. Recompute the tree from the leaves, comparing every leaf, content and stored node; note the roots of the sizes
       that any checkpoint names.
    3. Compare these roots with our checkpoints, then with those of the witnesses.
    4. Report refusals of witnesses.
    """
    # 1.
    result = Audit()
    checkpoints = _checkpoints(conn, result)
    # 2.
    sizes = {checkpoint.size for checkpoint in checkpoints} | {witness.size for witness in witnesses}
    roots = _recomputed_roots(conn, result, sizes)
    # 3.
    for checkpoint in checkpoints:
        where = f"checkpoint {checkpoint.number}, {checkpoint.size} leaves"
        if checkpoint.size > result.leaves:
            result.report(AuditCode.TAIL_CUT, f"{where}; the log has {result.leaves}")
        elif roots[checkpoint.size] != checkpoint.root:
            result.report(AuditCode.REWRITTEN, where)
    _compare(result, witnesses, checkpoints, roots)
    # 4.
    for row in conn.execute("SELECT counterparty, checkpoint, refusal FROM custody_witness WHERE refusal IS NOT NULL"):
        result.report(
            AuditCode.WITNESS_REFUSED, f"{row['counterparty']}, checkpoint {row['checkpoint']}: {row['refusal']}"
        )
    return result


def _checkpoints(conn: Connection, result: Audit) -> list[CheckpointRow]:
    rows = conn.execute(
        "SELECT number, size, root, at, body, signature, witnessed FROM custody_checkpoint ORDER BY number"
    ).fetchall()
    checkpoints = [CheckpointRow(**row) for row in rows]
    previous, size = FIRST, 0
    for number, checkpoint in enumerate(checkpoints, start=1):
        body = LogCheckpoint.model_validate_json(checkpoint.body)
        if checkpoint.number != number or body.prev != previous or checkpoint.size < size:
            result.report(AuditCode.CHECKPOINT_MISSING, f"checkpoint {checkpoint.number}")
        if (body.size, body.root) != (checkpoint.size, checkpoint.root.hex()):
            result.report(AuditCode.CHECKPOINT_REWRITTEN, f"checkpoint {checkpoint.number}")
        previous, size = hashlib.sha256(checkpoint.body).hexdigest(), checkpoint.size
    result.checkpoints = len(checkpoints)
    return checkpoints


def _recomputed_roots(conn: Connection, result: Audit, sizes: set[int]) -> dict[int, bytes]:
    """size → root of the first ``size`` leaves, recomputed; every leaf and stored node is compared on the way."""
    tree = _Tree(conn, result, sizes)
    for row in _leaves(conn):
        if row["place"] is None:
            result.waiting += 1
            continue
        while result.leaves < row["place"]:
            result.report(AuditCode.LEAF_MISSING, f"leaf {result.leaves}")
            tree.append(tree.stored(0, result.leaves))
        _check_content(row, result)
        leaf = merkle.leaf_hash(leaf_data(row["record_hash"], row["signature_hashes"]))
        if tree.stored(0, result.leaves) != leaf:
            result.report(AuditCode.LEAF_REWRITTEN, f"leaf {result.leaves} ({row['id']}, {row['subject']})")
        tree.append(leaf)
    if (placed := size(conn)) > result.leaves:
        result.report(AuditCode.TAIL_CUT, f"{placed} leaves were placed; the log has {result.leaves}")
    return tree.roots


class _Tree:
    """The tree, recomputed leaf by leaf and compared with the stored hashes."""

    def __init__(self, conn: Connection, result: Audit, sizes: set[int]) -> None:
        self.roots: dict[int, bytes] = {}
        self._conn = conn
        self._result = result
        self._sizes = sizes
        self._edge: list[bytes] = []  # complete subtrees, the largest first
        self._pages: dict[int, tuple[int, dict[int, bytes]]] = {}  # level → its current page: number, hashes

    def append(self, leaf: bytes) -> None:
        """Append ``leaf``, and compare every node that it completes with the stored one."""
        place, level, current = self._result.leaves, 0, leaf
        while place >> level & 1:
            current = merkle.node_hash(self._edge.pop(), current)
            level += 1
            if self.stored(level, place >> level) != current:
                self._result.report(AuditCode.NODE_REWRITTEN, f"level {level}, node {place >> level}")
        self._edge.append(current)
        self._result.leaves = size = place + 1
        self._result.root = _root(self._edge)
        if size in self._sizes:
            self.roots[size] = self._result.root

    def stored(self, level: int, at: int) -> bytes:
        """The stored hash of node ``at`` of ``level``; b"", which no node has, if there is none."""
        page = at >> _PAGE_BITS
        if self._pages.get(level, (-1,))[0] != page:
            rows = self._conn.execute(
                "SELECT at, hash FROM custody_node WHERE level = %s AND at >= %s AND at < %s",
                (level, page << _PAGE_BITS, page + 1 << _PAGE_BITS),
            )
            self._pages[level] = page, {row["at"]: row["hash"] for row in rows}
        return self._pages[level][1].get(at, b"")


def _leaves(conn: Connection) -> Iterator[dict[str, Any]]:
    """Every leaf with its content, by place; leaves without a place last."""
    # A server-side cursor, since the log may not fit into memory.
    with conn.transaction(), conn.cursor(name="audit") as cursor:
        cursor.itersize = 1_000
        cursor.execute(
            "SELECT l.id, l.subject, l.place, l.record_hash, l.signature_hashes, c.leaf_id, c.record, c.signatures"
            " FROM custody_leaf l LEFT JOIN custody_content c ON c.leaf_id = l.id ORDER BY l.place NULLS LAST"
        )
        yield from cursor


def _check_content(row: dict[str, Any], result: Audit) -> None:
    where = f"leaf {row['place']} ({row['id']}, {row['subject']})"
    if row["leaf_id"] is None:
        result.report(AuditCode.CONTENT_MISSING, where)
        return
    if row["record"] is None:
        result.expired += 1
    elif hashlib.sha256(row["record"]).digest() != row["record_hash"]:
        result.report(AuditCode.CONTENT_REWRITTEN, where)
    if [hashlib.sha256(one).digest() for one in row["signatures"]] != row["signature_hashes"]:
        result.report(AuditCode.CONTENT_REWRITTEN, f"{where}, signatures")


def _root(edge: Sequence[bytes]) -> bytes:
    current = edge[-1]
    for left in reversed(edge[:-1]):
        current = merkle.node_hash(left, current)
    return current


def _compare(
    result: Audit, witnesses: Sequence[LogCheckpoint], ours: Sequence[CheckpointRow], roots: dict[int, bytes]
) -> None:
    log = LogCheckpoint.model_validate_json(ours[0].body).log if ours else None
    agrees = not any(finding.code in {AuditCode.REWRITTEN, AuditCode.TAIL_CUT} for finding in result.findings)
    for witness in witnesses:
        result.compared += 1
        where = f"the witness's checkpoint of {witness.size} leaves, {witness.at:%Y-%m-%d %H:%M}"
        if log is not None and witness.log != log:
            result.report(AuditCode.OTHER_LOG, f"{where}: {witness.log}")
        elif witness.size > result.leaves:
            result.report(AuditCode.TAIL_CUT, f"{where}; the log has {result.leaves}")
        elif roots[witness.size].hex() != witness.root:
            result.report(AuditCode.REPLACED if agrees else AuditCode.REWRITTEN, where)
