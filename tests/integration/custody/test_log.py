"""The custody log on a real database: what enters gets one place, and whatever is changed afterwards is named."""

import hashlib
from collections.abc import Iterator
from typing import Any, LiteralString

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import dict_row

from hub.db import Connection
from hub.signing import custody, merkle
from hub.signing.auditing import AuditCode, audit

TABLES = ("custody_leaf", "custody_content", "custody_node")


@pytest.fixture
def conn(database_url: str) -> Iterator[Connection]:
    with psycopg.connect(database_url, autocommit=True, row_factory=dict_row) as opened:
        yield opened


def enter(conn: Connection, number: int) -> str:
    return custody.enter(
        conn,
        kind="handoff",
        subject=f"hd_{number}",
        record=b'{"n":%d}' % number,
        signatures=[b"person %d" % number, b"seal %d" % number],
    )


def grow(conn: Connection, *numbers: int) -> None:
    for number in numbers:
        enter(conn, number)
    with conn.transaction():
        assert custody.try_lock(conn)
        custody.sequence(conn)


def tampered(conn: Connection, statement: Any, *parameters: Any) -> None:
    """What somebody with all rights over the database does: the triggers do not stop the owner."""
    with conn.transaction():
        for table in TABLES:
            conn.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        conn.execute(statement, parameters)
        for table in TABLES:
            conn.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


def codes(conn: Connection) -> set[AuditCode]:
    return {finding.code for finding in audit(conn).findings}


def expected_root(*numbers: int) -> bytes:
    """By the definition of RFC 9162 section 2.1.1, not by stored nodes."""

    def hashed(data: bytes) -> bytes:
        return hashlib.sha256(data).digest()

    def tree(leaves: list[bytes]) -> bytes:
        if len(leaves) == 1:
            return hashed(b"\x00" + leaves[0])
        split = 1 << (len(leaves) - 1).bit_length() - 1
        return hashed(b"\x01" + tree(leaves[:split]) + tree(leaves[split:]))

    return tree([hashed(b'{"n":%d}' % n) + hashed(b"person %d" % n) + hashed(b"seal %d" % n) for n in numbers])


def test_a_leaf_has_no_place_before_the_sequencer_came(conn: Connection) -> None:
    enter(conn, 1)
    assert [leaf.place for leaf in custody.leaves_about(conn, "hd_1")] == [None]
    assert custody.anchored_since(conn) is not None
    grow(conn)
    assert [leaf.place for leaf in custody.leaves_about(conn, "hd_1")] == [0]


def test_what_was_rolled_back_leaves_no_hole(conn: Connection) -> None:
    with conn.transaction(force_rollback=True):
        enter(conn, 1)
    grow(conn, 2)
    assert [leaf.place for leaf in custody.leaves_about(conn, "hd_2")] == [0]


def test_what_commits_late_gets_a_later_place_and_is_never_passed_over(conn: Connection, database_url: str) -> None:
    with psycopg.connect(database_url, row_factory=dict_row) as slow:
        enter(slow, 1)  # has the earlier number, and is not committed
        grow(conn, 2)
        slow.commit()
    grow(conn)
    assert [custody.leaves_about(conn, f"hd_{n}")[0].place for n in (2, 1)] == [0, 1]
    assert audit(conn).root == expected_root(2, 1)


def test_two_sequencers_do_not_meet(conn: Connection, database_url: str) -> None:
    with conn.transaction():
        assert custody.try_lock(conn)
        with psycopg.connect(database_url, row_factory=dict_row) as other:
            assert not custody.try_lock(other)


def test_the_tree_is_the_one_of_the_rfc_however_it_grew(conn: Connection) -> None:
    grow(conn, *range(1, 4))
    grow(conn, *range(4, 12))
    grow(conn, 12)
    result = audit(conn)
    assert (result.leaves, result.root, result.findings) == (12, expected_root(*range(1, 13)), [])
    nodes = lambda level, at: custody.node(conn, level, at)  # noqa: E731 - as the code calls it
    for size in range(1, 13):
        assert merkle.root(size, nodes) == expected_root(*range(1, size + 1))


@pytest.mark.parametrize("table", TABLES)
def test_the_log_is_only_added_to(conn: Connection, table: str) -> None:
    grow(conn, 1, 2)
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"):
        with pytest.raises(InsufficientPrivilege):
            conn.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE custody_leaf SET place = 7",
        "UPDATE custody_leaf SET place = NULL",
        "UPDATE custody_leaf SET subject = 'hd_9'",
        "UPDATE custody_leaf SET record_hash = decode(repeat('00', 32), 'hex')",
        "UPDATE custody_content SET record = 'other'",
        "UPDATE custody_content SET record = NULL, signatures = '{}'",
        "UPDATE custody_node SET hash = decode(repeat('00', 32), 'hex')",
    ],
)
def test_what_entered_is_never_changed(conn: Connection, statement: Any) -> None:
    grow(conn, 1)
    with pytest.raises(InsufficientPrivilege):
        conn.execute(statement)


def test_a_record_that_retention_took_away_is_no_finding(conn: Connection) -> None:
    grow(conn, 1, 2)
    conn.execute("UPDATE custody_content SET record = NULL WHERE leaf_id IN (SELECT id FROM custody_leaf LIMIT 1)")
    result = audit(conn)
    assert (result.expired, result.findings) == (1, [])


LEAF_3 = "(SELECT id FROM custody_leaf WHERE place = 3)"
NOTHING = "decode(repeat('00', 32), 'hex')"
DEEDS: dict[str, tuple[LiteralString, set[AuditCode]]] = {
    "a record rewritten": (
        f"UPDATE custody_content SET record = 'x' WHERE leaf_id = {LEAF_3}",
        {AuditCode.CONTENT_REWRITTEN},
    ),
    "signatures rewritten": (
        f"UPDATE custody_content SET signatures = ARRAY['x'::bytea, 'y'] WHERE leaf_id = {LEAF_3}",
        {AuditCode.CONTENT_REWRITTEN},
    ),
    "a leaf rewritten": (
        f"UPDATE custody_leaf SET record_hash = {NOTHING} WHERE place = 3",
        {AuditCode.LEAF_REWRITTEN, AuditCode.CONTENT_REWRITTEN, AuditCode.NODE_REWRITTEN},
    ),
    "two leaves swapped": (
        "UPDATE custody_leaf SET place = CASE place WHEN 2 THEN 3 ELSE 2 END WHERE place IN (2, 3)",
        {AuditCode.LEAF_REWRITTEN, AuditCode.NODE_REWRITTEN},
    ),
    "a node rewritten": (
        f"UPDATE custody_node SET hash = {NOTHING} WHERE level = 1 AND at = 1",
        {AuditCode.NODE_REWRITTEN},
    ),
    "content deleted": (
        f"DELETE FROM custody_content WHERE leaf_id = {LEAF_3}",
        {AuditCode.CONTENT_MISSING},
    ),
    "a leaf deleted": (
        "DELETE FROM custody_leaf WHERE place = 3",
        {AuditCode.LEAF_MISSING},
    ),
    "the tail cut": (
        "DELETE FROM custody_leaf WHERE place >= 3",
        {AuditCode.TAIL_CUT},
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
def test_whatever_an_owner_of_the_database_does_is_named(conn: Connection, deed: str) -> None:
    statement, named = DEEDS[deed]
    grow(conn, *range(7))
    conn.execute("ALTER TABLE custody_content DROP CONSTRAINT custody_content_leaf_id_fkey")
    conn.execute("ALTER TABLE custody_leaf DROP CONSTRAINT custody_leaf_place_key")
    tampered(conn, statement)
    assert codes(conn) == named


@given(batches=st.lists(st.integers(min_value=0, max_value=9), min_size=1, max_size=6))
@settings(max_examples=40)
def test_growing_in_any_batches_completes_the_same_subtrees(batches: list[int]) -> None:
    leaves = [bytes([number]) * 32 for number in range(sum(batches))]
    grown: dict[tuple[int, int], bytes] = {}
    first = 0
    for batch in batches:
        edge = {n: grown[n, (first >> n) - 1] for n in range(first.bit_length()) if first >> n & 1}
        grown |= custody.completed_subtrees(first, leaves[first : first + batch], edge)
        first += batch
    assert grown == custody.completed_subtrees(0, leaves, {})
