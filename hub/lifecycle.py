"""Lifecycles: the table of valid transitions of a status, for checks and diagrams."""

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
            raise MoveRefused(f"{after} is not a valid transition from {before}")

    def path(self, before: S, after: S, *, through: frozenset[S]) -> list[S]:
        """Shortest path from ``before`` to ``after`` (included) by way of ``through`` only; empty if there is none."""
        ahead: deque[list[S]] = deque([step] for step in sorted(self.moves[before]))
        seen = {before}
        while ahead:
            steps = ahead.popleft()
            if steps[-1] == after:
                return steps
            if steps[-1] in through - seen:
                seen.add(steps[-1])
                ahead.extend([*steps, step] for step in sorted(self.moves[steps[-1]]))
        return []

    def to_mermaid(self) -> str:
        """The diagram for docs/reference/lifecycles.md."""
        lines = ["stateDiagram-v2"]
        for before, following in self.moves.items():
            lines += [f"    {before} --> {after}" for after in sorted(following)]
            if not following:
                lines.append(f"    {before} --> [*]")
        return "\n".join(lines)
