"""A desk at which files of statements are brought in, on a real database."""

import itertools
from typing import Any

import pytest

from hub import dispatch
from hub.events import Event
from hub.fees.statements import deciding, importing
from hub.fees.statements.importing import Result
from hub.work import Work
from tests.house import ScriptedHouse
from tests.rooms.test_command_line import hub  # noqa: F401 - the command line as a fixture


class Desk:
    """Brings files in, and says what is there then."""

    def __init__(self, house: ScriptedHouse) -> None:
        self.house = house
        self._numbers = itertools.count(1)

    def bring(self, raw: bytes, *, bank: str = "bank-a", name: str = "") -> Result:
        known = self.house.catalogue.banks[bank]
        named = name or f"file-{next(self._numbers)}"

        def verb(work: Work) -> tuple[Result, list[Event]]:
            return importing.bring(work, known, named, raw), []

        return dispatch.act(self.house, "thu.nghiem", verb)

    def decide(self, result: Result, verdict: deciding.Verdict, who: str) -> Result:
        return dispatch.act(self.house, who, lambda work: deciding.decide(work, result.id, verdict, "đã hỏi ngân hàng"))

    def approve(self, result: Result) -> Result:
        """By two persons."""
        self.decide(result, "approve", "nguoi.mot")
        return self.decide(result, "approve", "nguoi.hai")

    @property
    def amounts(self) -> list[int]:
        """Of the booked lines that count, in the order of matching."""
        rows = self.house.rows(
            "SELECT amount FROM statement_line WHERE status = 'BOOK' AND state <> 'vanished'"
            " ORDER BY booking_date, entry, id"
        )
        return [row["amount"] for row in rows]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return self.house.rows("SELECT * FROM statement_line ORDER BY id")

    def kept(self, account: str) -> list[tuple[Any, ...]]:
        """All that matching will see of an account: the same in whatever order its files came in."""
        rows = self.house.rows(
            "SELECT booking_date, value_date, amount, status, bank_ref, e2e, text, reversal, state"
            " FROM statement_line WHERE account = %s",
            account,
        )
        return sorted(tuple(map(str, row.values())) for row in rows)

    @property
    def open_cases(self) -> list[str]:
        rows = self.house.rows("SELECT code FROM exception_case WHERE state <> 'resolved' ORDER BY code, object_id")
        return [row["code"] for row in rows]


@pytest.fixture
def desk(house: ScriptedHouse) -> Desk:
    return Desk(house)
