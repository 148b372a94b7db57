"""A department's monthly fee tables: each is received, checked, and confirmed or disputed after one pace.

What it has taken and what it has said stand in one file, on the disk before anybody is told: after a restart it goes on
where it stood. It confirms, or disputes the line that the setting ``dispute_line`` names. A department that pushes
tells the hub by itself; one that does not lays its answer down as a file, as it would send it by mail.
"""

import asyncio
import base64
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Final, Literal

import rfc8785
from cryptography import x509
from cryptography.x509.oid import NameOID
from pydantic import AwareDatetime, Field, TypeAdapter

from connectors.clock import now
from connectors.sandbox.counter_signing import BadCadesSignature, signer_of
from connectors.sandbox.effects import DurableLines
from connectors.sandbox.runtime_settings import RuntimeControl
from connectors.sandbox.status_push import PushQueue
from schemas import strict
from schemas.settlement import DisputedLine, FeeSum, HandedTable, SettlementTable, TableAnswer, TableReceipt
from schemas.strict import Strict

KINDS: Final = {"carried": "carried", "receipts": "receipt", "refunds": "refund", "adjustments": "adjustment"}
"""sum of a fee = kind of the lines that it adds up"""


class TableRefused(Exception):
    """The department does not take the table; the text says why, in its words."""


class TableReader:
    """Reads tables for one department. ``issuer`` certifies the Centre's seal, whose name begins with ``seal``."""

    def __init__(self, department: str, issuer: x509.Certificate, seal: str) -> None:
        self._department = department
        self._issuer = issuer
        self._seal = seal

    def read(self, handed: HandedTable) -> tuple[SettlementTable, str]:
        """The table and the SHA-256 of its bytes. Raises TableRefused."""
        data = base64.b64decode(handed.table)
        self._check_seal(data, base64.b64decode(handed.signature))
        try:
            table = strict.read(SettlementTable, data)
        except strict.Refused as refused:
            raise TableRefused(f"bảng không đọc được: {refused.faults[0].pointer} {refused.faults[0].code}") from None
        if rfc8785.dumps(json.loads(data)) != data:
            raise TableRefused("bảng không ở dạng JSON chính tắc")
        if table.department != self._department:
            raise TableRefused("bảng của cơ quan khác")
        wrong_sum = next(wrong_sums(table), None)
        if wrong_sum is not None:
            raise TableRefused(wrong_sum)
        return table, hashlib.sha256(data).hexdigest()

    def _check_seal(self, data: bytes, signature: bytes) -> None:
        try:
            certificate = signer_of(data, signature, self._issuer, now())
        except BadCadesSignature as error:
            raise TableRefused(f"chữ ký của Trung tâm không đúng: {error}") from None
        names = [str(attribute.value) for attribute in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        if not any(name.startswith(self._seal) for name in names):
            raise TableRefused("người ký không phải Trung tâm")


def wrong_sums(table: SettlementTable) -> Iterator[str]:
    """What does not add up, a sentence each."""
    if [line.number for line in table.lines] != list(range(1, len(table.lines) + 1)):
        yield "các dòng không được đánh số liên tục từ 1"
    fees = {fee.fee_code: fee for fee in table.fees}
    strays = sorted({line.fee_code for line in table.lines} - fees.keys())
    if len(fees) < len(table.fees) or strays:
        yield f"khoản thu lặp lại hoặc không có trong phần tổng hợp: {', '.join(strays)}"
    sums: Counter[tuple[str, str]] = Counter()
    for line in table.lines:
        sums[line.fee_code, line.kind] += line.amount
    for fee in table.fees:
        yield from _of_fee(fee, sums)
    for name in ("receipts", "refunds", "adjustments", "retained", "net"):
        if getattr(table, name) != sum(getattr(fee, name) for fee in table.fees):
            yield f"tổng {name} không bằng tổng của các khoản thu"
    if table.opening != sum(fee.carried for fee in table.fees):
        yield "số chuyển từ bảng trước không bằng tổng của các khoản thu"


def _of_fee(fee: FeeSum, sums: Mapping[tuple[str, str], int]) -> Iterator[str]:
    for name, kind in KINDS.items():
        lines = sums.get((fee.fee_code, kind), 0)
        if getattr(fee, name) != lines:
            yield f"{fee.fee_code}: {name} ghi {getattr(fee, name)}, các dòng cộng lại {lines}"
    if fee.net != fee.carried + fee.receipts + fee.refunds + fee.adjustments - fee.retained:
        yield f"{fee.fee_code}: số phải chuyển không khớp"
    if fee.kind == "le_phi" and fee.retained:
        yield f"{fee.fee_code}: lệ phí không được giữ lại"


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
    delivered: bool


_LINE: Final[TypeAdapter[TakenTable | AnswerLine | AnswerDelivery]] = TypeAdapter(
    Annotated[TakenTable | AnswerLine | AnswerDelivery, Field(discriminator="line")]
)


class Accountant:
    """The tables of one department. ``push_queue`` is None for a department that does not push."""

    def __init__(
        self, counterparty: str, data: Path, reader: TableReader, runtime: RuntimeControl, push_queue: PushQueue | None
    ) -> None:
        self._counterparty = counterparty
        self._folder = data / f"{counterparty}.answers"
        self._reader = reader
        self._runtime = runtime
        self._push_queue = push_queue
        self._lines = DurableLines(tables_path(data, counterparty))
        self._tables: dict[str, TakenTable] = {}
        self._answers: dict[str, TableAnswer] = {}
        self._delivered: set[str] = set()
        self._lock = asyncio.Lock()
        self._working: set[asyncio.Task[None]] = set()
        for line in self._lines.loaded:
            self._enter(_LINE.validate_json(line))

    async def settle(self, handed: HandedTable, key: str) -> tuple[TableReceipt, bool]:
        """The receipt, and whether the table is new. Raises TableRefused, OSError when the disk is full."""
        table, digest = await asyncio.to_thread(self._reader.read, handed)
        async with self._lock:
            taken = self._tables.get(table.settlement_id)
            fresh = taken is None
            if taken is None:
                taken = TakenTable(
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
                await self._write(taken)
                self._begin(taken)
        if taken.sha256 != digest:
            raise TableRefused("đã nhận một bảng khác cùng số")
        return TableReceipt(settlement_id=taken.settlement_id, sha256=digest, received_at=taken.at), fresh

    def statuses(self) -> list[TableStatus]:
        """Every table, in the order in which they were taken."""
        return [
            TableStatus(
                settlement_id=taken.settlement_id,
                month=taken.month,
                net=taken.net,
                sha256=taken.sha256,
                verdict=answer.verdict if (answer := self._answers.get(taken.settlement_id)) else None,
                delivered=taken.settlement_id in self._delivered,
            )
            for taken in self._tables.values()
        ]

    def resume(self) -> None:
        """After a start: answer what is not answered yet."""
        for taken in self._tables.values():
            if taken.settlement_id not in self._delivered:
                self._begin(taken)

    async def stop(self) -> None:
        """Leave everything where it stands. The courier is closed by whoever made it."""
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        self._lines.close()

    def _begin(self, table: TakenTable) -> None:
        task = asyncio.create_task(self._answer(table))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _answer(self, table: TakenTable) -> None:
        if table.settlement_id not in self._answers:
            await self._runtime.one_step()
            await self._write(AnswerLine(answer=self._judged(table)))
        answer = self._answers[table.settlement_id]
        if self._push_queue is not None:
            await self._push_queue.deliver(answer)
        else:
            await asyncio.to_thread(self._lay_down, answer)
        await self._write(AnswerDelivery(settlement_id=table.settlement_id))

    def _judged(self, table: TakenTable) -> TableAnswer:
        disputed = min(self._runtime.settings.dispute_line, table.lines)
        return TableAnswer(
            answer_id=f"TL-{table.settlement_id}",
            settlement_id=table.settlement_id,
            sha256=table.sha256,
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
                self._tables[line.settlement_id] = line
            case AnswerLine():
                self._answers[line.answer.settlement_id] = line.answer
            case AnswerDelivery():
                self._delivered.add(line.settlement_id)


def tables_path(data: Path, counterparty: str) -> Path:
    """Where a department keeps the tables that it was handed, and its answers."""
    return data / f"{counterparty}.tables.jsonl"


def read_tables(data: Path, counterparty: str) -> list[TakenTable | AnswerLine | AnswerDelivery]:
    """What a department has taken and said, from outside it and while it runs; a line under way is left out."""
    path = tables_path(data, counterparty)
    lines = path.read_text(encoding="utf-8").split("\n")[:-1] if path.exists() else []
    return [_LINE.validate_json(line) for line in lines]
