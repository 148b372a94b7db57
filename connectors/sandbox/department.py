"""A sandbox department, whatever its dialect: what it does with a handoff. See rest_department and soap_department.

Its caseworker processes the dossiers: status moves and their reports, in order for each dossier, concurrently.
"""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from config.catalogue import Department, DepartmentStatus
from connectors.clock import now
from connectors.sandbox.accountant import Accountant, TableReader
from connectors.sandbox.counter_signing import CounterSigner
from connectors.sandbox.dossier_behaviours import (
    Countersigned,
    DepartmentAnswer,
    DossierBehaviour,
    StatusMove,
    Word,
    codes_of,
    dossier_behaviour_of,
    plan,
)
from connectors.sandbox.dossier_register import DossierRegister, normalised
from connectors.sandbox.effects import EffectFile, Submitted, effects_path
from connectors.sandbox.runtime_settings import RuntimeControl, SandboxSettings
from connectors.sandbox.status_push import Push, PushQueue, ReportBook
from connectors.sandbox.witness import Inconsistent, WitnessBook
from schemas.custody import WitnessedCheckpoint, WitnessReceipt
from schemas.department import Changes, Handoff, HandoffReceipt, StatusReport

RETRY_AFTER: Final = 2
"""seconds; what behaviour 9005 asks for"""

REASON: Final = "Hồ sơ thử nghiệm: thành phần hồ sơ chưa đúng quy định, đề nghị nộp lại."
"""Why behaviour 9002 refuses; invented."""


@dataclass(frozen=True, slots=True)
class DossierTaken:
    """The department has the dossier. ``fresh``: it took it just now."""

    receipt: HandoffReceipt
    fresh: bool


@dataclass(frozen=True, slots=True)
class AlreadyThere:
    """It has the dossier from elsewhere, or under another key."""

    receipt: HandoffReceipt


@dataclass(frozen=True, slots=True)
class DossierRefused:
    """It does not take the dossier, for a reason of the matter."""

    reason: str


@dataclass(frozen=True, slots=True)
class DepartmentBusy:
    """Not now."""

    retry_after: int


class Faulty:
    """Something went wrong inside; nothing was done."""


class Garbled:
    """It has the dossier, but what it says cannot be read."""


class Silent:
    """It has the dossier and says nothing."""


Reply = DossierTaken | AlreadyThere | DossierRefused | DepartmentBusy | Faulty | Garbled | Silent

_WITHOUT_EFFECT: Final[dict[DepartmentAnswer, Reply]] = {
    DepartmentAnswer.FAULT: Faulty(),
    DepartmentAnswer.BUSY: DepartmentBusy(RETRY_AFTER),
}
"""Answers that are given so many times as the behaviour says, before the department gives in."""

_AFTER_THE_EFFECT: Final[dict[DepartmentAnswer, Reply]] = {
    DepartmentAnswer.SILENCE: Silent(),
    DepartmentAnswer.GARBLED: Garbled(),
}


class DossierState(BaseModel):
    """Where a dossier stands at the department."""

    dossier_code: str
    number: str
    behaviour: str
    moves_told: int
    unpushed: int


class SandboxDepartment:
    """One department: its cases, its reports, its caseworker, its behaviours."""

    def __init__(
        self,
        department: Department,
        data: Path,
        settings: SandboxSettings,
        push: Push | None,
        reader: TableReader,
        counter_signer: CounterSigner | None = None,
    ) -> None:
        """``counter_signer`` is None for a department that cannot sign."""
        self.department = department
        self._counter_signer = counter_signer
        self.runtime = RuntimeControl(settings)
        self._effects = EffectFile(effects_path(data, department.counterparty), Submitted)
        self.cases = DossierRegister(department.counterparty, self._effects)
        self.witness_book = WitnessBook(data, department.counterparty)
        self.book = ReportBook(data / f"{department.counterparty}.reports.jsonl", pushes=push is not None)
        push_queue = PushQueue(push, self.runtime, department.counterparty) if push else None
        self.accountant = Accountant(department.counterparty, data, reader, self.runtime, push_queue)
        self._worker = Caseworker(
            self.cases, self.book, codes_of(department.status), self.runtime, push_queue, counter_signer
        )
        self._turned_away: Counter[str] = Counter()

    async def submit(self, handoff: Handoff, key: str) -> Reply:
        """Raises KeyReusedError when the key stands for another handoff, OSError when the disk does not take it."""
        behaviour = dossier_behaviour_of(handoff.dossier_code, handoff.procedure)
        if self.cases.find(handoff.dossier_code) is None:
            if behaviour.answer is DepartmentAnswer.REFUSAL:
                return DossierRefused(REASON)
            if self._turns_away(behaviour, handoff):
                return _WITHOUT_EFFECT[behaviour.answer]
        case, fresh = await self.cases.take(handoff, key)
        if fresh:
            return await self._first_answer(behaviour, case)
        return DossierTaken(self._receipt(case), fresh=False) if case.key == key else AlreadyThere(self._receipt(case))

    def find(self, dossier_code: str) -> HandoffReceipt | None:
        """The receipt, if the department has this dossier. Raises ValueError when it is no dossier code."""
        case = self.cases.find(dossier_code)
        return self._receipt(case) if case else None

    def changes(self, cursor: str) -> Changes:
        """Raises UnknownCursorError."""
        return self.book.page(cursor)

    async def witness(self, checkpoint: WitnessedCheckpoint, key: str) -> WitnessReceipt | DossierRefused:
        """Keep the custody log's checkpoint, or say that the log does not go on. Raises as WitnessBook.keep."""
        try:
            witnessed = await self.witness_book.keep(checkpoint, key)
        except Inconsistent as error:
            return DossierRefused(str(error))
        signer = self._counter_signer
        signature = None if signer is None else signer.seal(base64.b64decode(checkpoint.checkpoint))
        return WitnessReceipt(size=witnessed.size, root=witnessed.root, received_at=witnessed.at, signature=signature)

    def dossier_states(self) -> list[DossierState]:
        """Every dossier, in the order in which they were taken."""
        return [
            DossierState(
                dossier_code=case.dossier_code,
                number=case.number,
                behaviour=dossier_behaviour_of(case.dossier_code, case.procedure).name,
                moves_told=self.book.moves_told(case.dossier_code),
                unpushed=len(self.book.unpushed(case.dossier_code)),
            )
            for case in self.cases.all()
        ]

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While it is open, its dossiers move."""
        self._worker.resume()
        self.accountant.resume()
        try:
            yield
        finally:
            await self.accountant.stop()
            await self._worker.stop()
            self._effects.close()
            self.book.close()
            self.witness_book.close()

    def _turns_away(self, behaviour: DossierBehaviour, handoff: Handoff) -> bool:
        code = normalised(handoff.dossier_code)
        if self._turned_away[code] >= behaviour.times:
            return False
        self._turned_away[code] += 1
        return True

    async def _first_answer(self, behaviour: DossierBehaviour, case: Submitted) -> Reply:
        if behaviour.answer is DepartmentAnswer.STATUS_FIRST:
            await self._worker.first_word(case)
        self._worker.open(case)
        if behaviour.answer is DepartmentAnswer.SLOW:
            await asyncio.sleep(self.runtime.environment.slow_seconds)
        if behaviour.answer is DepartmentAnswer.DUPLICATE:
            return AlreadyThere(self._receipt(case))
        return _AFTER_THE_EFFECT.get(
            behaviour.answer, DossierTaken(self._receipt(case, behaviour.countersigned), fresh=True)
        )

    def _receipt(self, case: Submitted, counter: Countersigned = Countersigned.RIGHT) -> HandoffReceipt:
        signer = self._counter_signer
        signed = signer.receipt(case, counter) if signer is not None else None
        return HandoffReceipt(number=case.number, received_at=case.at, signed=signed)


class Caseworker:
    """Opens, moves and closes cases. ``push_queue`` is None for a department that waits to be asked."""

    def __init__(
        self,
        cases: DossierRegister,
        book: ReportBook,
        codes: Mapping[DepartmentStatus, str],
        runtime: RuntimeControl,
        push_queue: PushQueue | None,
        counter_signer: CounterSigner | None = None,
    ) -> None:
        """``counter_signer``: signs the way back; None for a department that cannot."""
        self._returned = codes.get(DepartmentStatus.RETURNED)
        self._counter_signer = counter_signer
        self._cases = cases
        self._book = book
        self._codes = codes
        self._runtime = runtime
        self._push_queue = push_queue
        self._working: set[asyncio.Task[None]] = set()
        self._pushing: dict[str, asyncio.Task[None]] = {}

    def resume(self) -> None:
        """After a start: go on with every case where it stood."""
        for case in self._cases.all():
            self.open(case)

    def open(self, case: Submitted) -> None:
        """See the case through from where it stands."""
        self._start_pushing(case)
        self._begin(self._see_through(case))

    async def first_word(self, case: Submitted) -> None:
        """Tell the first status now, and wait until the hub has taken it."""
        for move in self._plan(case)[:1]:
            await self._move(case, 0, move, {})
        if case.dossier_code in self._pushing:
            await self._pushing[case.dossier_code]

    async def stop(self) -> None:
        """Leave everything where it stands; the next start goes on from there."""
        for task in self._working:
            task.cancel()
        await asyncio.gather(*self._working, return_exceptions=True)
        if self._push_queue is not None:
            self._push_queue.close()

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task

    async def _see_through(self, case: Submitted) -> None:
        moments: dict[int, datetime] = {}
        moves = self._plan(case)
        for number in range(self._book.moves_told(case.dossier_code), len(moves)):
            await self._runtime.one_step()
            await self._move(case, number, moves[number], moments)

    def _plan(self, case: Submitted) -> tuple[StatusMove, ...]:
        return plan(case.dossier_code, dossier_behaviour_of(case.dossier_code, case.procedure), self._codes)

    async def _move(self, case: Submitted, number: int, move: StatusMove, moments: dict[int, datetime]) -> None:
        moments[number] = now()
        if not move.words:
            return
        moves = self._plan(case)
        reports = [
            self._report(case, word, moves[word.move].status, moments.get(word.move, case.at)) for word in move.words
        ]
        await self._book.tell(case.dossier_code, number, reports)
        self._start_pushing(case)

    def _start_pushing(self, case: Submitted) -> None:
        """One push at a time for a dossier: its reports arrive in the order in which they were made."""
        if self._push_queue is not None and case.dossier_code not in self._pushing:
            self._pushing[case.dossier_code] = self._begin(self._push_all(case, self._push_queue))

    async def _push_all(self, case: Submitted, push_queue: PushQueue) -> None:
        try:
            while entries := self._book.unpushed(case.dossier_code):
                await push_queue.deliver(entries[0].report)
                await self._book.pushed(entries[0].position)
        finally:
            del self._pushing[case.dossier_code]

    def _report(self, case: Submitted, word: Word, status: str, at: datetime) -> StatusReport:
        signer = self._counter_signer if status == self._returned else None
        return StatusReport(
            report_id=f"{normalised(case.dossier_code)}:{word.move}{word.again}",
            dossier_code=case.dossier_code,
            status=status,
            at=at,
            note="Dữ liệu thử nghiệm của môi trường sandbox.",
            signed=signer.returned(case, at) if signer is not None else None,
        )
