"""Files of statements brought in, on a real database."""

import itertools
from typing import Any

import pytest

from hub import dispatch
from hub.events import Event
from hub.fees.reconciliation.statements import importing
from hub.fees.reconciliation.statements.importing import ImportResult
from hub.unit_of_work import UnitOfWork
from tests.integration.test_command_line import cli  # noqa: F401 - the command line as a fixture
from tests.scripted_hub import ScriptedHub


class StatementImports:
    """Brings files in, and says what is there then."""

    def __init__(self, hub: ScriptedHub) -> None:
        self.hub = hub
        self._numbers = itertools.count(1)

    def bring(self, raw: bytes, *, bank: str = "bank-a", name: str = "") -> ImportResult:
        known = self.hub.catalogue.banks[bank]
        named = name or f"file-{next(self._numbers)}"

        def bring_in(uow: UnitOfWork) -> tuple[ImportResult, list[Event]]:
            return importing.bring(uow, known, named, raw), []

        return dispatch.run_command(self.hub, "thu.nghiem", bring_in)

    def decide(self, result: ImportResult, verdict: importing.Verdict, who: str) -> ImportResult:
        return dispatch.run_command(
            self.hub, who, lambda uow: importing.decide(uow, result.id, verdict, "đã hỏi ngân hàng")
        )

    def approve(self, result: ImportResult) -> ImportResult:
        """By two persons."""
        self.decide(result, "approve", "nguoi.mot")
        return self.decide(result, "approve", "nguoi.hai")

    @property
    def amounts(self) -> list[int]:
        """Of the booked lines that count, in the order of matching."""
        rows = self.hub.rows(
            "SELECT amount FROM statement_line WHERE status = 'BOOK' AND state <> 'vanished'"
            " ORDER BY booking_date, entry, id"
        )
        return [row["amount"] for row in rows]

    @property
    def lines(self) -> list[dict[str, Any]]:
        return self.hub.rows("SELECT * FROM statement_line ORDER BY id")

    def lines_of(self, account: str) -> list[tuple[Any, ...]]:
        """All that matching will see of an account: the same in whatever order its files came in."""
        rows = self.hub.rows(
            "SELECT booking_date, value_date, amount, status, bank_ref, e2e, text, reversal, state"
            " FROM statement_line WHERE account = %s",
            account,
        )
        return sorted(tuple(map(str, row.values())) for row in rows)

    @property
    def open_exceptions(self) -> list[str]:
        rows = self.hub.rows("SELECT code FROM fee_exception WHERE state <> 'resolved' ORDER BY code, object_id")
        return [row["code"] for row in rows]


@pytest.fixture
def imports(hub: ScriptedHub) -> StatementImports:
    return StatementImports(hub)
