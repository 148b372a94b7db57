"""Gates, the steps of a close, and its outcome."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from hub.locale import vi
from schemas.figures import grouped

BOOK: Final = "book"
"""in place of an account: the whole ledger, of which a month is closed"""


class CloseStep(StrEnum):
    """The outcome of a command to close or reopen."""

    REFUSED = "refused"
    """a gate is red"""
    PROPOSED = "proposed"
    """the first person; another has to agree"""
    WAITING = "waiting"
    """the maker again, or one who may not agree: nothing was changed"""
    DONE = "done"
    """the second person has agreed to the same control totals"""


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition of a close. ``found`` and ``todo`` are Vietnamese; ``items`` is what it lists, in numbers."""

    name: str
    """stable, for scripts"""
    label: str
    green: bool
    finding: str
    todo: str = ""
    items: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Closing:
    """The outcome of a command to close or reopen. ``changed``: figures that differ from the proposal that it ended."""

    account: str
    day: date
    """of a month, its first"""
    step: CloseStep
    gates: Sequence[Gate] = ()
    digest: bytes = b""
    changed: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """A close or reopening that one person has proposed and no other has agreed to yet."""

    id: int
    digest: bytes
    totals: Mapping[str, Any]
    maker: str
    reason: str | None


def dong(amount: int) -> str:
    """1.234.567 đ."""
    return vi("{amount} VND", amount=grouped(amount))
