"""What a person can do about a transfer or a counterparty, and the trace that it leaves."""

from datetime import timedelta
from typing import Any

import pytest

from config.catalogue import Idempotency
from connectors.errors import ContractBroken, Unavailable
from hub import clock, delivery, operations
from hub.errors import InvalidState, NotFound
from hub.messages.model import TransferState
from tests.builders import a_receipt
from tests.integration.transfers import put_one, state_of, wait_until_due
from tests.scripted_hub import ScriptedHub

ACTOR, REASON = "thu.nghiem", "chỉ để thử"


def test_when_the_pauses_are_used_up_the_transfer_is_stuck_and_can_be_replayed(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    department = hub.department("rest-a")
    for _ in range(4):
        department.answers.append(Unavailable("PARTNER_UNREACHABLE"))
        wait_until_due(hub, transfer)
        delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.STUCK
    department.findings.append(None)
    department.answers.append(a_receipt())
    operations.replay(hub, transfer, actor=ACTOR, reason=REASON)
    hub.carry()
    assert state_of(hub, transfer) == TransferState.DELIVERED
    assert {key for _, key in department.submitted} == {transfer}


def test_asking_about_a_stuck_transfer_finds_it_delivered(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    department = hub.department("rest-a")
    department.answers.append(ContractBroken("PARTNER_CONTRACT"))
    delivery.deliver(hub, transfer)
    department.findings.append(a_receipt())
    assert operations.check(hub, transfer, actor=ACTOR) is TransferState.DELIVERED
    assert hub.rows("SELECT status FROM dossier") == [{"status": "accepted"}]


def test_asking_about_what_is_not_there_says_so_and_sends_nothing(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    department = hub.department("rest-a")
    department.answers.append(ContractBroken("PARTNER_CONTRACT"))
    delivery.deliver(hub, transfer)
    department.findings.append(None)
    assert operations.check(hub, transfer, actor=ACTOR) is TransferState.STUCK
    assert hub.rows("SELECT error_code FROM outbox WHERE id = %s", transfer) == [{"error_code": "NOT_THERE"}]
    assert len(department.submitted) == 1


def test_what_has_not_been_sent_may_be_asked_about_as_after_a_restore_from_an_old_backup(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    department = hub.department("rest-a")
    department.findings.append(a_receipt())
    assert operations.check(hub, transfer, actor=ACTOR) is TransferState.DELIVERED
    assert department.submitted == []


def test_a_counterparty_that_cannot_be_asked_is_never_sent_to_twice_by_itself(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    hub.profiles["department.rest-a"] = Idempotency.NONE
    department = hub.department("rest-a")
    department.answers.append(Unavailable("PARTNER_TIMEOUT", outcome_unknown=True))
    delivery.deliver(hub, transfer)
    wait_until_due(hub, transfer)
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.STUCK
    assert len(department.submitted) == 1
    department.answers.append(a_receipt())
    operations.replay(hub, transfer, actor=ACTOR, reason=REASON)  # a person has decided
    hub.carry()
    assert state_of(hub, transfer) == TransferState.DELIVERED


def test_a_paused_counterparty_holds_and_nothing_is_dropped(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    operations.pause(hub, "department.rest-a", actor=ACTOR, reason=REASON)
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == "held"
    with pytest.raises(InvalidState):
        operations.pause(hub, "department.rest-a", actor=ACTOR, reason=REASON)
    hub.waiting.clear()
    hub.department("rest-a").answers.append(a_receipt())
    operations.resume(hub, "department.rest-a", actor=ACTOR, reason=REASON)
    hub.carry()
    assert state_of(hub, transfer) == TransferState.DELIVERED


def test_one_that_asked_to_be_left_alone_is_resumed_with_what_waits_for_it(hub: ScriptedHub) -> None:
    busy, other = put_one(hub), put_one(hub)
    department = hub.department("rest-a")
    department.answers.append(Unavailable("PARTNER_BUSY", retry_after=3600))
    delivery.deliver(hub, busy)
    delivery.deliver(hub, other)
    assert len(department.submitted) == 1
    department.answers.extend([a_receipt(), a_receipt()])
    operations.resume(hub, "department.rest-a", actor=ACTOR, reason=REASON)
    hub.carry()
    assert (state_of(hub, busy), state_of(hub, other)) == (TransferState.DELIVERED, TransferState.DELIVERED)
    with pytest.raises(InvalidState):
        operations.resume(hub, "department.rest-a", actor=ACTOR, reason=REASON)


def test_a_parked_transfer_holds_its_ordering_key_until_it_is_unparked_or_cancelled(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    operations.park(hub, transfer, actor=ACTOR, reason=REASON, review_at=clock.now() + timedelta(days=1))
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.PARKED
    operations.unpark(hub, transfer, actor=ACTOR, reason=REASON)
    operations.cancel(hub, transfer, actor=ACTOR, reason=REASON)
    hub.carry()
    assert state_of(hub, transfer) == TransferState.CANCELLED
    assert hub.department("rest-a").submitted == []
    with pytest.raises(InvalidState):
        operations.replay(hub, transfer, actor=ACTOR, reason=REASON)
    with pytest.raises(NotFound):
        operations.cancel(hub, "tr_00000000000000000000000000", actor=ACTOR, reason=REASON)


def test_every_operators_command_is_a_line_in_the_audit_log(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    operations.park(hub, transfer, actor=ACTOR, reason=REASON, review_at=clock.now())
    operations.unpark(hub, transfer, actor=ACTOR, reason=REASON)
    lines = hub.rows(
        "SELECT action, before, after, reason FROM audit_log WHERE actor = %s AND subject = %s ORDER BY id",
        ACTOR,
        transfer,
    )
    assert [(line["action"], line["before"], line["after"], line["reason"]) for line in lines] == [
        ("transfer_parked", "queued", "parked", REASON),
        ("transfer_unparked", "parked", "queued", REASON),
    ]


def test_asking_about_a_parked_transfer_leaves_it_parked_if_nobody_answers(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    operations.park(hub, transfer, actor=ACTOR, reason=REASON, review_at=clock.now() + timedelta(days=1))
    hub.department("rest-a").findings.append(Unavailable("PARTNER_UNREACHABLE"))
    assert operations.check(hub, transfer, actor=ACTOR) is TransferState.PARKED
    assert hub.department("rest-a").submitted == []


def test_asking_about_a_stuck_transfer_leaves_it_stuck_if_nobody_answers(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    hub.department("rest-a").answers.append(ContractBroken("PARTNER_CONTRACT"))
    delivery.deliver(hub, transfer)
    hub.department("rest-a").findings.append(Unavailable("PARTNER_UNREACHABLE"))
    assert operations.check(hub, transfer, actor=ACTOR) is TransferState.STUCK


def die(_: Any) -> None:
    raise KeyboardInterrupt


def test_a_process_that_dies_while_it_asks_about_a_parked_transfer_leaves_it_parked(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    operations.park(hub, transfer, actor=ACTOR, reason=REASON, review_at=clock.now() + timedelta(days=1))
    hub.department("rest-a").findings.append(die)
    with pytest.raises(KeyboardInterrupt):
        operations.check(hub, transfer, actor=ACTOR)
    hub.make_due(transfer)
    hub.department("rest-a").findings.append(None)
    hub.sweep()
    hub.carry()
    assert state_of(hub, transfer) == TransferState.PARKED
    assert hub.department("rest-a").submitted == []
