"""Locks: what another transaction has is waited for, and a deadlock or a time-out is tried anew at once."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from hub import db, delivery, dispatch, flow
from hub.codes import HubCode
from hub.db import Database
from hub.events import Event
from hub.unit_of_work import UnitOfWork
from tests.builders import a_receipt, submission_arrival
from tests.integration.transfers import attempts_of, put_one, state_of
from tests.scripted_hub import ScriptedHub

A, B = "department.rest-a", "department.rest-b"


def crossing(hub: ScriptedHub) -> Callable[[str], tuple[int, list[Event]]]:
    """Locks two rows in the caller's order; the first two callers meet in between, so that one of them must lose."""
    both_hold_one = threading.Barrier(2)
    tries: dict[str, int] = {}

    def lock(conn: Any, code: str) -> None:
        conn.execute("SELECT code FROM counterparty WHERE code = %s FOR UPDATE", (code,))

    def run(first: str) -> tuple[int, list[Event]]:
        def lock_both(uow: UnitOfWork) -> tuple[int, list[Event]]:
            tries[first] = tries.get(first, 0) + 1
            lock(uow.conn, first)
            if tries[first] == 1:
                both_hold_one.wait(30)
            lock(uow.conn, B if first == A else A)
            return tries[first], []

        return dispatch.run_command(hub, "hub", lock_both), []

    return run


def test_a_deadlock_costs_one_of_the_two_another_try(hub: ScriptedHub) -> None:
    cross = crossing(hub)
    with ThreadPoolExecutor(2) as pool:
        tries = [done for done, _ in pool.map(cross, (A, B))]
    assert sorted(tries) == [1, 2]


def test_a_message_in_a_deadlock_is_handled_at_once_in_the_same_claim(
    hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    messages = [hub.accept(submission_arrival()).id for _ in range(2)]
    order = dict(zip(messages, (A, B), strict=True))
    both_hold_one = threading.Barrier(2)
    losers: list[str] = []
    real = dict(flow.INBOUND)

    def handler(uow: UnitOfWork, message: Any) -> list[Event]:
        first = order[message.id]
        uow.conn.execute("SELECT code FROM counterparty WHERE code = %s FOR UPDATE", (first,))
        if not losers:
            both_hold_one.wait(30)
        try:
            uow.conn.execute("SELECT code FROM counterparty WHERE code = %s FOR UPDATE", (B if first == A else A,))
        except psycopg.errors.DeadlockDetected:
            losers.append(message.id)
            raise
        return list(real[message.kind](uow, message))

    monkeypatch.setattr(flow, "INBOUND", dict.fromkeys(real, handler))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: dispatch.handle(hub, one), messages))
    assert len(losers) == 1
    assert hub.rows("SELECT DISTINCT state, attempts FROM inbox") == [{"state": "handled", "attempts": 1}]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits for a lock for longer than a moment."""
    monkeypatch.setattr(db, "LOCK_TIMEOUT", "50ms")


@pytest.fixture
def impatient_hub(hasty: None, hub: ScriptedHub) -> ScriptedHub:
    hub.db = Database(str(hub.settings.database_url), size=4)
    hub.db.open()
    return hub


def test_what_stays_locked_is_postponed_with_the_reason_and_not_left_to_its_lease(impatient_hub: ScriptedHub) -> None:
    message = impatient_hub.accept(submission_arrival())
    with psycopg.connect(str(impatient_hub.settings.database_url)) as other:
        other.execute("LOCK TABLE dossier IN ACCESS EXCLUSIVE MODE")
        dispatch.handle(impatient_hub, message.id)
    [row] = impatient_hub.rows("SELECT state, error_code, due_at < now() + interval '1 second' AS soon FROM inbox")
    assert row == {"state": "waiting", "error_code": HubCode.DATABASE_BUSY, "soon": True}


def test_an_answer_is_written_down_as_soon_as_the_lock_is_free_and_nothing_is_sent_again(
    impatient_hub: ScriptedHub,
) -> None:
    transfer = put_one(impatient_hub)
    other = psycopg.connect(str(impatient_hub.settings.database_url))
    locked = threading.Event()

    def free() -> None:
        locked.wait(30)
        other.execute("SELECT pg_sleep(0.2)")
        other.close()

    def answer(*_: Any) -> Any:
        other.execute("SELECT 1 FROM handoff FOR UPDATE")
        locked.set()
        return a_receipt()

    impatient_hub.department("rest-a").answers.append(answer)
    with ThreadPoolExecutor(1) as pool:
        freed = pool.submit(free)
        delivery.deliver(impatient_hub, transfer)
        freed.result()
    assert state_of(impatient_hub, transfer) == "delivered"
    assert len(attempts_of(impatient_hub, transfer)) == 1


def test_a_value_beyond_the_limits_of_the_database_is_a_fault_and_no_lost_database(
    hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PostgreSQL's class 54, here an index entry that is too large: waiting for it would never end."""

    def insert(uow: UnitOfWork, _: Any) -> list[Event]:
        uow.conn.execute("CREATE TEMP TABLE wide (value text PRIMARY KEY)")
        uow.conn.execute("INSERT INTO wide SELECT string_agg(md5(n::text), '') FROM generate_series(1, 1000) AS n")
        return []

    message = hub.accept(submission_arrival()).id
    monkeypatch.setattr(flow, "INBOUND", {**flow.INBOUND, "portal.submission": insert})
    dispatch.handle(hub, message)
    [row] = hub.rows("SELECT state, error_code FROM inbox WHERE id = %s", message)
    assert row == {"state": "waiting", "error_code": HubCode.HANDLER_FAILED}
