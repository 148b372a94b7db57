"""The effect file: what a counterparty has taken, written down and synced before it says so.

It is the independent witness: a test compares it with what callers were told and with what the hub's audit log says.
"""

from pathlib import Path
from typing import Annotated, Generic, Literal, TypeVar

from pydantic import AwareDatetime, Field, TypeAdapter

from connectors.sandbox.durable_lines import DurableLines
from connectors.sandbox.handoff_evidence import HandoffEvidence
from schemas.strict import Strict


class Submitted(Strict):
    """A department has taken a dossier."""

    effect: Literal["submitted"] = "submitted"
    at: AwareDatetime
    counterparty: str
    key: str
    """the idempotency key of the hand-over that it took; for a dialect without keys, the handoff's id"""
    dossier_code: str
    handoff_id: str
    leg: int
    procedure: str
    number: str
    """the department's own number"""
    digest: str
    """SHA-256 of the handoff, so that one key cannot stand for two contents"""
    handed: HandoffEvidence | None = None
    """of the hub's signed record, if it came with one"""


class Noticed(Strict):
    """A portal endpoint has taken a notice."""

    effect: Literal["notice"] = "notice"
    at: AwareDatetime
    counterparty: str
    key: str
    """the webhook-id"""
    dossier_code: str
    submission_id: str
    event_id: str
    type: str
    state: str
    status: str
    version: int


class Ordered(Strict):
    """A postal operator has taken an order."""

    effect: Literal["ordered"] = "ordered"
    at: AwareDatetime
    counterparty: str
    key: str
    """the order number, which is the natural key"""
    order_number: str
    item_code: str
    cash: int
    fields: list[str]
    """the names of all that the order held"""
    digest: str
    """SHA-256 of the order"""
    callback_url: str | None = None


Effect = Annotated[Submitted | Noticed | Ordered, Field(discriminator="effect")]
Kind = TypeVar("Kind", Submitted, Noticed, Ordered)
_EFFECT: TypeAdapter[Submitted | Noticed | Ordered] = TypeAdapter(Effect)


class EffectFile(Generic[Kind]):
    """The effects of one counterparty, of one kind. ``kept`` holds what the file held when it was opened."""

    def __init__(self, path: Path, kind: type[Kind]) -> None:
        self._lines = DurableLines(path)
        self.kept: list[Kind] = [kind.model_validate_json(line) for line in self._lines.loaded]

    async def append(self, effect: Kind) -> None:
        """Returns when the effect is on the disk: answer after this, never before. Raises OSError."""
        await self._lines.append(effect.model_dump_json())

    def close(self) -> None:
        self._lines.close()


def effects_path(data: Path, counterparty: str) -> Path:
    """Where a counterparty writes its effects."""
    return data / f"{counterparty}.effects.jsonl"


def read_effects(data: Path, counterparty: str) -> list[Submitted | Noticed | Ordered]:
    """What a counterparty has taken, from outside it and while it runs; a line that is being written is left out."""
    path = effects_path(data, counterparty)
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return [_EFFECT.validate_json(line) for line in lines]
