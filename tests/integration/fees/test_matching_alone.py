"""A run on its own: again, dry, killed, beside another, with other rules, for a closed day, at the edge of a year."""

import threading
from datetime import date, timedelta
from typing import Final

import psycopg
import pytest

from hub import dispatch
from hub.clock import local, now
from hub.fees.reconciliation.matching.passes import RULES
from hub.fees.reconciliation.matching.run import AccountBusy
from hub.fees.reconciliation.statements import importing
from tests.bank_files import StatementDraft, StatementMovement, camt
from tests.integration.fees.booking import CLOSE
from tests.integration.fees.conftest import Cashier
from tests.integration.fees.matching import DUE, AccountTill, red
from tests.integration.fees.telling import ACCOUNT
from tests.scripted_hub import ScriptedHub

_LEDGER: Final = 7_310_002
_MATCHING: Final = 7_310_010


@pytest.fixture
def till(hub: ScriptedHub) -> AccountTill:
    return AccountTill(hub)


def test_a_run_again_changes_nothing(till: AccountTill, dossier: str, reference: str) -> None:
    day = till.books(
        StatementMovement(DUE, reference), StatementMovement(DUE, reference), StatementMovement(DUE, "KHONG RO")
    )
    before = (till.lines(), till.cases(), till.book(), till.digest(day))

    again = till.matches(day)

    assert (till.lines(), till.cases(), till.book(), till.digest(day)) == before
    assert again.digest.hex() == before[3]
    assert {row["state"] for row in till.hub.rows("SELECT state FROM recon_run")} == {"completed"}


def test_a_run_that_is_killed_leaves_nothing_and_again_comes_to_the_same(  # O1
    till: AccountTill, database_url: str, dossier: str, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference), StatementMovement(DUE, "KHONG RO"), carry=False)
    expected = till.matches(day, dry=True).digest
    failed: list[BaseException] = []

    def run() -> None:
        try:
            till.matches(day)
        except psycopg.OperationalError as error:
            failed.append(error)

    with psycopg.connect(database_url, autocommit=True) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s)", (_LEDGER,))
        worker = threading.Thread(target=run)
        worker.start()
        killed = False
        while not killed and worker.is_alive():
            killed = bool(
                other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND objid = %s"
                    " AND NOT granted",
                    (_LEDGER,),
                ).fetchall()
            )
        worker.join()

    assert failed
    assert [till.hub.count(table) for table in ("recon_run", "match_group", "payment", "ledger_entry")] == [
        0,
        0,
        0,
        0,
    ]
    assert {row["state"] for row in till.lines()} == {"new"}
    assert till.matches(day).digest == expected
    assert red(till.hub) == []


def test_a_dry_run_does_nothing(till: AccountTill, dossier: str, reference: str) -> None:
    day = till.books(StatementMovement(DUE, reference), carry=False)

    result = till.matches(day, dry=True)

    assert (result.lines, result.counters["P3"]) == (1, 1)
    assert [till.hub.count(table) for table in ("recon_run", "match_group", "payment", "ledger_entry")] == [
        0,
        0,
        0,
        0,
    ]
    assert till.matches(day).digest == result.digest


def test_of_two_workers_on_one_account_one_leaves_and_its_message_comes_again(  # O2
    till: AccountTill, cashier: Cashier, database_url: str, dossier: str, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference), carry=False)

    with psycopg.connect(database_url, autocommit=True) as other, other.transaction():
        other.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", (_MATCHING, ACCOUNT))
        with pytest.raises(AccountBusy):
            till.matches(day)
        till.hub.carry()
        [message] = till.hub.rows("SELECT id, state, error_code FROM inbox WHERE kind = 'fees.match'")
        assert (message["state"], message["error_code"]) == ("waiting", "MATCHING_BUSY")

    till.hub.make_due(message["id"])
    till.hub.sweep()
    till.hub.carry()
    assert cashier.demand(dossier)["status"] == "paid"


def test_other_rules_leave_what_is_confirmed_and_propose_anew(  # O3
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    other = str(cashier.demand(cashier.dossier())["reference"])
    day = till.books(StatementMovement(DUE, reference), StatementMovement(DUE - 1, other[2:]))
    with till.hub.db.connection() as conn:
        conn.execute("UPDATE match_group SET rule_version = 0")
    [before] = till.proposals()

    till.matches(day)

    [after] = till.proposals()
    rows = till.hub.rows("SELECT pass, state, rule_version FROM match_group ORDER BY id")
    confirmed = {(row["pass"], row["rule_version"]) for row in rows if row["state"] == "confirmed"}
    assert confirmed == {("P3", 0), ("P0", 0)}
    assert [row["rule_version"] for row in rows if row["state"] == "proposed"] == [RULES]
    assert (after["id"] != before["id"], after["demand_id"]) == (True, before["demand_id"])


def test_what_is_found_for_a_closed_day_is_booked_today(  # O5
    till: AccountTill, dossier: str, reference: str
) -> None:
    day = till.books(StatementMovement(DUE, reference), carry=False)
    with till.hub.db.connection() as conn:
        conn.execute(CLOSE, (ACCOUNT, day))

    till.hub.carry()

    [entry] = till.hub.rows("SELECT business_date, original_date, kind FROM ledger_entry")
    assert entry == {"business_date": local(now()).date(), "original_date": day, "kind": "identified"}
    assert red(till.hub) == []


def test_two_demands_never_have_one_reference(till: AccountTill, cashier: Cashier, dossier: str) -> None:  # D1
    other = cashier.demand(cashier.dossier())

    with pytest.raises(psycopg.errors.UniqueViolation), till.hub.db.transaction() as conn:
        conn.execute(
            "UPDATE fee_demand SET reference = %s WHERE id = %s",
            (cashier.demand(dossier)["reference"], other["id"]),
        )


def test_the_refund_of_what_was_paid_twice_leaves_the_demand_paid(  # D6, D7: the money is on 339, once
    till: AccountTill, cashier: Cashier, dossier: str, reference: str
) -> None:
    till.books(StatementMovement(DUE, reference, ref="FT1"))
    till.books(StatementMovement(DUE, reference, ref="FT2"))

    rows = till.hub.rows("SELECT item, sum(cr - dr)::bigint AS owed FROM ledger_line WHERE account = '339' GROUP BY 1")
    assert [row["owed"] for row in rows] == [DUE]
    assert cashier.demand(dossier)["status"] == "paid"


@pytest.mark.parametrize("day", ["2026-02-28", "2024-02-29", "2025-12-31", "2026-01-01"])
def test_the_edges_of_months_and_years_are_days_like_others(  # O4
    till: AccountTill, cashier: Cashier, dossier: str, reference: str, day: str
) -> None:
    till.always_open()
    till.statement = StatementDraft([], day=date.fromisoformat(day) - timedelta(days=1))
    body = camt(till.statement)
    dispatch.run_command(till.hub, "ke-toan-a", lambda uow: (importing.bring(uow, till.bank, "0", body), []))

    booked = till.books(StatementMovement(DUE, reference))

    assert booked.isoformat() == day
    assert cashier.demand(dossier)["status"] == "paid"
    [payment] = till.hub.rows("SELECT business_date, paid_at AT TIME ZONE 'Asia/Ho_Chi_Minh' AS at FROM payment")
    assert payment["business_date"] == payment["at"].date() == booked
