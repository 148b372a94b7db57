"""The status reports of a department: its feed, and what it still has to push. Written down before they are told."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import Field, TypeAdapter

from connectors.sandbox.dossier_register import normalised
from connectors.sandbox.effects import DurableLines
from schemas.department import Changes, StatusReport
from schemas.strict import Strict

PAGE: Final = 100
"""reports in one page of the feed"""


class _StatusMoveTold(Strict):
    """A move of a dossier and the reports that were made on its occasion."""

    line: Literal["told"] = "told"
    move: int
    dossier_code: str
    reports: list[StatusReport]


class _Pushed(Strict):
    line: Literal["pushed"] = "pushed"
    position: int


_LINE: Final[TypeAdapter[_StatusMoveTold | _Pushed]] = TypeAdapter(
    Annotated[_StatusMoveTold | _Pushed, Field(discriminator="line")]
)


@dataclass(frozen=True, slots=True)
class FeedReport:
    """A report and its place in the feed."""

    position: int
    report: StatusReport


class UnknownCursorError(ValueError):
    """The cursor is none that this department has given out."""


class ReportBook:
    """Every report in the order in which it was made, and which of them the hub has taken.

    ``pushes``: whether reports are pushed; a department that is asked for its feed has none left to push.
    """

    def __init__(self, path: Path, *, pushes: bool) -> None:
        self._lines = DurableLines(path)
        self._pushes = pushes
        self._feed: list[StatusReport] = []
        self._unpushed: dict[str, list[FeedReport]] = {}
        self._moves: dict[str, int] = {}
        for text in self._lines.loaded:
            line = _LINE.validate_json(text)
            if isinstance(line, _StatusMoveTold):
                self._enter(line)
            else:
                self._strike(line.position)

    def moves_told(self, dossier_code: str) -> int:
        """How many moves of this dossier are done: up to the last that was told of."""
        return self._moves.get(normalised(dossier_code), 0)

    def unpushed(self, dossier_code: str) -> list[FeedReport]:
        """The reports of this dossier that the hub has not taken yet, in their order."""
        return list(self._unpushed.get(normalised(dossier_code), []))

    async def tell(self, dossier_code: str, move: int, reports: Sequence[StatusReport]) -> None:
        """Enter the reports of one move, all or none. Returns when they are on the disk."""
        line = _StatusMoveTold(move=move, dossier_code=dossier_code, reports=list(reports))
        await self._lines.append(line.model_dump_json())
        self._enter(line)

    async def pushed(self, position: int) -> None:
        """The hub has taken the report at ``position``."""
        await self._lines.append(_Pushed(position=position).model_dump_json())
        self._strike(position)

    def page(self, cursor: str) -> Changes:
        """The reports after ``cursor`` ("" for the first time), at most 100. Raises UnknownCursorError."""
        if cursor and not (cursor.isascii() and cursor.isdigit()):
            raise UnknownCursorError(cursor)
        start = int(cursor or 0)
        if start > len(self._feed):
            raise UnknownCursorError(cursor)
        reports = self._feed[start : start + PAGE]
        return Changes(reports=reports, cursor=str(start + len(reports)))

    def close(self) -> None:
        self._lines.close()

    def _enter(self, line: _StatusMoveTold) -> None:
        dossier = normalised(line.dossier_code)
        self._moves[dossier] = line.move + 1
        for report in line.reports:
            if self._pushes:
                self._unpushed.setdefault(dossier, []).append(FeedReport(len(self._feed), report))
            self._feed.append(report)

    def _strike(self, position: int) -> None:
        dossier = normalised(self._feed[position].dossier_code)
        left = [entry for entry in self._unpushed.pop(dossier, []) if entry.position != position]
        if left:
            self._unpushed[dossier] = left
