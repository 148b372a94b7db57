"""What a person can do about a transfer or a counterparty, and the trace that it leaves."""

from datetime import timedelta

import pytest

from config.catalogue import Idempotency
from connectors.errors import ContractBroken, Unavailable
from hub import clock, dispatch, operations
from hub.errors import NotFound, NotNow
from hub.messages.model import State
from tests.builders import a_receipt
from tests.house import ScriptedHouse
from tests.rooms.transfers import put_one, state_of, wait_until_due

ACTOR, REASON = "thu.nghiem", "chỉ để thử"


def test_when_the_pauses_are_used_up_the_transfer_is_stuck_and_can_be_replayed(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    department = house.department("rest-a")
    for _ in range(4):
        department.answers.append(Unavailable("PARTNER_UNREACHABLE"))
        wait_until_due(house, transfer)
        dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.STUCK
    department.findings.append(None)
    department.answers.append(a_receipt())
    operations.replay(house, transfer, actor=ACTOR, reason=REASON)
    house.carry()
    assert state_of(house, transfer) == State.DELIVERED
    assert {key for _, key in department.submitted} == {transfer}


def test_asking_about_a_stuck_transfer_finds_it_delivered(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    department = house.department("rest-a")
    department.answers.append(ContractBroken("PARTNER_CONTRACT"))
    dispatch.deliver(house, transfer)
    department.findings.append(a_receipt())
    assert operations.check(house, transfer, actor=ACTOR) is State.DELIVERED
    assert house.rows("SELECT status FROM dossier") == [{"status": "accepted"}]


def test_asking_about_what_is_not_there_says_so_and_sends_nothing(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    department = house.department("rest-a")
    department.answers.append(ContractBroken("PARTNER_CONTRACT"))
    dispatch.deliver(house, transfer)
    department.findings.append(None)
    assert operations.check(house, transfer, actor=ACTOR) is State.STUCK
    assert house.rows("SELECT error_code FROM outbox WHERE id = %s", transfer) == [{"error_code": "NOT_THERE"}]
    assert len(department.submitted) == 1


def test_what_has_not_been_sent_may_be_asked_about_as_after_a_restore_from_an_old_backup(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    department = house.department("rest-a")
    department.findings.append(a_receipt())
    assert operations.check(house, transfer, actor=ACTOR) is State.DELIVERED
    assert department.submitted == []


def test_a_counterparty_that_cannot_be_asked_is_never_sent_to_twice_by_itself(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    house.profiles["department.rest-a"] = Idempotency.NONE
    department = house.department("rest-a")
    department.answers.append(Unavailable("PARTNER_TIMEOUT", outcome_unknown=True))
    dispatch.deliver(house, transfer)
    wait_until_due(house, transfer)
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.STUCK
    assert len(department.submitted) == 1
    department.answers.append(a_receipt())
    operations.replay(house, transfer, actor=ACTOR, reason=REASON)  # a person has decided
    house.carry()
    assert state_of(house, transfer) == State.DELIVERED


def test_a_paused_counterparty_holds_and_nothing_is_dropped(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    operations.pause(house, "department.rest-a", actor=ACTOR, reason=REASON)
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == "held"
    with pytest.raises(NotNow):
        operations.pause(house, "department.rest-a", actor=ACTOR, reason=REASON)
    house.waiting.clear()
    house.department("rest-a").answers.append(a_receipt())
    operations.resume(house, "department.rest-a", actor=ACTOR, reason=REASON)
    house.carry()
    assert state_of(house, transfer) == State.DELIVERED


def test_one_that_asked_to_be_left_alone_is_resumed_with_what_waits_for_it(house: ScriptedHouse) -> None:
    busy, other = put_one(house), put_one(house)
    department = house.department("rest-a")
    department.answers.append(Unavailable("PARTNER_BUSY", retry_after=3600))
    dispatch.deliver(house, busy)
    dispatch.deliver(house, other)
    assert len(department.submitted) == 1
    department.answers.extend([a_receipt(), a_receipt()])
    operations.resume(house, "department.rest-a", actor=ACTOR, reason=REASON)
    house.carry()
    assert (state_of(house, busy), state_of(house, other)) == (State.DELIVERED, State.DELIVERED)
    with pytest.raises(NotNow):
        operations.resume(house, "department.rest-a", actor=ACTOR, reason=REASON)


def test_a_parked_transfer_holds_its_lane_until_it_is_taken_up_or_cancelled(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    operations.park(house, transfer, actor=ACTOR, reason=REASON, review_at=clock.now() + timedelta(days=1))
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.PARKED
    operations.unpark(house, transfer, actor=ACTOR, reason=REASON)
    operations.cancel(house, transfer, actor=ACTOR, reason=REASON)
    house.carry()
    assert state_of(house, transfer) == State.CANCELLED
    assert house.department("rest-a").submitted == []
    with pytest.raises(NotNow):
        operations.replay(house, transfer, actor=ACTOR, reason=REASON)
    with pytest.raises(NotFound):
        operations.cancel(house, "tr_00000000000000000000000000", actor=ACTOR, reason=REASON)


def test_every_operators_act_is_a_line_in_the_journal(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    operations.park(house, transfer, actor=ACTOR, reason=REASON, review_at=clock.now())
    operations.unpark(house, transfer, actor=ACTOR, reason=REASON)
    lines = house.rows(
        "SELECT verb, before, after, reason FROM journal WHERE actor = %s AND subject = %s ORDER BY id", ACTOR, transfer
    )
    assert [(line["verb"], line["before"], line["after"], line["reason"]) for line in lines] == [
        ("parked", "queued", "parked", REASON),
        ("unparked", "parked", "queued", REASON),
    ]
