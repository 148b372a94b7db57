"""Whatever is told, booked, taken back, ended and settled, in any order: statuses move as they may, all is proven."""

import contextlib
from datetime import datetime, time
from typing import Any, ClassVar, Final

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run

from hub.clock import VIETNAM
from hub.errors import HubError
from hub.fees.demands import demand_commands
from hub.fees.demands.model import LIFECYCLE
from hub.fees.exceptions.codes import ExceptionCode
from hub.fees.resolutions import commands
from schemas.payment import NotificationKind
from tests.bank_files import StatementDraft, StatementMovement, ago
from tests.integration.fees.casework import CHECKER, MAKER, REASON
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red
from tests.integration.fees.telling import NotifyingProvider

MOVES: Final[dict[str, dict[str, set[str]]]] = {
    "payment": {
        "notified": {"confirmed", "unconfirmed_overdue", "reversed", "refunded"},
        "unconfirmed_overdue": {"confirmed", "voided", "reversed"},
        "found_on_statement": {"reversed", "charged_back", "refunded"},
        "confirmed": {"reversed", "charged_back", "refunded"},
        "reversed": set(), "refunded": set(), "voided": set(), "charged_back": set(),
    },
    "statement_line": {
        "new": {"matched", "in_exception", "not_fee"},
        "pending": {"new", "vanished"},
        "in_exception": {"matched", "not_fee", "reversed"},
        "matched": {"reversed", "in_exception", "not_fee"},
        "not_fee": set(), "reversed": set(), "vanished": set(),
    },
    "match_group": {
        "proposed": {"confirmed", "rejected", "superseded"},
        "confirmed": {"revoked", "superseded"},
        "revoked": set(), "rejected": set(), "superseded": set(),
    },
    "fee_exception": {
        "open": {"assigned", "proposed", "resolved"},
        "assigned": {"proposed", "resolved"},
        "proposed": {"approved", "resolved", "open", "assigned"},
        "approved": {"resolved", "open", "assigned"},
        "resolved": {"open", "assigned"},
    },
    "fee_demand": {str(status): {str(to) for to in moves} for status, moves in LIFECYCLE.moves.items()},
}  # fmt: skip
"""status → what may come after it"""
COLUMN: Final = {"payment": "status", "fee_demand": "status"}
WAYS: Final = ("assign", "allocate", "renew", "not_fee", "charge", "void", "no_refund", "waive_rest", "answered")


def reaches(table: str, before: str, after: str) -> bool:
    seen, edge = {before}, {before}
    while edge:
        edge = {to for status in edge for to in MOVES[table][status]} - seen
        seen |= edge
    return after in seen


class LifecycleMoney(RuleBasedStateMachine):
    till: ClassVar[AccountTill]
    cashier: ClassVar[Cashier]
    provider: ClassVar[NotifyingProvider]

    @initialize(first=st.sampled_from(["both", "shown", "without number", "nobody"]))
    def begins(self, first: str) -> None:
        """Three dossiers: one is not paid for yet, one is paid in part, and of one we know by now."""
        self.ids = [self.cashier.dossier() for _ in range(3)]
        self.references = [str(self.cashier.demand(one)["reference"]) for one in self.ids]
        self.moves: list[StatementMovement] = []
        self.came: list[tuple[str, int]] = []
        self.notified: list[str] = []
        self.pays(0, DUE, first)
        self.pays(1, DUE - 1_000, "both")
        self.the_day_ends()
        self.before = self.statuses()

    @rule(which=st.integers(0, 2), amount=st.sampled_from([DUE, DUE, DUE - 1_000, DUE + 1_000, 1_000]),
          how=st.sampled_from(["both", "told", "shown", "without number", "nobody"]))  # fmt: skip
    def pays(self, which: int, amount: int, how: str) -> None:
        text = "KHONG RO" if how == "nobody" else self.references[which]
        number = f"FT{next(NUMBERS):06}"
        if how != "shown":
            ref = None if how == "without number" else number
            at = datetime.combine(day_of(self.till), time(9), VIETNAM)
            self.notified.append(self.provider.tells(text, amount=amount, bank_ref=ref, paid_at=at))
        if how != "told":
            self.moves.append(StatementMovement(amount, text, ref=number))
            self.came.append((number, amount))

    @precondition(lambda self: self.came)
    @rule(which=st.integers(0, 9))
    def is_taken_back_by_the_bank(self, which: int) -> None:
        number, amount = self.came[which % len(self.came)]
        self.moves.append(
            StatementMovement(-amount, "HOAN TRA", ref=f"FT{next(NUMBERS):06}", e2e=number, reversal=True)
        )

    @precondition(lambda self: self.notified)
    @rule(
        which=st.integers(0, 9),
        kind=st.sampled_from([NotificationKind.REVERSAL, NotificationKind.REFUND, NotificationKind.FAILED]),
    )
    def is_said_to_be_taken_back(self, which: int, kind: NotificationKind) -> None:
        txn = self.notified[which % len(self.notified)]
        if kind is NotificationKind.FAILED:
            self.provider.tells(kind=kind, provider_txn=txn)
        else:
            self.provider.tells(kind=kind, original=txn)

    @rule()
    def the_day_ends(self) -> None:
        moves, self.moves = self.moves, []
        self.till.books(*moves)

    @rule(amount=st.sampled_from([11_000, 50_000]))
    def is_charged(self, amount: int) -> None:
        self.moves.append(StatementMovement(-amount, "PHI"))

    @rule(which=st.integers(0, 2), command=st.sampled_from([demand_commands.cancel, demand_commands.renew]))
    def ends_or_begins_anew(self, which: int, command: Any) -> None:
        demand = self.cashier.demand(self.ids[which])["id"]
        with contextlib.suppress(HubError):
            self.cashier.act(lambda uow: command(uow, demand, "thử nghiệm"))

    @rule(which=st.integers(0, 9), way=st.integers(0, 2), demand=st.integers(0, 2))
    def is_settled_by_two_persons(self, which: int, way: int, demand: int) -> None:
        """In a way that its code allows; whether it can be done is for the commands to say."""
        cases = self.till.hub.rows(
            "SELECT id, code FROM fee_exception WHERE state <> 'resolved' AND code <> 'N02' ORDER BY id DESC LIMIT 5"
        )
        if not cases:
            return
        chosen = cases[which % len(cases)]
        case, ways = (
            str(chosen["id"]),
            [name for name in ExceptionCode(chosen["code"]).about.resolutions if name in WAYS],
        )
        if not ways:
            return
        name = ways[way % len(ways)]
        details_by_name = {
            "assign": {"demand": self.cashier.demand(self.ids[demand])["id"]},
            "not_fee": {"kind": "other"},
            "waive_rest": {"decision": "1/QĐ"},
        }
        details = details_by_name.get("assign" if name == "allocate" else name, {})
        for person in (MAKER, CHECKER):
            try:
                self.till.act(lambda uow: commands.resolve(uow, case, name, details, REASON), person)
            except HubError:
                if person == CHECKER:
                    withdrawn(self.till, case)

    def statuses(self) -> dict[tuple[str, str], str]:
        return {
            (table, str(row["id"])): str(row["status"])
            for table in MOVES
            for row in self.till.hub.rows(f"SELECT id, {COLUMN.get(table, 'state')} AS status FROM {table}")
        }

    @invariant()
    def all_move_as_they_may(self) -> None:
        if not hasattr(self, "before"):
            return
        now = self.statuses()
        for (table, name), status in self.before.items():
            assert reaches(table, status, now[table, name]), (table, status, now[table, name])
        self.before = now
        assert red(self.till.hub) == []


def withdrawn(till: AccountTill, case: str) -> None:
    with contextlib.suppress(HubError):
        till.act(lambda uow: commands.withdraw(uow, case, "không được"), CHECKER)


def day_of(till: AccountTill) -> Any:
    assert till.statement is not None
    return till.statement.day


NUMBERS = iter(range(1, 10**6))


def test_statuses_move_as_they_may_whatever_happens(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider
) -> None:
    till.always_open()
    till.statement = StatementDraft([], opening=10**9, day=ago(900))
    till.brings(till.statement)
    run(
        type("MoneyHere", (LifecycleMoney,), {"till": till, "cashier": cashier, "provider": provider}),
        settings=settings(
            max_examples=12,
            stateful_step_count=14,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
