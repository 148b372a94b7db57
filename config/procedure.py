"""What is decided: procedures, their steps and papers, and their fees with effective dates."""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator

from config.data import Data, ListCode, Name, PartyCode, no_duplicates
from config.fees import Exemption, Pay, ProcedureFee, check_fees
from schemas.handoff import Carrier
from schemas.identifiers import ProcedureCode


class ProcedureStep(Data):
    """One step of a procedure, with its share of the time."""

    title: Name
    hours: int = Field(ge=1)
    """working hours"""


class RequiredPaper(Data):
    """A paper that the procedure asks for."""

    code: ListCode
    title: Name


class Procedure(Data):
    """A procedure (thủ tục hành chính), who decides it and how long that may take."""

    code: ProcedureCode
    title: Annotated[str, Field(min_length=1, max_length=1000)]
    department: PartyCode
    working_hours: int = Field(ge=1)
    """legal duration in working hours; 8 make a working day (NĐ 61/2018)"""
    steps: list[ProcedureStep] = Field(min_length=1)
    papers: list[RequiredPaper] = Field([])
    fees: list[ProcedureFee] = Field([])
    exemptions: list[Exemption] = Field([])
    pay: Pay = Pay.LATER
    """whether the dossier waits for its fees, is paid for later, or is not the Centre's to collect for"""
    by_post: bool = False
    carrier: Carrier = Carrier.WIRE
    """how the papers go to the department: by wire alone, or on paper by post as well"""

    @model_validator(mode="after")
    def _steps_fill_the_time(self) -> Self:
        total = sum(step.hours for step in self.steps)
        if total != self.working_hours:
            raise ValueError(f"the steps take {total} working hours, working_hours says {self.working_hours}")
        return self

    @model_validator(mode="after")
    def _lists_each_once(self) -> Self:
        no_duplicates("paper", [paper.code for paper in self.papers])
        check_fees(self.fees, self.exemptions, self.pay)
        return self

    def fees_on(self, day: date) -> list[ProcedureFee]:
        """The fees in force on ``day``."""
        return [fee for fee in self.fees if fee.since <= day and (fee.until is None or day <= fee.until)]

    def exemption(self, code: str | None) -> Exemption | None:
        """The exemption with this code, if the procedure has it."""
        return next((one for one in self.exemptions if one.code == code), None)
