"""Processing of a department's dossiers: status moves and their reports, in order for each dossier, concurrently."""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import datetime
from typing import Any

from config.catalogue import DepartmentStatus
from connectors.clock import now
from connectors.sandbox.counter_signing import CounterSigner
from connectors.sandbox.dossier_behaviours import StatusMove, Word, dossier_behaviour_of, plan
from connectors.sandbox.dossier_register import DossierRegister, normalised
from connectors.sandbox.effects import Submitted
from connectors.sandbox.reports import ReportBook
from connectors.sandbox.runtime_settings import SettingsPanel
from connectors.sandbox.status_push import PushQueue
from schemas.department import StatusReport


class Caseworker:
    """Opens, moves and closes cases. ``push_queue`` is None for a department that waits to be asked."""

    def __init__(
        self,
        cases: DossierRegister,
        book: ReportBook,
        codes: Mapping[DepartmentStatus, str],
        panel: SettingsPanel,
        push_queue: PushQueue | None,
        counter_signer: CounterSigner | None = None,
    ) -> None:
        """``counter_signer``: signs the way back; None for a department that cannot."""
        self._returned = codes.get(DepartmentStatus.RETURNED)
        self._counter_signer = counter_signer
        self._cases = cases
        self._book = book
        self._codes = codes
        self._panel = panel
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
            await self._panel.one_step()
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
