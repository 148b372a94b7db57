"""What takes two persons: the first may propose, the second may agree, and they are not the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import pytest

from hub import dispatch
from hub.clock import last_of
from hub.errors import Forbidden, InvalidState
from hub.fees.closing import commands as closes
from hub.fees.closing.store import CloseStep, Closing
from hub.fees.payouts import orders, refunds
from hub.fees.receipts import issuing
from hub.fees.reconciliation.matching import commands as matches
from hub.fees.reconciliation.statements import importing
from hub.fees.replay import replaying
from hub.fees.resolutions import commands as cases
from hub.unit_of_work import UnitOfWork
from tests.bank_files import StatementDraft, StatementMovement, camt
from tests.integration.fees.closing import FIRST, SECOND, Accountants, today
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill
from tests.integration.fees.paying import PAYEE, approved, asked
from tests.integration.fees.persons import CHECKER, CHIEF, MAKER, OTHER_MAKER, STRANGER, named
from tests.integration.fees.registry import Registry
from tests.integration.fees.telling import ACCOUNT
from tests.scripted_hub import ScriptedHub

Command = Callable[[UnitOfWork], Any]


@dataclass
class Stage:
    """Where something is made that two persons have to decide, before anybody is named."""

    till: AccountTill
    cashier: Cashier

    @property
    def hub(self) -> ScriptedHub:
        return self.till.hub

    def one(self, query: str) -> Any:
        """The only value of the only row."""
        [row] = self.hub.rows(query)
        [value] = row.values()
        return value

    def demand(self) -> dict[str, Any]:
        return self.cashier.demand(self.cashier.dossier())


def a_held_file(stage: Stage) -> Command:
    stage.till.books(StatementMovement(DUE, "nop tien"))
    assert stage.till.statement is not None
    broken = camt(replace(stage.till.statement.next(StatementMovement(1, "x")), opening=7))
    held = dispatch.run_command(
        stage.hub, FIRST, lambda uow: (importing.bring(uow, stage.till.bank, "sao-ke", broken), [])
    )
    return lambda uow: importing.decide(uow, held.id, "approve", "đã hỏi ngân hàng")


def a_proposed_match(stage: Stage) -> Command:
    reference = stage.demand()["reference"]
    stage.till.books(StatementMovement(DUE, reference[:6] + ("7" if reference[6] != "7" else "3") + reference[7:]))
    [proposal] = stage.till.proposals()
    return lambda uow: matches.confirm(uow, proposal["id"], "đúng người")


def a_confirmed_match(stage: Stage) -> Command:
    stage.till.books(StatementMovement(DUE, stage.demand()["reference"]))
    group = stage.one("SELECT id FROM match_group WHERE state = 'confirmed' AND pass = 'P3'")
    return lambda uow: matches.revoke(uow, group, "nhầm hồ sơ")


def a_case(stage: Stage) -> Command:
    demand = stage.demand()["id"]
    stage.till.books(StatementMovement(DUE, "nop tien"))
    case = stage.one("SELECT id FROM fee_exception WHERE code = 'R01'")
    return lambda uow: cases.resolve(uow, case, "assign", {"demand": demand}, "theo hồ sơ")


def a_day(stage: Stage) -> Command:
    day = stage.till.books(StatementMovement(DUE, stage.demand()["reference"]))
    Accountants(stage.till).proves()
    return lambda uow: closes.close_day(uow, ACCOUNT, day)


def a_closed_day(stage: Stage) -> Command:
    day = stage.till.books(StatementMovement(DUE, stage.demand()["reference"]))
    Accountants(stage.till).closes(day)
    return lambda uow: closes.reopen_day(uow, ACCOUNT, day, "thiếu sao kê")


def a_month(stage: Stage) -> Command:
    stage.till.always_open()
    month = (today().replace(day=1) - timedelta(days=1)).replace(day=1)
    stage.till.statement = StatementDraft((), opening=0, day=last_of(month) - timedelta(days=1))
    days = [stage.till.books(StatementMovement(DUE, stage.demand()["reference"]))]
    stage.till.books()
    accountants = Accountants(stage.till)
    accountants.proves()
    accountants.closes(*days)
    return lambda uow: closes.close_month(uow, month)


def a_closed_month(stage: Stage) -> Command:
    close = a_month(stage)
    for person in (FIRST, SECOND):
        stage.till.act(close, person)
    month = stage.one("SELECT month FROM month_close")
    return lambda uow: closes.reopen_month(uow, month, "thiếu sao kê")


def a_receipt(stage: Stage) -> Command:
    registry = Registry(stage.hub)
    registry.ticks()
    dossier = stage.cashier.dossier()
    stage.cashier.pays(dossier, DUE, confirmed=True)
    registry.ticks()
    receipt = registry.receipts()[0].id
    return lambda uow: issuing.void(uow, receipt, "sai tên phí")


TWICE: Final[Mapping[str, tuple[Callable[[Stage], Command], set[str]]]] = {
    "a file is let out of quarantine": (a_held_file, {"statement_file"}),
    "a match of class C is confirmed": (a_proposed_match, {"match_group"}),
    "a match is revoked": (a_confirmed_match, set()),
    "a case is settled": (a_case, {"fee_exception"}),
    "a day is closed": (a_day, {"close_proposal", "day_close"}),
    "a day is opened again": (a_closed_day, {"close_proposal", "day_close"}),
    "a month is closed": (a_month, {"close_proposal", "month_close"}),
    "a month is opened again": (a_closed_month, {"close_proposal", "month_close"}),
    "a receipt is void": (a_receipt, {"receipt"}),
}
"""What takes two → how it comes about and is said, and the tables that refuse it of one. Orders: see below."""


@pytest.fixture
def stage(till: AccountTill, cashier: Cashier) -> Stage:
    return Stage(till, cashier)


def refused(till: AccountTill, command: Command, actor: str) -> bool:
    """Whether the hub will not take it from that person; a close waits then."""
    try:
        closing = till.act(command, actor)
    except (Forbidden, InvalidState):
        return True
    return isinstance(closing, Closing) and closing.step is CloseStep.WAITING


@pytest.mark.parametrize("what", TWICE)
def test_two_persons_who_may_and_no_one_else(stage: Stage, what: str) -> None:
    prepare, _ = TWICE[what]
    command = prepare(stage)
    named(stage.hub)

    assert refused(stage.till, command, STRANGER)
    assert refused(stage.till, command, CHECKER), "who may only agree has proposed it"
    assert not refused(stage.till, command, CHIEF)
    assert refused(stage.till, command, CHIEF), "the same person has agreed"
    assert refused(stage.till, command, MAKER), "who may only propose has agreed"
    assert refused(stage.till, command, STRANGER)
    assert not refused(stage.till, command, CHECKER)


def test_an_order_is_asked_for_by_one_who_may_and_approved_by_another(stage: Stage) -> None:
    demand = stage.demand()
    stage.till.books(StatementMovement(DUE, demand["reference"]))
    named(stage.hub)

    def ask(uow: UnitOfWork) -> Any:
        return refunds.request(uow, demand["id"], PAYEE, "rút hồ sơ")

    assert refused(stage.till, ask, CHECKER)
    order = stage.till.act(ask, CHIEF)

    def approve(uow: UnitOfWork) -> Any:
        return orders.approve(uow, order.id, "đủ giấy tờ")

    assert [refused(stage.till, approve, actor) for actor in (STRANGER, CHIEF, OTHER_MAKER)] == [True] * 3
    assert not refused(stage.till, approve, CHECKER)


def test_whatever_the_database_refuses_of_one_person_is_tried_here(stage: Stage) -> None:
    rows = stage.hub.rows(
        "SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint WHERE contype = 'c'"
        " AND pg_get_constraintdef(oid) ~ 'maker.* <> .*(by|checker|maker)|(by|checker) <> .*maker'"
    )
    assert {row["name"] for row in rows} == set().union(*(tables for _, tables in TWICE.values())) | {"payment_order"}


def test_what_was_allowed_on_its_day_is_taken_again_whoever_may_today(stage: Stage) -> None:
    demand = stage.demand()
    stage.till.books(
        StatementMovement(DUE, demand["reference"], ref="FT1"), StatementMovement(DUE, "nop tien", ref="FT2")
    )
    case = stage.one("SELECT id FROM fee_exception WHERE code = 'R01'")
    for person in (FIRST, SECOND):
        stage.till.act(lambda uow: cases.resolve(uow, case, "not_fee", {"kind": "other"}, "lãi"), person)
    approved(stage.till, asked(stage.till, demand["id"]))
    named(stage.hub)

    result = dispatch.run_command(stage.hub, "hub", lambda uow: (replaying.replayed(uow), []))

    assert [f"{one.what} {one.how}" for one in result.offenders] == []
