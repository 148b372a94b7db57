"""The audit of the custody log: its tree worked out anew from the leaves, and held against all that was said of it.

Each layer catches what the one before it cannot: a rewritten row is seen by its signatures and its leaf, a missing row
by its place, a cut tail and a log that was put together anew by whoever holds an older checkpoint.
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
_MOST: Final = 100
"""findings that one audit tells; more say nothing new"""


class AuditCode(Explained):
    """What an audit of the log can find."""

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
    """One thing that is wrong, and where."""

    code: AuditCode
    where: str


@dataclass(slots=True)
class Audit:
    """What was looked at, and what is wrong with it."""

    leaves: int = 0
    expired: int = 0
    """leaves whose record retention took away; that is no finding"""
    waiting: int = 0
    """signed and not placed yet; that is none either"""
    checkpoints: int = 0
    compared: int = 0
    """checkpoints of witnesses"""
    root: bytes = merkle.EMPTY_ROOT
    findings: list[AuditFinding] = field(default_factory=list)

    def found(self, code: AuditCode, where: str) -> None:
        if len(self.findings) < _MOST:
            self.findings.append(AuditFinding(code, where))


def audit(conn: Connection, witnesses: Sequence[LogCheckpoint] = ()) -> Audit:
    """Look at all of the log, in one reading of it. ``witnesses``: checkpoints that others hold."""
    result = Audit()
    checkpoints = _checkpoints(conn, result)
    asked = {checkpoint.size for checkpoint in checkpoints} | {witness.size for witness in witnesses}
    roots = _grow(conn, result, asked)
    for checkpoint in checkpoints:
        where = f"checkpoint {checkpoint.number}, {checkpoint.size} leaves"
        if checkpoint.size > result.leaves:
            result.found(AuditCode.TAIL_CUT, f"{where}; the log has {result.leaves}")
        elif roots[checkpoint.size] != checkpoint.root:
            result.found(AuditCode.REWRITTEN, where)
    _compare(result, witnesses, checkpoints, roots)
    for row in conn.execute("SELECT counterparty, checkpoint, refusal FROM custody_witness WHERE refusal IS NOT NULL"):
        result.found(
            AuditCode.WITNESS_REFUSED, f"{row['counterparty']}, checkpoint {row['checkpoint']}: {row['refusal']}"
        )
    return result


def _checkpoints(conn: Connection, result: Audit) -> list[CheckpointRow]:
    rows = conn.execute(
        "SELECT number, size, root, at, body, signature, witnessed FROM custody_checkpoint ORDER BY number"
    ).fetchall()
    kept = [CheckpointRow(**row) for row in rows]
    before, size = FIRST, 0
    for number, checkpoint in enumerate(kept, start=1):
        said = LogCheckpoint.model_validate_json(checkpoint.body)
        if checkpoint.number != number or said.prev != before or checkpoint.size < size:
            result.found(AuditCode.CHECKPOINT_MISSING, f"checkpoint {checkpoint.number}")
        if (said.size, said.root) != (checkpoint.size, checkpoint.root.hex()):
            result.found(AuditCode.CHECKPOINT_REWRITTEN, f"checkpoint {checkpoint.number}")
        before, size = hashlib.sha256(checkpoint.body).hexdigest(), checkpoint.size
    result.checkpoints = len(kept)
    return kept


def _grow(conn: Connection, result: Audit, asked: set[int]) -> dict[int, bytes]:
    """The roots of the sizes that are asked about, worked out from the leaves; every leaf and node is looked at."""
    tree = _Tree(conn, result, asked)
    for row in _leaves(conn):
        if row["place"] is None:
            result.waiting += 1
            continue
        while result.leaves < row["place"]:
            result.found(AuditCode.LEAF_MISSING, f"leaf {result.leaves}")
            tree.append(tree.stored(0, result.leaves))
        _check_content(row, result)
        leaf = merkle.leaf_hash(leaf_data(row["record_hash"], row["signature_hashes"]))
        if tree.stored(0, result.leaves) != leaf:
            result.found(AuditCode.LEAF_REWRITTEN, f"leaf {result.leaves} ({row['id']}, {row['subject']})")
        tree.append(leaf)
    if (placed := size(conn)) > result.leaves:
        result.found(AuditCode.TAIL_CUT, f"{placed} leaves were placed; the log has {result.leaves}")
    return tree.roots


class _Tree:
    """The tree as it grows leaf by leaf, beside its stored hashes."""

    def __init__(self, conn: Connection, result: Audit, asked: set[int]) -> None:
        self.roots: dict[int, bytes] = {}
        self._conn = conn
        self._result = result
        self._asked = asked
        self._edge: list[bytes] = []  # complete subtrees, the largest first
        self._pages: dict[int, tuple[int, dict[int, bytes]]] = {}  # of each level the page that is being read

    def append(self, leaf: bytes) -> None:
        """Put ``leaf`` at the end, and look at every node that it completes."""
        place, level, current = self._result.leaves, 0, leaf
        while place >> level & 1:
            current = merkle.node_hash(self._edge.pop(), current)
            level += 1
            if self.stored(level, place >> level) != current:
                self._result.found(AuditCode.NODE_REWRITTEN, f"level {level}, node {place >> level}")
        self._edge.append(current)
        self._result.leaves = size = place + 1
        self._result.root = _root(self._edge)
        if size in self._asked:
            self.roots[size] = self._result.root

    def stored(self, level: int, at: int) -> bytes:
        """The hash that the log's table has there; nothing that any leaf gives where it has none."""
        page = at >> _PAGE_BITS
        if self._pages.get(level, (-1,))[0] != page:
            rows = self._conn.execute(
                "SELECT at, hash FROM custody_node WHERE level = %s AND at >= %s AND at < %s",
                (level, page << _PAGE_BITS, page + 1 << _PAGE_BITS),
            )
            self._pages[level] = page, {row["at"]: row["hash"] for row in rows}
        return self._pages[level][1].get(at, b"")


def _leaves(conn: Connection) -> Iterator[dict[str, Any]]:
    """Every leaf with its bytes, by place; what waits for its place last. Through a cursor: the log may be long."""
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
        result.found(AuditCode.CONTENT_MISSING, where)
        return
    if row["record"] is None:
        result.expired += 1
    elif hashlib.sha256(row["record"]).digest() != row["record_hash"]:
        result.found(AuditCode.CONTENT_REWRITTEN, where)
    if [hashlib.sha256(one).digest() for one in row["signatures"]] != row["signature_hashes"]:
        result.found(AuditCode.CONTENT_REWRITTEN, f"{where}, signatures")


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
            result.found(AuditCode.OTHER_LOG, f"{where}: {witness.log}")
        elif witness.size > result.leaves:
            result.found(AuditCode.TAIL_CUT, f"{where}; the log has {result.leaves}")
        elif roots[witness.size].hex() != witness.root:
            result.found(AuditCode.REPLACED if agrees else AuditCode.REWRITTEN, where)
