"""Two persons who settle cases by the commands, for the tests; the book is proven after each."""

from collections.abc import Callable
from typing import Any

from hub.fees import exceptions
from hub.fees.resolutions import commands
from hub.unit_of_work import UnitOfWork
from tests.integration.fees.matching import AccountTill, red

MAKER, CHECKER = "ke-toan-a", "ke-toan-b"
REASON = "theo hồ sơ đã xem"


class Casework:
    """Two persons, who settle cases by the commands."""

    def __init__(self, till: AccountTill) -> None:
        self.till = till
        self.hub = till.hub

    def case(self, code: str) -> dict[str, Any]:
        """The one case of this code about money (a file's own are settled with it), whatever has become of it."""
        [row] = self.hub.rows("SELECT * FROM fee_exception WHERE code = %s AND object_type <> 'statement_file'", code)
        return row

    def standing(self) -> list[str]:
        """Codes of the cases that are open; N02 says nothing of money."""
        return self.till.cases()

    def says(self, actor: str, command: Callable[[UnitOfWork], Any]) -> Any:
        """A command by one person."""
        return self.till.act(command, actor)

    def proposes(self, code: str, name: str, **details: str) -> str:
        """One person says how the case is to be settled; its id."""
        case = str(self.case(code)["id"])
        self.says(MAKER, lambda uow: commands.resolve(uow, case, name, details, REASON))
        return case

    def settles(self, code: str, name: str, **details: str) -> str:
        """Two persons say the same; nothing is left of the case, and the book is whole. Its id."""
        case = self.proposes(code, name, **details)
        assert self.case(code)["state"] == "proposed"
        self.says(CHECKER, lambda uow: commands.resolve(uow, case, name, details, REASON))
        exception_row = self.case(code)
        assert (exception_row["state"], exception_row["resolution"]) == ("resolved", name)
        assert (exception_row["maker"], exception_row["checker"]) == (MAKER, CHECKER)
        assert red(self.hub) == []
        return case

    def settles_alone(self, code: str, name: str) -> None:
        """One person is enough."""
        self.proposes(code, name)
        assert (self.case(code)["state"], self.case(code)["checker"]) == ("resolved", None)
        assert red(self.hub) == []

    def opened(self, code: str, kind: str, about: str, at_risk: int, **facts: Any) -> str:
        """A case that somebody else's work opens."""
        case = self.says(MAKER, lambda uow: exceptions.open_exception(uow, code, kind, about, at_risk, facts))
        return str(case)
