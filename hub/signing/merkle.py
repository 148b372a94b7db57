"""Merkle tree of the custody log (RFC 9162 section 2.1, SHA-256): roots, proofs, and the text form of a proof.

Hashes of complete subtrees are stored. ``Nodes`` reads one by its level (0: leaves) and its index within the level:
node (l, i) covers the leaves from i * 2^l up to (i + 1) * 2^l. What lies above an incomplete subtree is computed.

An inclusion proof in an export bundle (proof.txt) is lines that a person reads and a shell script can follow:

leaf 1234 of 2000
record 5f…      SHA-256 of record.json
signature 1c…   SHA-256 of record.p7s, then of seal.p7s
left 9a…        the siblings from the leaf to the root, each with the side on which it is
right 07…
root e3…

https://www.rfc-editor.org/rfc/rfc9162#section-2.1
"""

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

HASH_SIZE: Final = 32
"""bytes"""
EMPTY_ROOT: Final = hashlib.sha256().digest()
Nodes = Callable[[int, int], bytes]
_FORM: Final = re.compile(
    r"leaf (?P<place>0|[1-9][0-9]{0,17}) of (?P<size>[1-9][0-9]{0,17})\n"
    r"record (?P<record>[0-9a-f]{64})\n"
    r"(?P<signatures>(?:signature [0-9a-f]{64}\n){1,2})"
    r"(?P<path>(?:(?:left|right) [0-9a-f]{64}\n){0,63})"
    r"root (?P<root>[0-9a-f]{64})\n"
)


def leaf_data(record_hash: bytes, signature_hashes: Sequence[bytes]) -> bytes:
    """Concatenate the hashes of a record and of its signatures: the data of its leaf.

    The signatures are part of the leaf because a signature can be re-encoded without its key.
    """
    return record_hash + b"".join(signature_hashes)


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(size: int, nodes: Nodes) -> bytes:
    """Root of the tree of the first ``size`` leaves."""
    return _subtree(0, size, nodes) if size else EMPTY_ROOT


def inclusion_path(place: int, size: int, nodes: Nodes) -> list[bytes]:
    """Return the inclusion proof of the leaf at ``place`` in the tree of ``size`` (RFC 9162 2.1.3.1), leaf to root."""
    if not 0 <= place < size:
        raise ValueError("the tree has no leaf at this place")
    path, begin, end = [], 0, size
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if place < middle:
            path.append(_subtree(middle, end, nodes))
            end = middle
        else:
            path.append(_subtree(begin, middle, nodes))
            begin = middle
    return path[::-1]


def consistency_path(older: int, newer: int, nodes: Nodes) -> list[bytes]:
    """Return the consistency proof from the tree of ``older`` leaves to that of ``newer`` (RFC 9162 2.1.4.1).

    1. Descend from the newer root towards the last leaf of the older tree; each sibling on the way joins the proof.
    2. Stop at the subtree that ends where the older tree ends.
    3. Unless that subtree is the whole older tree, whose root the verifier holds, its hash begins the proof.

    Empty where the sizes are equal. Raises ValueError where ``older`` is 0 or more than ``newer``.
    """
    if not 0 < older <= newer:
        raise ValueError("a log grows from one leaf on, and never shrinks")
    path, begin, end = [], 0, newer
    while older != end:  # 1. and 2.
        middle = begin + _split(end - begin)
        if older <= middle:
            path.append(_subtree(middle, end, nodes))
            end = middle
        else:
            path.append(_subtree(begin, middle, nodes))
            begin = middle
    if begin:  # 3.
        path.append(_subtree(begin, end, nodes))
    return path[::-1]


def verify_inclusion(leaf: bytes, place: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """Verify an inclusion proof: ``path`` leads from ``leaf`` (a leaf's hash) to ``root`` (RFC 9162 2.1.3.2)."""
    if not 0 <= place < size or not _are_hashes(leaf, root, *path):
        return False
    at, last, current = place, size - 1, leaf
    for neighbour in path:
        if last == 0:
            return False
        if at & 1 or at == last:
            current = node_hash(neighbour, current)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            current = node_hash(current, neighbour)
        at, last = at >> 1, last >> 1
    return last == 0 and current == root


def verify_consistency(older: int, older_root: bytes, newer: int, newer_root: bytes, path: Sequence[bytes]) -> bool:
    """Verify a consistency proof: the tree of ``newer`` leaves begins with the tree of ``older`` (RFC 9162 2.1.4.2).

    1. Refuse an empty or larger older tree; equal sizes need equal roots and no proof.
    2. Put the older root before the proof where the older tree is complete (a power of two), since it is left out then.
    3. Climb to the subtree that the first hash stands for.
    4. Hash both roots anew from the proof, upward; a left sibling belongs to both trees, a right one to the newer.
    5. Both must be the given roots, and the climb must have ended at the newer root.
    """
    # 1.
    if not 0 < older <= newer or not _are_hashes(older_root, newer_root, *path):
        return False
    if older == newer:
        return not path and older_root == newer_root
    # 2.
    proof = [older_root, *path] if older & (older - 1) == 0 else list(path)
    if not proof:
        return False
    # 3.
    at, last = older - 1, newer - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    # 4.
    old = new = proof[0]
    for neighbour in proof[1:]:
        if last == 0:
            return False
        if at & 1 or at == last:
            old, new = node_hash(neighbour, old), node_hash(neighbour, new)
            while at and not at & 1:
                at, last = at >> 1, last >> 1
        else:
            new = node_hash(new, neighbour)
        at, last = at >> 1, last >> 1
    # 5.
    return last == 0 and old == older_root and new == newer_root


def _subtree(begin: int, end: int, nodes: Nodes) -> bytes:
    """Hash of the leaves from ``begin`` up to ``end``, a subtree as RFC 9162 splits the tree."""
    size = end - begin
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes(level, begin >> level)
    middle = begin + _split(size)
    return node_hash(_subtree(begin, middle, nodes), _subtree(middle, end, nodes))


def _split(size: int) -> int:
    """Greatest power of two below ``size`` (2 or more): the k of RFC 9162."""
    return 1 << (size - 1).bit_length() - 1


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in values)


class NotAProof(ValueError):
    """The text is not an inclusion proof as ``InclusionProof.write`` gives it."""


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """Inclusion proof of a leaf (RFC 9162 section 2.1.3)."""

    place: int
    """the leaf's index, from 0"""
    size: int
    """leaves of the tree"""
    record_hash: bytes
    signature_hashes: tuple[bytes, ...]
    path: tuple[bytes, ...]
    """the siblings' hashes, from the leaf to the root"""
    root: bytes

    def write(self) -> bytes:
        """Serialise as proof.txt (see the module)."""
        lines = [f"leaf {self.place} of {self.size}", f"record {self.record_hash.hex()}"]
        lines += [f"signature {hash_.hex()}" for hash_ in self.signature_hashes]
        sides = sibling_sides(self.place, self.size)
        lines += [f"{side} {hash_.hex()}" for side, hash_ in zip(sides, self.path, strict=True)]
        return ("\n".join([*lines, f"root {self.root.hex()}"]) + "\n").encode()


def read_proof(text: bytes) -> InclusionProof:
    """Parse proof.txt. Raises NotAProof for any text that ``write`` would not have given."""
    match = _FORM.fullmatch(text.decode("ascii", errors="replace"))
    if match is None:
        raise NotAProof("not the lines of a proof")
    proof = InclusionProof(
        place=int(match["place"]),
        size=int(match["size"]),
        record_hash=bytes.fromhex(match["record"]),
        signature_hashes=_hashes(match["signatures"]),
        path=_hashes(match["path"]),
        root=bytes.fromhex(match["root"]),
    )
    try:
        same = proof.place < proof.size and proof.write() == text
    except ValueError:
        same = False
    if not same:
        raise NotAProof("the path is not one from this leaf to the root of a log of this size")
    return proof


def sibling_sides(place: int, size: int) -> list[str]:
    """Side of each sibling on the path from the leaf at ``place`` to the root of a tree of ``size`` leaves."""
    path_sides, last = [], size - 1
    while last:
        if place & 1:
            path_sides.append("left")
        elif place < last:
            path_sides.append("right")
        place, last = place >> 1, last >> 1
    return path_sides


def _hashes(lines: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(line.split(" ")[1]) for line in lines.splitlines())
