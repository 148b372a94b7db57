"""A lifecycle is a table of moves: what may follow what, drawn and checked from one place."""

from collections import deque
from collections.abc import Mapping
from enum import StrEnum
from typing import Generic, TypeVar

from hub.errors import MoveRefused

S = TypeVar("S", bound=StrEnum)


class Lifecycle(Generic[S]):
    """Status → the statuses that may follow it; a status with none is terminal."""

    def __init__(self, moves: Mapping[S, frozenset[S]]) -> None:
        self.moves = moves

    def check(self, before: S, after: S) -> None:
        """Raises MoveRefused if ``after`` may not follow ``before``."""
        if after not in self.moves[before]:
            raise MoveRefused(f"{before} is not followed by {after}")

    def leads_to(self, before: S, after: S) -> bool:
        """Whether some chain of moves leads from ``before`` to ``after``."""
        seen, ahead = {before}, deque(self.moves[before])
        while ahead:
            status = ahead.popleft()
            if status == after:
                return True
            if status not in seen:
                seen.add(status)
                ahead.extend(self.moves[status])
        return False

    def to_mermaid(self) -> str:
        """The drawing that docs/reference/lifecycles.md holds."""
        lines = ["stateDiagram-v2"]
        for before, following in self.moves.items():
            lines += [f"    {before} --> {after}" for after in sorted(following)]
            if not following:
                lines.append(f"    {before} --> [*]")
        return "\n".join(lines)
