"""The tree of the custody log: RFC 9162 section 2.1 over SHA-256, from stored hashes of complete subtrees.

``Nodes`` reads such a hash by its level (0: a leaf) and its place among those of its level. A tree of n leaves has one
for every run of 2^level leaves that begins at a multiple of 2^level; what lies over an incomplete run is worked out.
https://www.rfc-editor.org/rfc/rfc9162#section-2.1
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

HASH_SIZE: Final = 32
"""bytes"""
EMPTY_ROOT: Final = hashlib.sha256().digest()
Nodes = Callable[[int, int], bytes]


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root(size: int, nodes: Nodes) -> bytes:
    """The root of the first ``size`` leaves."""
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
    """The hash over the leaves from ``begin`` up to ``end``, where ``begin`` is where such a subtree can begin."""
    size = end - begin
    if size & (size - 1) == 0:
        level = size.bit_length() - 1
        return nodes(level, begin >> level)
    middle = begin + _split(size)
    return node_hash(_subtree(begin, middle, nodes), _subtree(middle, end, nodes))


def _split(size: int) -> int:
    """The greatest power of two below ``size`` (which is 2 or more)."""
    return 1 << (size - 1).bit_length() - 1


def _are_hashes(*values: bytes) -> bool:
    return all(len(value) == HASH_SIZE for value in values)
