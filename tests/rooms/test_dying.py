"""A message that kills its process: tried twice, then set aside for a person, and what ran beside it is cleared."""

import os
import signal
from collections.abc import Callable
from dataclasses import replace
from multiprocessing import get_context
from multiprocessing.context import ForkProcess
from typing import Any

import pytest

from config.catalogue import Catalogue
from config.settings import Settings
from hub import dispatch, operations, routing
from hub.codes import Code
from hub.events import Event
from hub.messages import claim, inbox
from hub.messages.model import MOST_DEATHS, Message, Nudge, State
from hub.work import Work
from tests.builders import a_receipt, submission_arrival
from tests.house import ScriptedHouse
from tests.rooms.transfers import attempts_of, put_one, state_of

Apart = Callable[[Callable[[ScriptedHouse], None]], ForkProcess]
Dying = Callable[[Callable[[ScriptedHouse], None]], None]
FORK = get_context("fork")


@pytest.fixture
def apart(settings: Settings, catalogue: Catalogue) -> Apart:
    """Does it in a process of its own, with a house of its own."""

    def run(what: Callable[[ScriptedHouse], None]) -> ForkProcess:
        def process() -> None:
            with ScriptedHouse(settings, catalogue) as own:
                what(own)

        child = FORK.Process(target=process)
        child.start()
        return child

    return run


@pytest.fixture
def dies(apart: Apart) -> Dying:
    """Does it in a process of its own, which has to be killed by what it does."""

    def run(what: Callable[[ScriptedHouse], None]) -> None:
        child = apart(what)
        child.join(60)
        assert child.exitcode == -signal.SIGKILL

    return run


def die(*_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def handle_and_die(message_id: str) -> Callable[[ScriptedHouse], None]:
    def what(own: ScriptedHouse) -> None:
        routing.INBOUND = dict.fromkeys(routing.INBOUND, die)  # type: ignore[misc] # in the child only
        dispatch.handle(own, message_id)

    return what


def deliver_and_die(transfer_id: str) -> Callable[[ScriptedHouse], None]:
    def what(own: ScriptedHouse) -> None:
        own.department("rest-a").answers.append(die)
        own.department("rest-a").findings.append(die)
        dispatch.deliver(own, transfer_id)

    return what


def deaths_are_known(house: ScriptedHouse) -> None:
    """PostgreSQL has noticed that the processes are gone that had messages in hand."""
    with house.db.transaction() as conn:
        conn.execute("SET LOCAL lock_timeout = '60s'")
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM inbox")


def leases_are_over(house: ScriptedHouse) -> None:
    with house.db.connection() as conn:
        conn.execute("UPDATE inbox SET due_at = now() WHERE open_claims > 0")
        conn.execute("UPDATE outbox SET due_at = now() WHERE state = 'sending'")


def inbox_of(house: ScriptedHouse, message_id: str) -> dict[str, Any]:
    [row] = house.rows("SELECT state, error_code FROM inbox WHERE id = %s", message_id)
    return row


def test_what_has_killed_two_processes_is_dead_and_its_lane_goes_on(house: ScriptedHouse, dies: Dying) -> None:
    killer, behind = (house.accept(replace(submission_arrival(), lane="one")) for _ in range(2))
    for _ in range(2):
        dies(handle_and_die(killer.id))
        deaths_are_known(house)
        leases_are_over(house)
        assert inbox_of(house, killer.id)["state"] == "received"
    house.waiting.clear()
    dispatch.handle(house, killer.id)
    assert inbox_of(house, killer.id) == {"state": "dead", "error_code": Code.PROCESS_DIED}
    assert Nudge(inbox.QUEUE, behind.id) in house.waiting
    house.carry()
    assert inbox_of(house, behind.id)["state"] == "handled"

    operations.revive(house, killer.id, actor="op", reason="đã sửa")
    dispatch.handle(house, killer.id)
    assert inbox_of(house, killer.id)["state"] == "handled"


def test_one_death_is_forgiven(house: ScriptedHouse, dies: Dying) -> None:
    message = house.accept(submission_arrival())
    dies(handle_and_die(message.id))
    deaths_are_known(house)
    leases_are_over(house)
    dispatch.handle(house, message.id)
    assert inbox_of(house, message.id)["state"] == "handled"
    assert house.rows("SELECT open_claims FROM inbox") == [{"open_claims": 0}]


def test_whoever_handles_a_message_for_longer_than_his_lease_has_it_to_the_end(
    house: ScriptedHouse, apart: Apart
) -> None:
    message = house.accept(submission_arrival())
    begun, enough, real = FORK.Event(), FORK.Event(), dict(routing.INBOUND)

    def slowly(work: Work, message: Message) -> list[Event]:
        begun.set()
        assert enough.wait(60)
        return real[message.kind](work, message)

    def what(own: ScriptedHouse) -> None:
        routing.INBOUND = dict.fromkeys(real, slowly)  # type: ignore[misc] # in the child only
        dispatch.handle(own, message.id)

    child = apart(what)
    assert begun.wait(60)
    for _ in range(MOST_DEATHS + 1):
        leases_are_over(house)
        dispatch.handle(house, message.id)
        held = house.rows("SELECT state, attempts, open_claims, due_at > now() AS leased FROM inbox")
        assert held == [{"state": "received", "attempts": 1, "open_claims": 1, "leased": True}]
    enough.set()
    child.join(60)
    assert child.exitcode == 0
    assert house.rows("SELECT state, attempts, open_claims FROM inbox") == [
        {"state": "handled", "attempts": 1, "open_claims": 0}
    ]
    assert len(house.rows("SELECT id FROM dossier")) == 1


def test_a_worker_that_sends_for_longer_than_its_lease_has_not_died(house: ScriptedHouse) -> None:
    transfer = put_one(house)

    def overtaken(*_: Any) -> Any:
        leases_are_over(house)
        with house.db.transaction() as conn:
            limits = house.limits("department.rest-a")
            successor = claim.claim(conn, transfer, claim.approach(conn, transfer), limits)
        assert successor is not None
        assert successor.deaths == 1
        return a_receipt()

    house.department("rest-a").answers.append(overtaken)
    dispatch.deliver(house, transfer)
    leases_are_over(house)
    house.department("rest-a").findings.append(a_receipt())
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.DELIVERED


def test_what_was_sent_to_the_death_of_two_processes_is_stuck_and_sent_no_more(
    house: ScriptedHouse, dies: Dying
) -> None:
    transfer = put_one(house)
    for _ in range(2):
        dies(deliver_and_die(transfer))
        leases_are_over(house)
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.STUCK
    assert house.department("rest-a").submitted == []
    assert house.department("rest-a").asked == []
    assert len(attempts_of(house, transfer)) == 3
    [row] = house.rows("SELECT error_code FROM outbox WHERE id = %s", transfer)
    assert row["error_code"] == Code.PROCESS_DIED

    house.department("rest-a").findings.append(a_receipt())
    operations.replay(house, transfer, actor="op", reason="đã sửa")
    house.carry()
    assert state_of(house, transfer) == State.DELIVERED  # asked first: it may have arrived


def test_two_suspects_never_run_together_so_that_the_innocent_is_cleared(house: ScriptedHouse, dies: Dying) -> None:
    """One process had all three of them when it died; nobody knows of which."""
    transfer = put_one(house)
    messages = [house.accept(submission_arrival()).id for _ in range(2)]

    def at_once(own: ScriptedHouse) -> None:
        with own.db.connection() as conn:
            assert inbox.claim(conn, messages[0], lease=60) is not None
            assert inbox.claim(conn, messages[1], lease=60) is not None
        deliver_and_die(transfer)(own)

    dies(at_once)
    leases_are_over(house)
    with house.db.connection() as conn:
        suspect = inbox.claim(conn, messages[0], lease=60)
        assert suspect is not None
        assert suspect.deaths == 1
        assert inbox.claim(conn, messages[1], lease=60) is None
    dispatch.deliver(house, transfer)
    assert house.department("rest-a").asked == []
    with house.db.connection() as conn:
        inbox.settle(conn, suspect)
    house.department("rest-a").findings.append(a_receipt())
    house.sweep()
    house.carry()
    assert inbox_of(house, messages[1])["state"] == "handled"
    assert state_of(house, transfer) == State.DELIVERED


def test_a_claim_that_the_database_interrupts_is_no_death(
    house: ScriptedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = house.accept(submission_arrival())

    def cut_off(work: Any, _: Message) -> Any:
        house.rows("SELECT pg_terminate_backend(%s)", work.conn.info.backend_pid)
        work.conn.execute("SELECT 1")

    monkeypatch.setattr(routing, "INBOUND", dict.fromkeys(routing.INBOUND, cut_off))
    for _ in range(3):
        with pytest.raises(Exception, match="terminat"):
            dispatch.handle(house, message.id)
        house.make_due(message.id)
    monkeypatch.undo()
    dispatch.handle(house, message.id)
    assert inbox_of(house, message.id)["state"] == "handled"
