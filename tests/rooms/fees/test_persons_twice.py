"""What takes two persons: the first may propose, the second may agree, and they are not the same."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

import pytest

from hub import dispatch
from hub.clock import last_of
from hub.errors import MayNot, NotNow
from hub.fees import orders
from hub.fees.cases import desk as cases
from hub.fees.closes import desk as closes
from hub.fees.closes.model import Closing, Step
from hub.fees.matching import desk as matches
from hub.fees.proof import replay
from hub.fees.receipts import voiding
from hub.fees.refunds import asking
from hub.fees.statements import deciding, importing
from hub.work import Work
from tests.bank_files import Move, Told, camt
from tests.house import ScriptedHouse
from tests.rooms.fees.closing import FIRST, SECOND, Accountants, today
from tests.rooms.fees.conftest import Cashier
from tests.rooms.fees.matching import DUE, Till
from tests.rooms.fees.paying import PAYEE, approved, asked
from tests.rooms.fees.persons import CHECKER, CHIEF, MAKER, OTHER_MAKER, STRANGER, named
from tests.rooms.fees.registry import Registry
from tests.rooms.fees.telling import ACCOUNT

Verb = Callable[[Work], Any]


@dataclass
class Stage:
    """Where something is made that two persons have to decide, before anybody is named."""

    till: Till
    cashier: Cashier

    @property
    def house(self) -> ScriptedHouse:
        return self.till.house

    def one(self, query: str) -> Any:
        """The only value of the only row."""
        [row] = self.house.rows(query)
        [value] = row.values()
        return value

    def demand(self) -> dict[str, Any]:
        return self.cashier.demand(self.cashier.dossier())


def a_held_file(stage: Stage) -> Verb:
    stage.till.books(Move(DUE, "nop tien"))
    assert stage.till.told is not None
    broken = camt(replace(stage.till.told.next(Move(1, "x")), opening=7))
    held = dispatch.act(stage.house, FIRST, lambda work: (importing.bring(work, stage.till.bank, "sao-ke", broken), []))
    return lambda work: deciding.decide(work, held.id, "approve", "đã hỏi ngân hàng")


def a_proposed_match(stage: Stage) -> Verb:
    reference = stage.demand()["reference"]
    stage.till.books(Move(DUE, reference[:6] + ("7" if reference[6] != "7" else "3") + reference[7:]))
    [proposal] = stage.till.proposals()
    return lambda work: matches.confirm(work, proposal["id"], "đúng người")


def a_confirmed_match(stage: Stage) -> Verb:
    stage.till.books(Move(DUE, stage.demand()["reference"]))
    found = stage.one("SELECT id FROM match_group WHERE state = 'confirmed' AND pass = 'P3'")
    return lambda work: matches.revoke(work, found, "nhầm hồ sơ")


def a_case(stage: Stage) -> Verb:
    demand = stage.demand()["id"]
    stage.till.books(Move(DUE, "nop tien"))
    case = stage.one("SELECT id FROM exception_case WHERE code = 'R01'")
    return lambda work: cases.resolve(work, case, "assign", {"demand": demand}, "theo hồ sơ")


def a_day(stage: Stage) -> Verb:
    day = stage.till.books(Move(DUE, stage.demand()["reference"]))
    Accountants(stage.till).proves()
    return lambda work: closes.close_day(work, ACCOUNT, day)


def a_closed_day(stage: Stage) -> Verb:
    day = stage.till.books(Move(DUE, stage.demand()["reference"]))
    Accountants(stage.till).closes(day)
    return lambda work: closes.reopen_day(work, ACCOUNT, day, "thiếu sao kê")


def a_month(stage: Stage) -> Verb:
    stage.till.always_open()
    month = (today().replace(day=1) - timedelta(days=1)).replace(day=1)
    stage.till.told = Told((), opening=0, day=last_of(month) - timedelta(days=1))
    days = [stage.till.books(Move(DUE, stage.demand()["reference"]))]
    stage.till.books()
    accountants = Accountants(stage.till)
    accountants.proves()
    accountants.closes(*days)
    return lambda work: closes.close_month(work, month)


def a_closed_month(stage: Stage) -> Verb:
    close = a_month(stage)
    for person in (FIRST, SECOND):
        stage.till.act(close, person)
    month = stage.one("SELECT month FROM month_close")
    return lambda work: closes.reopen_month(work, month, "thiếu sao kê")


def a_receipt(stage: Stage) -> Verb:
    registry = Registry(stage.house)
    registry.ticks()
    dossier = stage.cashier.dossier()
    stage.cashier.pays(dossier, DUE, confirmed=True)
    registry.ticks()
    receipt = registry.receipts()[0].id
    return lambda work: voiding.void(work, receipt, "sai tên phí")


TWICE: Final[Mapping[str, tuple[Callable[[Stage], Verb], set[str]]]] = {
    "a file is let out of quarantine": (a_held_file, {"statement_file"}),
    "a match of class C is confirmed": (a_proposed_match, {"match_group"}),
    "a match is revoked": (a_confirmed_match, set()),
    "a case is settled": (a_case, {"exception_case"}),
    "a day is closed": (a_day, {"close_proposal", "day_close"}),
    "a day is opened again": (a_closed_day, {"close_proposal", "day_close"}),
    "a month is closed": (a_month, {"close_proposal", "month_close"}),
    "a month is opened again": (a_closed_month, {"close_proposal", "month_close"}),
    "a receipt is void": (a_receipt, {"receipt"}),
}
"""What takes two → how it comes about and is said, and the tables that refuse it of one. Orders: see below."""


@pytest.fixture
def stage(till: Till, cashier: Cashier) -> Stage:
    return Stage(till, cashier)


def refused(till: Till, verb: Verb, actor: str) -> bool:
    """Whether the hub will not take it from that person; a close waits then."""
    try:
        made = till.act(verb, actor)
    except (MayNot, NotNow):
        return True
    return isinstance(made, Closing) and made.step is Step.WAITING


@pytest.mark.parametrize("what", TWICE)
def test_two_persons_who_may_and_no_one_else(stage: Stage, what: str) -> None:
    made, _ = TWICE[what]
    verb = made(stage)
    named(stage.house)

    assert refused(stage.till, verb, STRANGER)
    assert refused(stage.till, verb, CHECKER), "who may only agree has proposed it"
    assert not refused(stage.till, verb, CHIEF)
    assert refused(stage.till, verb, CHIEF), "the same person has agreed"
    assert refused(stage.till, verb, MAKER), "who may only propose has agreed"
    assert refused(stage.till, verb, STRANGER)
    assert not refused(stage.till, verb, CHECKER)


def test_an_order_is_asked_for_by_one_who_may_and_approved_by_another(stage: Stage) -> None:
    demand = stage.demand()
    stage.till.books(Move(DUE, demand["reference"]))
    named(stage.house)

    def ask(work: Work) -> Any:
        return asking.request(work, demand["id"], PAYEE, "rút hồ sơ")

    assert refused(stage.till, ask, CHECKER)
    order = stage.till.act(ask, CHIEF)

    def approve(work: Work) -> Any:
        return orders.approve(work, order.id, "đủ giấy tờ")

    assert [refused(stage.till, approve, actor) for actor in (STRANGER, CHIEF, OTHER_MAKER)] == [True] * 3
    assert not refused(stage.till, approve, CHECKER)


def test_whatever_the_database_refuses_of_one_person_is_tried_here(stage: Stage) -> None:
    rows = stage.house.rows(
        "SELECT DISTINCT conrelid::regclass::text AS name FROM pg_constraint WHERE contype = 'c'"
        " AND pg_get_constraintdef(oid) ~ 'maker.* <> .*(by|checker|maker)|(by|checker) <> .*maker'"
    )
    assert {row["name"] for row in rows} == set().union(*(tables for _, tables in TWICE.values())) | {"payment_order"}


def test_what_was_allowed_on_its_day_is_taken_again_whoever_may_today(stage: Stage) -> None:
    demand = stage.demand()
    stage.till.books(Move(DUE, demand["reference"], ref="FT1"), Move(DUE, "nop tien", ref="FT2"))
    case = stage.one("SELECT id FROM exception_case WHERE code = 'R01'")
    for person in (FIRST, SECOND):
        stage.till.act(lambda work: cases.resolve(work, case, "not_fee", {"kind": "other"}, "lãi"), person)
    approved(stage.till, asked(stage.till, demand["id"]))
    named(stage.house)

    result = dispatch.act(stage.house, "hub", lambda work: (replay.replayed(work), []))

    assert [f"{one.what} {one.how}" for one in result.offenders] == []
