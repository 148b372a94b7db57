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
from hub import delivery, dispatch, flow, operations
from hub.codes import HubCode
from hub.events import Event
from hub.messages import inbox
from hub.messages.model import MAX_CRASHES, Message, TransferState, Wakeup
from hub.unit_of_work import UnitOfWork
from tests.builders import a_receipt, submission_arrival
from tests.integration.transfers import attempts_of, claimed, put_one, state_of
from tests.scripted_hub import ScriptedHub

Apart = Callable[[Callable[[ScriptedHub], None]], ForkProcess]
Dying = Callable[[Callable[[ScriptedHub], None]], None]
FORK = get_context("fork")


@pytest.fixture
def apart(settings: Settings, catalogue: Catalogue) -> Apart:
    """Does it in a process of its own, with a hub of its own."""

    def run(what: Callable[[ScriptedHub], None]) -> ForkProcess:
        def process() -> None:
            with ScriptedHub(settings, catalogue) as own:
                what(own)

        child = FORK.Process(target=process)
        child.start()
        return child

    return run


@pytest.fixture
def dies(apart: Apart) -> Dying:
    """Does it in a process of its own, which has to be killed by what it does."""

    def run(what: Callable[[ScriptedHub], None]) -> None:
        child = apart(what)
        child.join(60)
        assert child.exitcode == -signal.SIGKILL

    return run


def die(*_: Any) -> Any:
    os.kill(os.getpid(), signal.SIGKILL)


def handle_and_die(message_id: str) -> Callable[[ScriptedHub], None]:
    def what(own: ScriptedHub) -> None:
        flow.INBOUND = dict.fromkeys(flow.INBOUND, die)  # type: ignore[misc] # in the child only
        dispatch.handle(own, message_id)

    return what


def deliver_and_die(transfer_id: str) -> Callable[[ScriptedHub], None]:
    def what(own: ScriptedHub) -> None:
        own.department("rest-a").answers.append(die)
        own.department("rest-a").findings.append(die)
        delivery.deliver(own, transfer_id)

    return what


def deaths_are_known(hub: ScriptedHub) -> None:
    """PostgreSQL has noticed that the processes are gone that had messages in hand."""
    with hub.db.transaction() as conn:
        conn.execute("SET LOCAL lock_timeout = '60s'")
        conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(id, 0)) FROM inbox")


def leases_are_over(hub: ScriptedHub) -> None:
    with hub.db.connection() as conn:
        conn.execute("UPDATE inbox SET due_at = now() WHERE unsettled_claims > 0")
        conn.execute("UPDATE outbox SET due_at = now() WHERE state = 'sending'")


def inbox_of(hub: ScriptedHub, message_id: str) -> dict[str, Any]:
    [row] = hub.rows("SELECT state, error_code FROM inbox WHERE id = %s", message_id)
    return row


def test_a_message_that_crashed_two_processes_is_dead_and_its_ordering_key_goes_on(
    hub: ScriptedHub, dies: Dying
) -> None:
    killer, behind = (hub.accept(replace(submission_arrival(), ordering_key="one")) for _ in range(2))
    for _ in range(2):
        dies(handle_and_die(killer.id))
        deaths_are_known(hub)
        leases_are_over(hub)
        assert inbox_of(hub, killer.id)["state"] == "received"
    hub.waiting.clear()
    dispatch.handle(hub, killer.id)
    assert inbox_of(hub, killer.id) == {"state": "dead", "error_code": HubCode.PROCESS_DIED}
    assert Wakeup(inbox.QUEUE, behind.id) in hub.waiting
    hub.carry()
    assert inbox_of(hub, behind.id)["state"] == "handled"

    operations.requeue(hub, killer.id, actor="op", reason="đã sửa")
    dispatch.handle(hub, killer.id)
    assert inbox_of(hub, killer.id)["state"] == "handled"


def test_one_crash_is_retried(hub: ScriptedHub, dies: Dying) -> None:
    message = hub.accept(submission_arrival())
    dies(handle_and_die(message.id))
    deaths_are_known(hub)
    leases_are_over(hub)
    dispatch.handle(hub, message.id)
    assert inbox_of(hub, message.id)["state"] == "handled"
    assert hub.rows("SELECT unsettled_claims FROM inbox") == [{"unsettled_claims": 0}]


def test_a_handler_that_outlasts_its_lease_keeps_the_message_to_the_end(hub: ScriptedHub, apart: Apart) -> None:
    message = hub.accept(submission_arrival())
    begun, enough, real = FORK.Event(), FORK.Event(), dict(flow.INBOUND)

    def slowly(uow: UnitOfWork, message: Message) -> list[Event]:
        begun.set()
        assert enough.wait(60)
        return real[message.kind](uow, message)

    def what(own: ScriptedHub) -> None:
        flow.INBOUND = dict.fromkeys(real, slowly)  # type: ignore[misc] # in the child only
        dispatch.handle(own, message.id)

    child = apart(what)
    assert begun.wait(60)
    for _ in range(MAX_CRASHES + 1):
        leases_are_over(hub)
        dispatch.handle(hub, message.id)
        held = hub.rows("SELECT state, attempts, unsettled_claims, due_at > now() AS leased FROM inbox")
        assert held == [{"state": "received", "attempts": 1, "unsettled_claims": 1, "leased": True}]
    enough.set()
    child.join(60)
    assert child.exitcode == 0
    assert hub.rows("SELECT state, attempts, unsettled_claims FROM inbox") == [
        {"state": "handled", "attempts": 1, "unsettled_claims": 0}
    ]
    assert len(hub.rows("SELECT id FROM dossier")) == 1


def test_sending_for_longer_than_the_lease_is_no_crash(hub: ScriptedHub) -> None:
    transfer = put_one(hub)

    def overtaken(*_: Any) -> Any:
        leases_are_over(hub)
        successor = claimed(hub, transfer)
        assert successor is not None
        assert successor.crashes == 1
        return a_receipt()

    hub.department("rest-a").answers.append(overtaken)
    delivery.deliver(hub, transfer)
    leases_are_over(hub)
    hub.department("rest-a").findings.append(a_receipt())
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.DELIVERED


def test_a_transfer_that_crashed_two_processes_is_stuck_and_sent_no_more(hub: ScriptedHub, dies: Dying) -> None:
    transfer = put_one(hub)
    for _ in range(2):
        dies(deliver_and_die(transfer))
        leases_are_over(hub)
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.STUCK
    assert hub.department("rest-a").submitted == []
    assert hub.department("rest-a").asked == []
    assert len(attempts_of(hub, transfer)) == 3
    [row] = hub.rows("SELECT error_code FROM outbox WHERE id = %s", transfer)
    assert row["error_code"] == HubCode.PROCESS_DIED

    hub.department("rest-a").findings.append(a_receipt())
    operations.replay(hub, transfer, actor="op", reason="đã sửa")
    hub.carry()
    assert state_of(hub, transfer) == TransferState.DELIVERED  # asked first: it may have arrived


def test_two_suspects_never_run_together_so_that_the_harmless_one_is_cleared(hub: ScriptedHub, dies: Dying) -> None:
    """One process had all three of them when it died; nobody knows of which."""
    transfer = put_one(hub)
    messages = [hub.accept(submission_arrival()).id for _ in range(2)]

    def at_once(own: ScriptedHub) -> None:
        with own.db.connection() as conn:
            assert len(inbox.claim(conn, messages, lease=60)) == 2
        deliver_and_die(transfer)(own)

    dies(at_once)
    leases_are_over(hub)
    with hub.db.connection() as conn:
        suspects = inbox.claim(conn, messages, lease=60)
        assert [suspect.crashes for suspect in suspects] == [1]
        assert inbox.claim(conn, messages, lease=60) == []
    delivery.deliver(hub, transfer)
    assert hub.department("rest-a").asked == []
    with hub.db.connection() as conn:
        inbox.settle(conn, suspects)
    hub.department("rest-a").findings.append(a_receipt())
    hub.sweep()
    hub.carry()
    assert inbox_of(hub, messages[1])["state"] == "handled"
    assert state_of(hub, transfer) == TransferState.DELIVERED


def test_a_claim_that_the_database_interrupts_is_no_crash(hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    message = hub.accept(submission_arrival())

    def cut_off(uow: Any, _: Message) -> Any:
        hub.rows("SELECT pg_terminate_backend(%s)", uow.conn.info.backend_pid)
        uow.conn.execute("SELECT 1")

    monkeypatch.setattr(flow, "INBOUND", dict.fromkeys(flow.INBOUND, cut_off))
    for _ in range(3):
        with pytest.raises(Exception, match="terminat"):
            dispatch.handle(hub, message.id)
        hub.make_due(message.id)
    monkeypatch.undo()
    dispatch.handle(hub, message.id)
    assert inbox_of(hub, message.id)["state"] == "handled"
