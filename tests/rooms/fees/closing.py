"""Two accountants who close what the till has booked."""

from collections.abc import Sequence
from datetime import date

from hub import clock
from hub.clock import local
from hub.fees.cases import desk as cases
from hub.fees.closes import desk
from hub.fees.closes.model import Closing, Step
from hub.work import Work
from hub.worker import prover
from tests.rooms.fees.matching import Till
from tests.rooms.fees.telling import ACCOUNT

FIRST, SECOND = "ke-toan-a", "ke-toan-b"


class Accountants:
    """Closes days of the till's account."""

    def __init__(self, till: Till) -> None:
        self.till = till
        self.house = till.house

    def asks(self, day: date, by: str = FIRST, account: str = ACCOUNT) -> Closing:
        """One person says that the day is to be closed."""
        made: Closing = self.till.act(lambda work: desk.close_day(work, account, day), by)
        return made

    def closes(self, *days: date, account: str = ACCOUNT) -> None:
        """Two persons, and every gate is green."""
        self.proves()
        for day in days:
            for person, step in ((FIRST, Step.PROPOSED), (SECOND, Step.DONE)):
                made = self.asks(day, person, account)
                assert (made.step, red_gates(made)) == (step, [])

    def proves(self) -> None:
        """The night's proof, made today."""
        prover.prove(self.house)

    def gates(self, day: date) -> Sequence[str]:
        """The red gates of a day, in order."""
        return red_gates(self.asks(day))

    def gate(self, day: date, name: str) -> str:
        """What a gate has found."""
        return next(one.found for one in self.asks(day).gates if one.name == name)

    def carries(self) -> None:
        """Every open case stays open over the close."""
        for row in self.house.rows("SELECT id FROM exception_case WHERE state <> 'resolved'"):
            case = str(row["id"])

            def carry(work: Work, case: str = case) -> object:
                return cases.carry(work, case, "chờ ngân hàng")

            self.till.act(carry)

    def month(self, month: date, by: str = FIRST) -> Closing:
        made: Closing = self.till.act(lambda work: desk.close_month(work, month), by)
        return made


def red_gates(made: Closing) -> list[str]:
    return [gate.name for gate in made.gates if not gate.green]


def today() -> date:
    return local(clock.now()).date()
