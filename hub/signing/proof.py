"""Evidence formats of the custody log: checkpoints (canonical JSON) and inclusion proofs (proof.txt).

proof.txt says that a leaf is in the log, as lines that a person reads and a shell script can follow:

leaf 1234 of 2000
record 5f…      SHA-256 of record.json
signature 1c…   SHA-256 of record.p7s, then of seal.p7s
left 9a…        the neighbours on the way to the root, and the side on which each stands
right 07…
root e3…
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hub.signing import canonical
from schemas import strict
from schemas.custody import LogCheckpoint

_FORM: Final = re.compile(
    r"leaf (?P<place>0|[1-9][0-9]{0,17}) of (?P<size>[1-9][0-9]{0,17})\n"
    r"record (?P<record>[0-9a-f]{64})\n"
    r"(?P<signatures>(?:signature [0-9a-f]{64}\n){1,2})"
    r"(?P<path>(?:(?:left|right) [0-9a-f]{64}\n){0,63})"
    r"root (?P<root>[0-9a-f]{64})\n"
)


class NotAProof(ValueError):
    """The text is no proof as the hub writes it."""


@dataclass(frozen=True, slots=True)
class InclusionProof:
    """An inclusion proof (RFC 9162 section 2.1.3). ``path`` from the leaf up to the root."""

    place: int
    size: int
    record_hash: bytes
    signature_hashes: tuple[bytes, ...]
    path: tuple[bytes, ...]
    root: bytes

    def write(self) -> bytes:
        """The one text of this proof."""
        lines = [f"leaf {self.place} of {self.size}", f"record {self.record_hash.hex()}"]
        lines += [f"signature {hash_.hex()}" for hash_ in self.signature_hashes]
        lines += [f"{side} {hash_.hex()}" for side, hash_ in zip(sides(self.place, self.size), self.path, strict=True)]
        return ("\n".join([*lines, f"root {self.root.hex()}"]) + "\n").encode()


def leaf_data(record_hash: bytes, signature_hashes: Sequence[bytes]) -> bytes:
    """What the tree's leaf is made of: the record and every signature, since a signature's own bytes can be bent."""
    return record_hash + b"".join(signature_hashes)


def read(text: bytes) -> InclusionProof:
    """Raises NotAProof for any text that ``write`` would not have written."""
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


def sides(place: int, size: int) -> list[str]:
    """On which side of the way up each neighbour stands, for the leaf at ``place`` in a tree of ``size``."""
    found, last = [], size - 1
    while last:
        if place & 1:
            found.append("left")
        elif place < last:
            found.append("right")
        place, last = place >> 1, last >> 1
    return found


def _hashes(lines: str) -> tuple[bytes, ...]:
    return tuple(bytes.fromhex(line.split(" ")[1]) for line in lines.splitlines())


class NotACheckpoint(ValueError):
    """The bytes are no checkpoint; the text says why and never quotes them."""


def read_checkpoint(body: bytes) -> LogCheckpoint:
    """The checkpoint in ``body``. Raises NotACheckpoint."""
    try:
        canonical.decode(body)
        return strict.read(LogCheckpoint, body)
    except canonical.NotCanonical as error:
        raise NotACheckpoint(str(error)) from None
    except strict.Refused as refused:
        raise NotACheckpoint(
            ", ".join(f"{fault.pointer or '/'} {fault.code}" for fault in refused.faults[:3])
        ) from None
