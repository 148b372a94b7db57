"""Two accountants who close what the till has booked."""

from collections.abc import Sequence
from datetime import date

from hub import clock
from hub.clock import local
from hub.fees.closing import commands
from hub.fees.closing.store import CloseStep, Closing
from hub.fees.resolutions import commands as cases
from hub.unit_of_work import UnitOfWork
from hub.worker import jobs
from tests.integration.fees.matching import AccountTill
from tests.integration.fees.telling import ACCOUNT

FIRST, SECOND = "ke-toan-a", "ke-toan-b"


class Accountants:
    """Closes days of the till's account."""

    def __init__(self, till: AccountTill) -> None:
        self.till = till
        self.hub = till.hub

    def asks(self, day: date, by: str = FIRST, account: str = ACCOUNT) -> Closing:
        """One person says that the day is to be closed."""
        closing: Closing = self.till.act(lambda uow: commands.close_day(uow, account, day), by)
        return closing

    def closes(self, *days: date, account: str = ACCOUNT) -> None:
        """Two persons, and every gate is green."""
        self.proves()
        for day in days:
            for person, step in ((FIRST, CloseStep.PROPOSED), (SECOND, CloseStep.DONE)):
                closing = self.asks(day, person, account)
                assert (closing.step, red_gates(closing)) == (step, [])

    def proves(self) -> None:
        """The night's proof, made today."""
        jobs.prove_ledger(self.hub)

    def gates(self, day: date) -> Sequence[str]:
        """The red gates of a day, in order."""
        return red_gates(self.asks(day))

    def gate(self, day: date, name: str) -> str:
        """What a gate has found."""
        return next(one.finding for one in self.asks(day).gates if one.name == name)

    def carries(self) -> None:
        """Every open case stays open over the close."""
        for row in self.hub.rows("SELECT id FROM fee_exception WHERE state <> 'resolved'"):
            case = str(row["id"])

            def carry(uow: UnitOfWork, case: str = case) -> object:
                return cases.carry(uow, case, "chờ ngân hàng")

            self.till.act(carry)

    def month(self, month: date, by: str = FIRST) -> Closing:
        closing: Closing = self.till.act(lambda uow: commands.close_month(uow, month), by)
        return closing


def red_gates(closing: Closing) -> list[str]:
    return [gate.name for gate in closing.gates if not gate.green]


def today() -> date:
    return local(clock.now()).date()
