"""Notifications that come after the statement has shown their money: one payment, whichever was first."""

import time
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from hub import dispatch
from hub.db import one
from hub.fees.demands import demand_commands
from hub.fees.reconciliation.matching.run import run
from hub.unit_of_work import UnitOfWork
from schemas.payment import NotificationKind
from tests.bank_files import StatementMovement
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red, status
from tests.integration.fees.telling import ACCOUNT, OTHER_ACCOUNT, NotifyingProvider
from tests.integration.fees.test_replay import replayed


def test_what_the_statement_has_shown_is_not_paid_twice(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, f"HO SO {reference}", ref="FT1"))
    notices = cashier.notices(dossier)
    provider.tells(f"HO SO {reference}")

    assert provider.hub.count("payment") == 1
    assert (status(cashier, dossier), till.cases()) == ("paid", [])
    assert till.book() == {"111": DUE, "331": -DUE}
    assert cashier.notices(dossier) == notices, "its payer heard of it once"
    for _ in range(4):
        till.books()
    assert till.cases() == [], "nobody waits for a second line"
    assert provider.hub.rows("SELECT 1 AS x FROM fee_exception WHERE code = 'N02' AND state <> 'resolved'") == []
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


def test_a_day_comes_to_the_same_with_its_notifications_late(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    """Some name the demand in other words, some have the bank's number, one stands in the line with none."""
    others = [cashier.demand(cashier.dossier()) for _ in range(3)]
    named = [reference, *(str(one["reference"]) for one in others)]
    day = till.books(
        *(StatementMovement(DUE, f"NOP PHI {name}", ref=f"FT{at}") for at, name in enumerate(named[:3])),
        StatementMovement(DUE, named[3]),
    )
    before = till.digest(day)

    provider.tells(named[0])
    provider.tells("nop", reference=named[1], provider="casso-t")
    provider.tells(named[2], bank_ref="FT2")
    provider.tells(named[3], bank_ref="FT9")
    till.matches(day)

    assert till.digest(day) == before
    assert (till.hub.count("payment"), till.cases()) == (4, [])
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"amount": DUE - 1}, id="another amount"),
        pytest.param({"account": OTHER_ACCOUNT}, id="another account"),
        pytest.param({"bank_ref": "FT2"}, id="another number of the bank"),
    ],
)
def test_what_differs_is_other_money(
    till: AccountTill,
    cashier: Cashier,
    provider: NotifyingProvider,
    dossier: str,
    reference: str,
    changes: dict[str, Any],
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    provider.tells(reference, **changes)

    assert provider.hub.count("late_notification") == 0
    assert till.cases() in (["R03"], ["R09"])
    assert status(cashier, dossier) == "paid"
    assert red(till.hub) == []


def test_a_second_notification_of_one_line_is_a_second_payment(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference))
    provider.tells(reference)
    provider.tells(reference)
    assert (till.hub.count("payment"), till.cases()) == (2, ["R03"])

    till.books(StatementMovement(DUE, reference))
    assert (till.cases(), status(cashier, dossier)) == (["R03"], "paid")
    assert till.book() == {"111": 2 * DUE, "331": -DUE, "339": -DUE}
    assert red(till.hub) == []
    assert replayed(till.hub).offenders == []


def test_of_several_alike_each_is_told_of_once(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"), StatementMovement(DUE, reference, ref="FT2"))
    provider.tells(reference)
    provider.tells(reference)
    assert (till.hub.count("payment"), till.cases()) == (2, ["R03"])

    provider.tells(reference)
    assert (till.hub.count("payment"), till.cases()) == (3, ["R03", "R03"])
    assert till.hub.count("late_notification") == 2
    assert red(till.hub) == []


def test_money_that_waits_in_a_case_is_told_late_all_the_same(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    """It came after the demand's end, and is on 338: what its provider says does not double it."""
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE fee_demand SET expires_at = now() - interval '1 minute'")
    cashier.act(lambda uow: demand_commands.expire(uow, cashier.demand(dossier)["id"]))
    till.books(StatementMovement(DUE, reference))
    provider.tells(reference)

    assert (till.cases(), status(cashier, dossier)) == (["R06"], "expired")
    assert till.book() == {"111": DUE, "338": -DUE}
    assert red(till.hub) == []


@pytest.mark.parametrize(
    ("kind", "code"),
    [(NotificationKind.REVERSAL, "V01"), (NotificationKind.REFUND, "V01"), (NotificationKind.FAILED, "N03")],
)
def test_what_is_said_of_it_later_finds_it(
    till: AccountTill,
    cashier: Cashier,
    provider: NotifyingProvider,
    dossier: str,
    reference: str,
    kind: NotificationKind,
    code: str,
) -> None:
    till.books(StatementMovement(DUE, reference))
    txn = provider.tells(reference)
    if kind is NotificationKind.FAILED:
        provider.tells(reference, kind=kind, provider_txn=txn)
    else:
        provider.tells(kind=kind, original=txn)

    [payment] = till.hub.rows("SELECT id FROM payment")
    assert [case[:3] for case in provider.cases() if case[0] != "N02"] == [(code, "payment", payment["id"])]
    assert red(till.hub) == []


def test_that_it_was_told_late_is_never_changed(till: AccountTill, provider: NotifyingProvider, reference: str) -> None:
    till.books(StatementMovement(DUE, reference))
    provider.tells(reference)
    with till.hub.db.connection() as conn, pytest.raises(Exception, match="append-only"):
        conn.execute("DELETE FROM late_notification")


def test_a_notification_that_comes_while_its_day_is_matched_waits_for_it(
    till: AccountTill, cashier: Cashier, provider: NotifyingProvider, dossier: str, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference), carry=False)
    has_run = Event()

    def matched(uow: UnitOfWork) -> tuple[None, list[Any]]:
        events = run(uow, ACCOUNT, day).events
        has_run.set()
        waiting = "SELECT count(*) AS n FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
        for _ in range(500):
            if one(uow.conn, waiting, ())["n"]:
                break
            time.sleep(0.02)
        else:
            raise AssertionError("the notification did not wait")
        return None, list(events)

    with ThreadPoolExecutor(1) as clerk:
        matching = clerk.submit(dispatch.run_command, till.hub, "ke-toan-a", matched)
        assert has_run.wait(30)
        provider.tells(reference)
        matching.result(30)
    till.hub.carry()

    assert (provider.hub.count("payment"), provider.hub.count("late_notification")) == (1, 1)
    assert (status(cashier, dossier), till.cases()) == ("paid", [])
    assert red(till.hub) == []
