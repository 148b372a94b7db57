"""The tree of the custody log, against RFC 9162's definition and Certificate Transparency's public vectors."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.signing import merkle
from tests.unit.signing.vectors import vectors

VECTORS = vectors("merkle")
LEAVES = [bytes.fromhex(leaf) for leaf in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(root) for root in VECTORS["roots"]]
EMPTY = bytes.fromhex(VECTORS["empty_root"])
SOME = bytes.fromhex(VECTORS["some_hash"])
LARGEST = 130
MANY = [number.to_bytes(2) for number in range(LARGEST)]


@cache
def defined(begin: int, end: int) -> bytes:
    """MTH of section 2.1.1, word by word, over MANY."""
    if end - begin == 1:
        return hashlib.sha256(b"\x00" + MANY[begin]).digest()
    split = 1
    while split * 2 < end - begin:
        split *= 2
    return hashlib.sha256(b"\x01" + defined(begin, begin + split) + defined(begin + split, end)).digest()


def stored(level: int, at: int) -> bytes:
    """What the log keeps: complete subtrees and nothing else."""
    begin, end = at << level, (at + 1) << level
    if end > LARGEST:
        raise LookupError
    return defined(begin, end)


def stored_of(leaves: Sequence[bytes]) -> merkle.Nodes:
    def node(level: int, at: int) -> bytes:
        if level == 0:
            return merkle.leaf_hash(leaves[at])
        return merkle.node_hash(node(level - 1, 2 * at), node(level - 1, 2 * at + 1))

    return node


def hashes_of(proof: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(one) for one in proof]


def test_the_empty_log_has_the_published_root() -> None:
    assert merkle.root(0, stored) == EMPTY


def test_the_roots_of_the_reference_leaves_are_the_published_ones() -> None:
    assert [merkle.root(size, stored_of(LEAVES)) for size in range(1, 9)] == ROOTS


@pytest.mark.parametrize("case", VECTORS["inclusion"])
def test_a_published_inclusion_proof_is_made_and_holds(case: dict[str, object]) -> None:
    place, size, proof = int(str(case["leaf"])) - 1, int(str(case["size"])), hashes_of(case["proof"])  # type: ignore[arg-type]  # JSON
    assert merkle.inclusion_path(place, size, stored_of(LEAVES)) == proof
    leaf, root = merkle.leaf_hash(LEAVES[place]), ROOTS[size - 1]
    assert merkle.verify_inclusion(leaf, place, size, proof, root)
    assert not [probe for probe in bent_inclusions(leaf, place, size, proof, root) if merkle.verify_inclusion(*probe)]


@pytest.mark.parametrize("case", VECTORS["consistency"])
def test_a_published_consistency_proof_is_made_and_holds(case: dict[str, object]) -> None:
    older, newer, proof = int(str(case["older"])), int(str(case["newer"])), hashes_of(case["proof"])  # type: ignore[arg-type]  # JSON
    assert merkle.consistency_path(older, newer, stored_of(LEAVES)) == proof
    old, new = ROOTS[older - 1], ROOTS[newer - 1]
    assert merkle.verify_consistency(older, old, newer, new, proof)
    if proof:
        bent = bent_consistencies(older, old, newer, new, proof)
        assert not [probe for probe in bent if merkle.verify_consistency(*probe)]


def bent_inclusions(
    leaf: bytes, place: int, size: int, proof: list[bytes], root: bytes
) -> Iterator[tuple[bytes, int, int, list[bytes], bytes]]:
    """The corruptions of transparency-dev's ``corruptInclusionProof``."""
    for other in (place - 1, place + 1, place ^ 2):
        yield leaf, other, size, proof, root
    for other in (size * 2, size // 2):
        yield leaf, place, other, proof, root
    yield b"WrongLeaf", place, size, proof, root
    for wrong in (EMPTY, SOME):
        yield leaf, place, size, proof, wrong
    for garbage in (b"", root):
        yield leaf, place, size, [*proof, garbage], root
        yield leaf, place, size, [garbage, *proof], root
    for number in range(len(proof)):
        yield leaf, place, size, flipped(proof, number, 8), root
    if proof:
        yield leaf, place, size, proof[:-1], root
    if len(proof) > 1:
        yield leaf, place, size, [proof[0], SOME, *proof[1:]], root


def bent_consistencies(
    older: int, old: bytes, newer: int, new: bytes, proof: list[bytes]
) -> Iterator[tuple[int, bytes, int, bytes, list[bytes]]]:
    """The corruptions of transparency-dev's ``corruptConsistencyProof``."""
    for other in (older - 1, older + 1, older ^ 2):
        yield other, old, newer, new, proof
    for other in (newer * 2, newer // 2):
        yield older, old, other, new, proof
    yield older, b"WrongRoot", newer, new, proof
    yield older, old, newer, b"WrongRoot", proof
    yield older, new, newer, old, proof
    yield older, old, newer, new, []
    for garbage in (b"", old, new):
        yield older, old, newer, new, [*proof, garbage]
    for garbage in (b"", old, new, proof[0]):
        yield older, old, newer, new, [garbage, *proof]
    yield older, old, newer, new, proof[:-1]
    for number in range(len(proof)):
        yield older, old, newer, new, flipped(proof, number, 16)


def flipped(proof: list[bytes], number: int, mask: int) -> list[bytes]:
    bent = bytes([proof[number][0] ^ mask]) + proof[number][1:]
    return [*proof[:number], bent, *proof[number + 1 :]]


@pytest.mark.parametrize(
    ("older", "old", "newer", "new", "path"),
    [
        (0, EMPTY, 0, EMPTY, []),
        (0, EMPTY, 8, ROOTS[7], []),
        (2, ROOTS[1], 1, ROOTS[0], []),
        (1, ROOTS[0], 2, ROOTS[1], []),
        (1, ROOTS[0], 1, ROOTS[1], []),
        (1, ROOTS[0], 1, ROOTS[0], [EMPTY]),
        (1, b"", 1, b"", []),
    ],
)
def test_nothing_is_consistent_with_an_empty_log_a_shorter_one_or_half_a_hash(
    older: int, old: bytes, newer: int, new: bytes, path: list[bytes]
) -> None:
    assert not merkle.verify_consistency(older, old, newer, new, path)


@pytest.mark.parametrize(("place", "size"), [(0, 0), (1, 0), (2, 1), (-1, 1)])
def test_no_leaf_is_in_a_log_that_has_no_such_place(place: int, size: int) -> None:
    assert not merkle.verify_inclusion(SOME, place, size, [], SOME)
    with pytest.raises(ValueError, match="no leaf"):
        merkle.inclusion_path(place, size, stored)


def test_an_empty_hash_is_no_hash() -> None:
    assert not merkle.verify_inclusion(b"", 0, 1, [], b"")


def test_every_leaf_of_every_log_up_to_130_is_proved_from_complete_subtrees_only() -> None:
    for size in range(1, LARGEST + 1):
        root = merkle.root(size, stored)
        assert root == defined(0, size)
        for place in range(size):
            path = merkle.inclusion_path(place, size, stored)
            assert merkle.verify_inclusion(defined(place, place + 1), place, size, path, root)


def test_every_log_up_to_130_is_consistent_with_every_longer_one() -> None:
    for newer in range(1, LARGEST + 1):
        for older in range(1, newer + 1):
            path = merkle.consistency_path(older, newer, stored)
            assert merkle.verify_consistency(older, defined(0, older), newer, defined(0, newer), path)


@given(st.integers(2, LARGEST), st.data())
def test_a_log_in_which_an_old_leaf_was_rewritten_is_consistent_with_no_older_root(
    size: int, data: st.DataObject
) -> None:
    older = data.draw(st.integers(1, size - 1))
    victim = data.draw(st.integers(0, older - 1))
    rewritten = stored_of([*MANY[:victim], b"rewritten", *MANY[victim + 1 : size]])
    path = merkle.consistency_path(older, size, rewritten)
    assert not merkle.verify_consistency(older, defined(0, older), size, merkle.root(size, rewritten), path)


@given(st.integers(1, LARGEST), st.data())
def test_a_proof_with_any_bit_flipped_proves_nothing(size: int, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, size - 1))
    path = merkle.inclusion_path(place, size, stored)
    parts = [defined(place, place + 1), defined(0, size), *path]
    which = data.draw(st.integers(0, len(parts) - 1))
    bit = data.draw(st.integers(0, 255))
    parts[which] = (int.from_bytes(parts[which]) ^ 1 << bit).to_bytes(32)
    leaf, root, *bent = parts
    assert not merkle.verify_inclusion(leaf, place, size, bent, root)
