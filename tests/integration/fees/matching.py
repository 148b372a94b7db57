"""A collection account for the tests of matching: its statements come day by day, and are matched as in service."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from config.banks import Bank
from hub import dispatch
from hub.events import Event
from hub.fees.proof import proving
from hub.fees.reconciliation.matching.passes import Scope
from hub.fees.reconciliation.matching.run import MatchRunResult, digest, run
from hub.fees.reconciliation.statements import importing
from hub.unit_of_work import UnitOfWork
from tests.bank_files import StatementDraft, StatementMovement, ago, camt
from tests.integration.fees.telling import ACCOUNT
from tests.scripted_hub import ScriptedHub

if TYPE_CHECKING:
    from tests.integration.fees.conftest import Cashier

DUE = 150_000
"""what a dossier of tests/integration/fees/conftest.py owes"""


class AccountTill:
    """The account, and what its statements have said so far."""

    def __init__(self, hub: ScriptedHub) -> None:
        self.hub = hub
        self.statement: StatementDraft | None = None

    @property
    def bank(self) -> Bank:
        return self.hub.catalogue.banks["bank-a"]

    def books(self, *moves: StatementMovement, carry: bool = True) -> date:
        """The next day's statement, brought by a person; its day."""
        self.statement = (
            self.statement.next(*moves) if self.statement else StatementDraft(moves, opening=0, day=ago(60))
        )
        self.brings(self.statement, carry=carry)
        return self.statement.day

    def brings(self, statement: StatementDraft, *, carry: bool = True) -> None:
        """A statement, brought by a person, which is accepted."""
        body = camt(statement)
        result = dispatch.run_command(
            self.hub, "ke-toan-a", lambda uow: (importing.bring(uow, self.bank, f"{ago(0)}", body), [])
        )
        assert result.is_accepted, result.findings
        if carry:
            self.hub.carry()

    def act(self, command: Callable[[UnitOfWork], Any], actor: str = "ke-toan-a") -> Any:
        """``command`` by a person; its events are reacted to."""

        def whole(uow: UnitOfWork) -> tuple[Any, list[Event]]:
            done = command(uow)
            return done, done if isinstance(done, list) else []

        done = dispatch.run_command(self.hub, actor, whole)
        self.hub.carry()
        return done

    def always_open(self) -> None:
        """The account was there on every day."""
        accounts = [one.model_copy(update={"opened": None}) for one in self.bank.accounts]
        bank = self.bank.model_copy(update={"accounts": accounts})
        self.hub.catalogue = self.hub.catalogue.model_copy(
            update={"banks": {**self.hub.catalogue.banks, bank.code: bank}}
        )

    def matches(self, day: date, *, dry: bool = False, account: str = ACCOUNT) -> MatchRunResult:
        """A person has the day matched anew."""
        result: MatchRunResult = dispatch.run_command(
            self.hub,
            "ke-toan-a",
            lambda uow: ((matched := run(uow, account, day, dry=dry)), [] if dry else list(matched.events)),
        )
        if not dry:
            self.hub.carry()
        return result

    def lines(self) -> list[dict[str, Any]]:
        return self.hub.rows(
            "SELECT l.id, l.state, l.amount, l.allocated, g.pass, g.class, leg.demand_id, leg.amount AS counted,"
            " leg.payment_id, p.status AS payment FROM statement_line l"
            " LEFT JOIN match_leg leg ON leg.line_id = l.id AND leg.confirmed LEFT JOIN match_group g"
            " ON g.id = leg.group_id LEFT JOIN payment p ON p.id = leg.payment_id ORDER BY l.booking_date, l.line_key"
        )

    def line(self) -> dict[str, Any]:
        [row] = self.lines()
        return row

    def passes(self) -> list[str]:
        return sorted(str(row["pass"]) for row in self.lines())

    def proposals(self) -> list[dict[str, Any]]:
        return self.hub.rows(
            "SELECT g.id, g.pass, g.class, g.state, g.evidence, leg.demand_id, leg.amount FROM match_group g"
            " JOIN match_leg leg ON leg.group_id = g.id WHERE g.state = 'proposed'"
            " ORDER BY (g.evidence ->> 'place')::int, g.id"
        )

    def cases(self) -> list[str]:
        rows = self.hub.rows("SELECT code FROM fee_exception WHERE state <> 'resolved' ORDER BY code")
        return [row["code"] for row in rows if row["code"] != "N02"]

    def digest(self, day: date) -> str:
        with self.hub.db.connection() as conn:
            return digest(conn, Scope(0, ACCOUNT, day, ("HC",))).hex()

    def digests(self) -> list[str]:
        rows = self.hub.rows("SELECT DISTINCT booking_date AS day FROM statement_line ORDER BY 1")
        return [self.digest(row["day"]) for row in rows]

    def book(self) -> Mapping[str, int]:
        """Account → debit less credit; what is nothing is left out."""
        rows = self.hub.rows("SELECT account, sum(dr - cr)::bigint AS net FROM ledger_line GROUP BY account")
        return {row["account"]: row["net"] for row in rows if row["net"]}


HOLE: Final = re.compile(r"(^| )( |[;,:]|$)")
"""What format() leaves in a sentence where a value is NULL"""


def red(hub: ScriptedHub) -> Sequence[str]:
    """What the proof of the book has to say against it."""
    with hub.db.connection() as conn:
        red_checks = proving.prove(conn).red
    offenders = [(one.name, offender) for one in red_checks for offender in one.offenders]
    assert [offender.how for _, offender in offenders if HOLE.search(offender.how)] == []
    return [f"{name}: {offender.what} {offender.how}" for name, offender in offenders]


def later(day: date, days: int) -> date:
    return day + timedelta(days=days)


def status(cashier: "Cashier", dossier: str) -> str:
    return str(cashier.demand(dossier)["status"])


def another(cashier: "Cashier") -> tuple[str, str]:
    """One more dossier that waits for its fees, and the reference of its demand."""
    dossier = cashier.dossier()
    return dossier, str(cashier.demand(dossier)["reference"])
