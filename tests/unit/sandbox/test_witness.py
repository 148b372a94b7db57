"""Departments as witnesses, over both dialects: they keep what goes on from what they hold, and nothing else."""

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from config.catalogue import Catalogue
from connectors.errors import Rejected
from connectors.ports import DepartmentPort
from connectors.sandbox.witness import Witnessed, goes_on, witnessed_path
from hub.signing import merkle
from schemas.custody import WitnessedCheckpoint
from tests.unit.sandbox.running import DEPARTMENTS, Running, sandbox


class Log:
    """A log of leaves that a test makes up."""

    def __init__(self, *leaves: bytes) -> None:
        self.leaves = [merkle.leaf_hash(leaf) for leaf in leaves]

    def node(self, level: int, at: int) -> bytes:
        if level == 0:
            return self.leaves[at]
        return merkle.node_hash(self.node(level - 1, 2 * at), self.node(level - 1, 2 * at + 1))

    def root(self, size: int) -> str:
        return merkle.root(size, self.node).hex()

    def handed(self, size: int, held: int, *, name: str = "hub.test") -> WitnessedCheckpoint:
        fields = {
            "v": 1,
            "typ": "vn.hub.checkpoint",
            "log": name,
            "size": size,
            "root": self.root(size),
            "prev": "0" * 64,
            "at": datetime.now(UTC).isoformat(),
        }
        path = merkle.consistency_path(held, size, self.node) if held else []
        return WitnessedCheckpoint(
            checkpoint=base64.b64encode(json.dumps(fields).encode()).decode(),
            signature=base64.b64encode(b"the log's").decode(),
            held=held,
            consistency=[hash_.hex() for hash_ in path],
        )


LOG = Log(*(b"leaf %d" % number for number in range(20)))
OTHER = Log(*(b"another %d" % number for number in range(20)))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    with sandbox(tmp_path, [f"department.{code}" for code in DEPARTMENTS]) as started:
        yield started


def test_what_goes_on_is_kept_on_the_disk_and_counter_signed_where_the_department_can(
    port: DepartmentPort, code: str, tmp_path: Path, catalogue: Catalogue
) -> None:
    for size, held in ((3, 0), (8, 3), (8, 3), (20, 8)):
        receipt = port.witness(LOG.handed(size, held), f"checkpoint-{size}")
        assert (receipt.size, receipt.root) == (size, LOG.root(size))
        assert (receipt.signature is not None) == catalogue.departments[code].signing.signs
    [path] = tmp_path.rglob(witnessed_path(Path(), f"department.{code}").name)
    witnessed = [Witnessed.model_validate_json(line) for line in path.read_text().splitlines()]
    assert [(one.size, one.key) for one in witnessed] == [
        (3, "checkpoint-3"),
        (8, "checkpoint-8"),
        (20, "checkpoint-20"),
    ]


@pytest.mark.parametrize(
    ("handed", "named"),
    [
        (OTHER.handed(12, 8), "không nối tiếp"),
        (OTHER.handed(8, 0), "gốc khác"),
        (LOG.handed(5, 0), "ngắn hơn"),
        (LOG.handed(12, 3), "chứng minh đi từ 3"),
        (LOG.handed(12, 8, name="hub.other"), "không phải sổ"),
        (LOG.handed(12, 8).model_copy(update={"consistency": []}), "không nối tiếp"),
    ],
    ids=["rewritten", "replaced", "cut", "another start", "another log", "no proof"],
)
def test_what_does_not_go_on_is_refused_with_the_reason(
    port: DepartmentPort, handed: WitnessedCheckpoint, named: str
) -> None:
    port.witness(LOG.handed(8, 0), "checkpoint-1")
    with pytest.raises(Rejected) as refused:
        port.witness(handed, "checkpoint-2")
    assert named in refused.value.reason
    assert port.witness(LOG.handed(20, 8), "checkpoint-3").size == 20


def test_the_witness_s_own_reading_of_the_rfc_agrees_with_ours() -> None:
    for newer in range(1, 21):
        for older in range(1, newer):
            path = merkle.consistency_path(older, newer, LOG.node)
            proof = [hash_.hex() for hash_ in path]
            assert goes_on(older, LOG.root(older), newer, LOG.root(newer), proof)
            assert not goes_on(older, OTHER.root(older), newer, LOG.root(newer), proof)
            assert not goes_on(older, LOG.root(older), newer, OTHER.root(newer), proof)
            assert not goes_on(older, LOG.root(older), newer, LOG.root(newer), proof[:-1])
            assert not goes_on(older, LOG.root(older), newer, LOG.root(newer), [*proof, "00" * 32])
