"""A department's accountant: keeps every month's table that was handed over, and answers it after one pace.

What it has taken and what it has said stand in one file, on the disk before anybody is told: after a restart it goes on
where it stood. It confirms, or disputes the line that the knob ``dispute_line`` names. A department that pushes tells
the hub by itself; one that does not lays its answer down as a file, as it would send it by mail.
"""

import asyncio
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import AwareDatetime, Field, TypeAdapter

from connectors.clock import now
from connectors.sandbox.durable_lines import DurableLines
from connectors.sandbox.month_tables import TableReader, TableRefused
from connectors.sandbox.push_queue import PushQueue
from connectors.sandbox.runtime_settings import SettingsPanel
from schemas.settlement import DisputedLine, HandedTable, TableAnswer, TableReceipt
from schemas.strict import Strict

REASON: Final = "Số tiền của dòng này không khớp với sổ theo dõi của Sở (dữ liệu thử nghiệm)."
"""Why a line is disputed; invented."""
OFFICE: Final = "Phòng Kế hoạch - Tài chính"


class TakenTable(Strict):
    """A table that the department has taken."""

    line: Literal["table"] = "table"
    at: AwareDatetime
    counterparty: str
    key: str
    settlement_id: str
    month: str
    net: int
    lines: int
    sha256: str
    handed: HandedTable


class AnswerLine(Strict):
    """What it answers."""

    line: Literal["answer"] = "answer"
    answer: TableAnswer


class AnswerDelivery(Strict):
    """The hub has the answer, or it lies in the folder of answers."""

    line: Literal["told"] = "told"
    settlement_id: str


class TableStatus(Strict):
    """Where a table stands at the department."""

    settlement_id: str
    month: str
    net: int
    sha256: str
    verdict: str | None
    told: bool


_LINE: Final[TypeAdapter[TakenTable | AnswerLine | AnswerDelivery]] = TypeAdapter(
    Annotated[TakenTable | AnswerLine | AnswerDelivery, Field(discriminator="line")]
)


class Accountant:
    """The tables of one department. ``courier`` is None for a department that does not push."""

    def __init__(
        self, counterparty: str, data: Path, reader: TableReader, panel: SettingsPanel, courier: PushQueue | None
    ) -> None:
        self._counterparty = counterparty
        self._folder = data / f"{counterparty}.answers"
        self._reader = reader
        self._panel = panel
        self._courier = courier
        self._lines = DurableLines(tables_path(data, counterparty))
        self._kept: dict[str, TakenTable] = {}
        self._said: dict[str, TableAnswer] = {}
        self._told: set[str] = set()
        self._one_at_a_time = asyncio.Lock()
        self._working: set[asyncio.Task[None]] = set()
        for line in self._lines.loaded:
            self._enter(_LINE.validate_json(line))

    async def settle(self, handed: HandedTable, key: str) -> tuple[TableReceipt, bool]:
        """The receipt, and whether the table is new. Raises TableRefused, OSError when the disk is full."""
        table, digest = await asyncio.to_thread(self._reader.read, handed)
        async with self._one_at_a_time:
            kept = self._kept.get(table.settlement_id)
            fresh = kept is None
            if kept is None:
                kept = TakenTable(
                    at=now(),
                    counterparty=self._counterparty,
                    key=key,
                    settlement_id=table.settlement_id,
                    month=table.month,
                    net=table.net,
                    lines=len(table.lines),
                    sha256=digest,
                    handed=handed,
                )
                await self._write(kept)
                self._begin(kept)
        if kept.sha256 != digest:
            raise TableRefused("đã nhận một bảng khác cùng số")
        return TableReceipt(settlement_id=kept.settlement_id, sha256=digest, received_at=kept.at), fresh

    def standing(self) -> list[TableStatus]:
        """Every table, in the order in which they were taken."""
        return [
            TableStatus(
                settlement_id=kept.settlement_id,
                month=kept.month,
                net=kept.net,
                sha256=kept.sha256,
                verdict=answer.verdict if (answer := self._said.get(kept.settlement_id)) else None,
                told=kept.settlement_id in self._told,
            )
            for kept in self._kept.values()
        ]

    def resume(self) -> None:
        """After a start: answer what is not answered yet."""
        for kept in self._kept.values():
            if kept.settlement_id not in self._told:
                self._begin(kept)

    async def stop(self) -> None:
        """Leave everything where it stands. The courier is closed by whoever made it."""
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        self._lines.close()

    def _begin(self, kept: TakenTable) -> None:
        task = asyncio.create_task(self._answer(kept))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _answer(self, kept: TakenTable) -> None:
        if kept.settlement_id not in self._said:
            await self._panel.one_step()
            await self._write(AnswerLine(answer=self._judged(kept)))
        answer = self._said[kept.settlement_id]
        if self._courier is not None:
            await self._courier.deliver(answer)
        else:
            await asyncio.to_thread(self._lay_down, answer)
        await self._write(AnswerDelivery(settlement_id=kept.settlement_id))

    def _judged(self, kept: TakenTable) -> TableAnswer:
        disputed = min(self._panel.knobs.dispute_line, kept.lines)
        return TableAnswer(
            answer_id=f"TL-{kept.settlement_id}",
            settlement_id=kept.settlement_id,
            sha256=kept.sha256,
            verdict="disputed" if disputed else "confirmed",
            lines=(DisputedLine(number=disputed, reason=REASON),) if disputed else (),
            answered_by=OFFICE,
            answered_at=now(),
        )

    def _lay_down(self, answer: TableAnswer) -> None:
        """Whole or not at all."""
        self._folder.mkdir(exist_ok=True)
        draft = self._folder / f".{answer.settlement_id}"
        draft.write_text(answer.model_dump_json(indent=2) + "\n", encoding="utf-8")
        draft.replace(self._folder / f"{answer.settlement_id}.json")

    async def _write(self, line: TakenTable | AnswerLine | AnswerDelivery) -> None:
        await self._lines.append(line.model_dump_json())
        self._enter(line)

    def _enter(self, line: TakenTable | AnswerLine | AnswerDelivery) -> None:
        match line:
            case TakenTable():
                self._kept[line.settlement_id] = line
            case AnswerLine():
                self._said[line.answer.settlement_id] = line.answer
            case AnswerDelivery():
                self._told.add(line.settlement_id)


def tables_path(data: Path, counterparty: str) -> Path:
    """Where a department keeps the tables that it was handed, and its answers."""
    return data / f"{counterparty}.tables.jsonl"


def read_tables(data: Path, counterparty: str) -> list[TakenTable | AnswerLine | AnswerDelivery]:
    """What a department has taken and said, from outside it and while it runs; a line under way is left out."""
    path = tables_path(data, counterparty)
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return [_LINE.validate_json(line) for line in lines]
