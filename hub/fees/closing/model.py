"""What closing is about: gates, the steps that a close takes, and what a person is told."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from hub.locale import vi
from schemas.figures import grouped

BOOK: Final = "book"
"""stands for all accounts where a month is closed"""


class CloseStep(StrEnum):
    """What came of asking for a close, or for opening again."""

    REFUSED = "refused"
    """a gate is red"""
    PROPOSED = "proposed"
    """the first person; another has to agree"""
    WAITING = "waiting"
    """the same person once more, or one who may not agree: nothing has changed"""
    DONE = "done"
    """the second person, and it still came to the same"""


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a close. ``found`` and ``todo`` are Vietnamese; ``items`` is what it lists, in numbers."""

    name: str
    """stable, for scripts"""
    label: str
    green: bool
    found: str
    todo: str = ""
    items: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Closing:
    """What came of asking. ``changed``: what is not as it was when another person proposed it."""

    account: str
    day: date
    """of a month, its first"""
    step: CloseStep
    gates: Sequence[Gate] = ()
    digest: bytes = b""
    changed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a person has proposed, and another has not agreed to yet."""

    id: int
    digest: bytes
    totals: Mapping[str, Any]
    maker: str
    reason: str | None


def dong(amount: int) -> str:
    """1.234.567 đ."""
    return vi("{amount} VND", amount=grouped(amount))
