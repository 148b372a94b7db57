"""Every command about money asks who it is before it looks at anything."""

import ast
import importlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from hub import dispatch
from hub.errors import Forbidden, HubError, InvalidState, NotFound
from hub.fees import clerks
from hub.fees.closing import commands as closes
from hub.fees.demands import demand_commands
from hub.fees.payouts import chargebacks, orders, refunds
from hub.fees.receipts import issuing, store
from hub.fees.reconciliation.matching import commands as matches
from hub.fees.reconciliation.matching import gateway_payouts, virtual
from hub.fees.reconciliation.statements import importing
from hub.fees.replay import replaying
from hub.fees.resolutions import allocating
from hub.fees.resolutions import commands as cases
from hub.fees.settlements import answers, remitting
from hub.unit_of_work import UnitOfWork
from tests.integration.fees.paying import PAYEE
from tests.integration.fees.persons import CHECKER, CHIEF, MAKER, STRANGER, named
from tests.integration.fees.settling import answer_to
from tests.integration.fees.telling import ACCOUNT
from tests.scripted_hub import ScriptedHub

ROOT: Final = Path(__file__).parents[3]
NONE: Final = "none"
"""the id of nothing"""
DAY: Final = date(2026, 11, 2)

ASKING: Final[Mapping[Callable[..., object], tuple[Any, ...]]] = {
    cases.assign: (NONE, "ai-do"),
    cases.carry: (NONE, "vì"),
    cases.withdraw: (NONE, "vì"),
    cases.reopen: (NONE, "vì"),
    cases.resolve: (NONE, "assign", {}, "vì"),
    chargebacks.notice: (NONE, "TS0001", DAY, "vì"),
    chargebacks.answered: (NONE, "vì"),
    chargebacks.won: (NONE, "vì"),
    chargebacks.lost: (NONE, "vì"),
    closes.close_day: (ACCOUNT, DAY),
    closes.close_month: (DAY.replace(day=1),),
    closes.reopen_day: (ACCOUNT, DAY, "vì"),
    closes.reopen_month: (DAY.replace(day=1), "vì"),
    matches.confirm: (0, "vì"),
    matches.reject: (0, "vì"),
    matches.revoke: (0, "vì"),
    orders.approve: (NONE, "vì"),
    orders.cancel: (NONE, "vì"),
    orders.fail: (NONE, "vì"),
    orders.send: (NONE,),
    refunds.request: (NONE, PAYEE, "vì"),
    refunds.again: (NONE, PAYEE, "vì"),
    issuing.void: (NONE, "vì"),
    importing.decide: (NONE, "approve", "vì"),
    importing.reread: (NONE,),
    answers.send: (NONE,),
    remitting.remit: (NONE, "vì"),
}
"""Command → what it is called with: nothing that exists. An answer from a file is tried below."""
FREE: Final[Mapping[Callable[..., object], str]] = {
    allocating.report: "opens a case; how it is settled is decided there",
    demand_commands.renew: "of the counter: what is demanded, before there is money",
    demand_commands.waive: "of the counter: what is demanded, by a provision",
    gateway_payouts.bring: "brings evidence",
    importing.bring: "brings evidence; whether it counts is decided by gates, or by decide",
    importing.try_out: "nothing of it stays",
    virtual.bring: "brings evidence",
    store.keep: "nobody decides what the catalogue says",
    issuing.issue: "nobody decides it: what is paid has a receipt",
    answers.handed: "the papers of a month whose money has gone",
    replaying.replayed: "nothing of it stays",
    closes.accounts_of: "reads",
}
"""Commands that the command line calls and that ask nobody → why"""


def called(path: Path) -> set[Callable[..., object]]:
    """The commands of the packages that a file of the command line calls."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = [
        (alias.asname or alias.name, f"{node.module}.{alias.name}")
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("hub.fees")
        for alias in node.names
    ]
    calls = {
        (node.func.value.id, node.func.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name)
        if node.args and isinstance(node.args[0], ast.Name) and node.args[0].id == "uow"
    }
    names = [(command, module) for local_name, command in calls for name, module in imported if name == local_name]
    commands = (getattr(importlib.import_module(module), command, None) for command, module in names)
    return {command for command in commands if command is not None}


def done_by(hub: ScriptedHub, actor: str, command: Callable[[UnitOfWork], object]) -> object:
    return dispatch.run_command(hub, actor, lambda uow: (command(uow), []))


def test_every_command_about_money_asks_who_it_is_or_has_a_reason_not_to() -> None:
    used: set[Callable[..., object]] = set().union(*(called(path) for path in (ROOT / "hub" / "cli").glob("fee*.py")))
    assert used == ASKING.keys() | FREE.keys() | {answers.answer_with}


@pytest.mark.parametrize("command", ASKING, ids=lambda command: f"{command.__module__}.{command.__name__}")
def test_a_stranger_is_refused_before_anything_is_looked_at(hub: ScriptedHub, command: Callable[..., object]) -> None:
    named(hub)

    with pytest.raises(Forbidden, match=STRANGER):
        done_by(hub, STRANGER, lambda uow: command(uow, *ASKING[command]))

    with suppress(NotFound, InvalidState):  # for a clerk it is about something that is not there
        done_by(hub, CHIEF, lambda uow: command(uow, *ASKING[command]))


def test_the_answer_of_a_department_is_its_own_and_from_a_file_a_clerks(hub: ScriptedHub) -> None:
    named(hub)
    answer: Any = answer_to(_Nothing(), {})  # type: ignore[arg-type]
    with pytest.raises(Forbidden):
        done_by(hub, STRANGER, lambda uow: answers.answer_with(uow, answer, b"{}"))
    for actor, department in ((MAKER, None), ("department.rest-a", "rest-a")):
        with pytest.raises(HubError, match="sm_"):
            done_by(hub, actor, lambda uow, of=department: answers.answer_with(uow, answer, b"{}", of))  # type: ignore[misc]


class _Nothing:
    """A settlement that is not there."""

    id = "sm_01ARZ3NDEKTSV4RRFFQ69G5FAV"
    sha256 = b"\0" * 32


def test_what_one_person_settles_alone_any_clerk_may(hub: ScriptedHub) -> None:
    named(hub)
    for clerk in (MAKER, CHECKER, CHIEF):
        done_by(hub, clerk, clerks.check_clerk)


def test_where_nobody_is_named_everybody_may(hub: ScriptedHub) -> None:
    done_by(hub, STRANGER, clerks.check_proposes)
    done_by(hub, STRANGER, lambda uow: clerks.check_agrees(uow, MAKER))


def test_nobody_but_the_one_place_compares_who_it_is() -> None:
    twins = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in sorted((ROOT / "hub" / "fees").rglob("*.py"))
        if path.name != "persons.py"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare) and "work.actor" in ast.unparse(node)
    ]
    assert twins == []
