"""A department as a witness: it keeps the custody log's checkpoints, and takes none that does not go on from its own.

The proof is checked by its own reading of RFC 9162 section 2.1.4.2, not by the hub's: a witness trusts nobody's code.
"""

import asyncio
import base64
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Literal

from pydantic import AwareDatetime

from connectors.clock import now
from connectors.sandbox.effects import DurableLines
from schemas import strict
from schemas.custody import LogCheckpoint, WitnessedCheckpoint
from schemas.strict import Strict


class Witnessed(Strict):
    """A checkpoint that the department keeps."""

    effect: Literal["witnessed"] = "witnessed"
    at: AwareDatetime
    counterparty: str
    key: str
    log: str
    size: int
    root: str
    checkpoint: str
    """base64, as it was handed over: what an audit of the log is compared with"""
    signature: str


class Inconsistent(Exception):
    """The log does not go on from the checkpoint that the department holds; the text says how."""


class WitnessBook:
    """The checkpoints of one department, on the disk before it says so."""

    def __init__(self, data: Path, counterparty: str) -> None:
        self._counterparty = counterparty
        self._lines = DurableLines(witnessed_path(data, counterparty))
        self.checkpoints = [Witnessed.model_validate_json(line) for line in self._lines.loaded]
        self._one_at_a_time = asyncio.Lock()

    async def keep(self, handed: WitnessedCheckpoint, key: str) -> Witnessed:
        """Raises Inconsistent, schemas.strict.Refused when it is no checkpoint, OSError when the disk is full."""
        checkpoint = strict.read(LogCheckpoint, base64.b64decode(handed.checkpoint))
        async with self._one_at_a_time:
            if self.checkpoints:
                _check(self.checkpoints[-1], checkpoint, handed)
                if self.checkpoints[-1].size == checkpoint.size:
                    return self.checkpoints[-1]
            witnessed = Witnessed(
                at=now(),
                counterparty=self._counterparty,
                key=key,
                log=checkpoint.log,
                size=checkpoint.size,
                root=checkpoint.root,
                checkpoint=handed.checkpoint,
                signature=handed.signature,
            )
            await self._lines.append(witnessed.model_dump_json())
            self.checkpoints.append(witnessed)
        return witnessed

    def close(self) -> None:
        self._lines.close()


def witnessed_path(data: Path, counterparty: str) -> Path:
    """Where a department keeps the checkpoints that it was handed."""
    return data / f"{counterparty}.checkpoints.jsonl"


def _check(held: Witnessed, checkpoint: LogCheckpoint, handed: WitnessedCheckpoint) -> None:
    if checkpoint.log != held.log:
        raise Inconsistent(f"sổ {checkpoint.log} không phải sổ {held.log} đang giữ")
    if checkpoint.size < held.size:
        raise Inconsistent(f"sổ ngắn hơn: {checkpoint.size} mục, đang giữ {held.size}")
    if checkpoint.size == held.size:
        if checkpoint.root != held.root:
            raise Inconsistent(f"cùng {held.size} mục mà gốc khác với gốc đang giữ")
        return
    if handed.held != held.size:
        raise Inconsistent(f"chứng minh đi từ {handed.held} mục, đang giữ {held.size}")
    if not goes_on(held.size, held.root, checkpoint.size, checkpoint.root, handed.consistency):
        raise Inconsistent(f"sổ {checkpoint.size} mục không nối tiếp {held.size} mục đang giữ")


def goes_on(size: int, root: str, longer: int, new_root: str, proof: Sequence[str]) -> bool:
    """Whether a log of ``longer`` leaves begins with the ``size`` leaves whose root is ``root``."""
    hashes = [bytes.fromhex(one) for one in proof]
    if size & (size - 1) == 0:  # a whole subtree of the longer log: its root is known, so the proof leaves it out
        hashes.insert(0, bytes.fromhex(root))
    if not hashes:
        return False
    place, last = size - 1, longer - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    return _climb(iter(hashes), place, last) == (root, new_root)


def _climb(hashes: Iterator[bytes], place: int, last: int) -> tuple[str, str] | None:
    """The old and the new root that ``hashes`` lead to; None if they lead past the top or not up to it."""
    old = new = next(hashes)
    for other in hashes:
        if last == 0:
            return None
        if place & 1 or place == last:
            old, new = _node(other, old), _node(other, new)
            while place and not place & 1:
                place, last = place >> 1, last >> 1
        else:
            new = _node(new, other)
        place, last = place >> 1, last >> 1
    return (old.hex(), new.hex()) if last == 0 else None


def _node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()
