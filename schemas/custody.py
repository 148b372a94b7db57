"""Checkpoints of the custody log: as signed, as handed to a witness, and the witness's receipt."""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from schemas.identifiers import Sha256
from schemas.strict import Strict
from schemas.values import Moment

TYPE: Final = "vn.hub.checkpoint"
FIRST: Final = "0" * 64
"""``prev`` of the first checkpoint"""

Size = Annotated[int, Field(ge=1, lt=2**53)]
Base64 = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9+/]+={0,2}$", max_length=65_536)]


class LogCheckpoint(Strict):
    """How long the log was, and the root of its tree (RFC 9162). Its bytes are canonical JSON (RFC 8785)."""

    v: Literal[1]
    typ: Literal["vn.hub.checkpoint"]
    log: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{2,64}$")]
    size: Size
    root: Sha256
    prev: Sha256
    """SHA-256 of the checkpoint before this one"""
    at: Moment


class WitnessedCheckpoint(Strict):
    """A checkpoint for a witness to keep, with the proof that the log goes on from the one that the witness holds."""

    checkpoint: Base64
    """the bytes of a Checkpoint"""
    signature: Base64
    """detached CAdES-B over them, by the log's key"""
    held: Annotated[int, Field(ge=0, lt=2**53)]
    """size of the checkpoint that the witness was handed before; 0: none"""
    consistency: Annotated[list[Sha256], Field(max_length=128)]
    """RFC 9162 section 2.1.4, from ``held`` to this checkpoint's size"""


class WitnessReceipt(Strict):
    """The witness's word that it keeps the checkpoint, counter-signed where it can sign."""

    size: Size
    root: Sha256
    received_at: Moment
    signature: Base64 | None = None
    """detached CAdES-B over the checkpoint's bytes, by the witness's seal"""
