"""The back door: lanes, leases, unknown outcomes, breakers, sweeps."""

import time

import pytest

from connectors.errors import ContractBroken, Duplicate, Rejected, Unavailable
from hub import dispatch
from hub.errors import Overtaken
from hub.messages import claim, due, outbox
from hub.messages.model import Nudge, Outcome, State
from hub.messages.outbox import Ending
from tests.builders import a_receipt
from tests.house import ScriptedHouse
from tests.rooms.transfers import attempts_of, put_one, state_of, wait_until_due


def test_what_the_department_takes_is_delivered_once(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    house.department("rest-a").answers.append(a_receipt())
    dispatch.deliver(house, transfer)
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.DELIVERED
    assert len(house.department("rest-a").submitted) == 1


def test_a_refusal_ends_the_transfer_and_is_told(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    house.department("rest-a").answers.append(Rejected("PARTNER_REJECTED", reason="Thiếu giấy tờ"))
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.REFUSED
    [dossier] = house.rows("SELECT status, reason FROM dossier")
    assert dossier == {"status": "not_accepted", "reason": "Thiếu giấy tờ"}
    house.sweep()
    house.carry()
    house.sweep()
    house.carry()
    assert any(b'"not_accepted"' in body for body, _ in house.endpoint("cong-dvc").told)


def test_a_refusal_in_words_that_no_row_can_hold_is_a_refusal_in_those_that_it_can(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    house.department("rest-a").answers.append(Rejected("PARTNER_REJECTED", reason="Thiếu\x00 giấy\ud800 tờ"))
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.REFUSED
    assert house.rows("SELECT status, reason FROM dossier") == [{"status": "not_accepted", "reason": "Thiếu giấy tờ"}]


def test_a_duplicate_is_a_success_with_the_receipt_that_asking_gives(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    department = house.department("rest-a")
    department.answers.append(Duplicate("PARTNER_DUPLICATE"))
    department.findings.append(a_receipt("SO-7"))
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.DELIVERED
    assert house.rows("SELECT number FROM handoff") == [{"number": "SO-7"}]


def test_an_unknown_outcome_is_asked_about_before_anything_is_sent_again(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    department = house.department("rest-a")
    department.answers.append(Unavailable("PARTNER_TIMEOUT", outcome_unknown=True))
    department.findings.append(a_receipt())
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.UNKNOWN
    wait_until_due(house, transfer)
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.DELIVERED
    assert len(department.submitted) == 1
    assert attempts_of(house, transfer) == [(False, Outcome.UNKNOWN), (True, Outcome.OK)]


def test_an_outcome_stays_unknown_while_the_question_is_not_answered(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    department = house.department("rest-a")
    department.answers.append(Unavailable("PARTNER_TIMEOUT", outcome_unknown=True))
    department.findings.append(Unavailable("PARTNER_UNREACHABLE"))
    dispatch.deliver(house, transfer)
    wait_until_due(house, transfer)
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.UNKNOWN
    assert len(department.submitted) == 1


def test_what_is_found_missing_is_sent_again_with_the_same_key(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    department = house.department("rest-a")
    department.answers.extend([Unavailable("PARTNER_ERROR", outcome_unknown=True), a_receipt()])
    department.findings.append(None)
    dispatch.deliver(house, transfer)
    wait_until_due(house, transfer)
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.DELIVERED
    assert [key for _, key in department.submitted] == [transfer, transfer]


def test_a_crash_in_mid_send_leaves_an_unknown_outcome_that_is_asked_about(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    with house.db.transaction() as conn:
        limits = house.limits("department.rest-a")
        assert (
            claim.claim(conn, transfer, claim.approach(conn, transfer), limits) is not None
        )  # and then the worker dies
        conn.execute("UPDATE outbox SET due_at = now() WHERE id = %s", (transfer,))
    house.department("rest-a").findings.append(a_receipt())
    dispatch.deliver(house, transfer)
    assert attempts_of(house, transfer) == [(False, Outcome.UNKNOWN), (True, Outcome.OK)]
    assert house.department("rest-a").submitted == []


def test_a_worker_that_outslept_its_lease_writes_nothing(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    limits = house.limits("department.rest-a")
    with house.db.transaction() as conn:
        slow = claim.claim(conn, transfer, claim.approach(conn, transfer), limits)
        conn.execute("UPDATE outbox SET due_at = now() WHERE id = %s", (transfer,))
    with house.db.transaction() as conn:
        assert claim.claim(conn, transfer, claim.approach(conn, transfer), limits) is not None
    assert slow is not None
    with house.db.connection() as conn, pytest.raises(Overtaken):
        outbox.settle(conn, slow, Ending(State.DELIVERED, Outcome.OK))


def test_a_lane_leaves_in_order_and_a_stuck_lane_blocks_no_other(house: ScriptedHouse) -> None:
    stuck, other = put_one(house), put_one(house)
    department = house.department("rest-a")
    department.answers.extend([ContractBroken("PARTNER_CONTRACT"), a_receipt()])
    dispatch.deliver(house, stuck)
    dispatch.deliver(house, other)
    assert (state_of(house, stuck), state_of(house, other)) == (State.STUCK, State.DELIVERED)
    [row] = house.rows("SELECT id FROM outbox WHERE counterparty = 'portal.cong-dvc' ORDER BY seq LIMIT 1")
    assert row is not None


def test_the_second_notice_of_a_dossier_waits_for_the_first(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    house.department("rest-a").answers.append(a_receipt())
    dispatch.deliver(house, transfer)
    first, second = house.rows("SELECT id FROM outbox WHERE counterparty = 'portal.cong-dvc' ORDER BY seq")
    house.endpoint("cong-dvc").answers.extend([lambda: None, lambda: None])
    dispatch.deliver(house, second["id"])
    assert state_of(house, second["id"]) == State.QUEUED
    house.waiting.clear()
    dispatch.deliver(house, first["id"])
    assert Nudge("outbox.portal", second["id"]) in house.waiting
    house.carry()
    versions = [body.split(b'"version":')[1][:1] for body, _ in house.endpoint("cong-dvc").told]
    assert versions == [b"1", b"2"]


def test_a_full_counterparty_turns_away_and_whoever_settles_wakes_the_most_urgent(house: ScriptedHouse) -> None:
    transfers = [put_one(house) for _ in range(6)]
    limits = house.limits("department.rest-a")
    with house.db.transaction() as conn:
        conn.execute("UPDATE outbox SET deadline = now() WHERE id = %s", (transfers[5],))
    taken = []
    for transfer in transfers:
        with house.db.transaction() as conn:
            taken.append(claim.claim(conn, transfer, claim.approach(conn, transfer), limits))
    assert [one is not None for one in taken] == [True] * 4 + [False] * 2
    first = taken[0]
    assert first is not None
    with house.db.transaction() as conn:
        outbox.settle(conn, first, Ending(State.DELIVERED, Outcome.OK))
        woken = claim.succeeded(conn, limits)
    assert woken == [Nudge(limits.queue, transfers[5])]


def test_failures_in_a_row_open_the_breaker_and_one_probe_closes_it(house: ScriptedHouse) -> None:
    transfers = [put_one(house) for _ in range(6)]
    department = house.department("rest-a")
    department.answers.extend([Unavailable("PARTNER_UNREACHABLE")] * 5)
    for transfer in transfers[:5]:
        dispatch.deliver(house, transfer)
    dispatch.deliver(house, transfers[5])
    assert len(department.submitted) == 5
    assert state_of(house, transfers[5]) == State.QUEUED
    time.sleep(0.3)
    department.answers.append(a_receipt())
    dispatch.deliver(house, transfers[5])
    assert state_of(house, transfers[5]) == State.DELIVERED
    assert house.rows("SELECT failures, open_until FROM counterparty WHERE code = 'department.rest-a'") == [
        {"failures": 0, "open_until": None}
    ]


def test_retry_after_keeps_the_counterparty_quiet_for_as_long_as_it_asked(house: ScriptedHouse) -> None:
    busy, other = put_one(house), put_one(house)
    department = house.department("rest-a")
    department.answers.append(Unavailable("PARTNER_BUSY", retry_after=3600))
    dispatch.deliver(house, busy)
    dispatch.deliver(house, other)
    assert len(department.submitted) == 1
    [row] = house.rows("SELECT due_at > now() + interval '59 minutes' AS later FROM outbox WHERE id = %s", busy)
    assert row["later"]
    assert not [nudge for nudge in house.due() if nudge.queue == "outbox.department.rest-a"]


def test_no_counterparty_keeps_itself_quiet_for_longer_than_the_settings_say(house: ScriptedHouse) -> None:
    busy = put_one(house)
    house.department("rest-a").answers.append(Unavailable("PARTNER_BUSY", retry_after=31_536_000))
    dispatch.deliver(house, busy)
    [row] = house.rows(
        "SELECT o.due_at < now() + interval '61 minutes' AND c.open_until < now() + interval '61 minutes' AS bounded,"
        " o.error_detail FROM outbox o JOIN counterparty c ON c.code = o.counterparty WHERE o.id = %s",
        busy,
    )
    assert row["bounded"]
    assert "31536000 s" in row["error_detail"]
    assert "3600 s" in row["error_detail"]


def test_the_sweep_finds_what_was_never_nudged_and_what_nobody_took(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    nudge = Nudge("outbox.department.rest-a", transfer)
    assert nudge in house.due(renudge=60)
    with house.db.connection() as conn:
        due.mark(conn, [nudge])
    assert nudge not in house.due(renudge=60)
    assert nudge not in house.due(renudge=0, waiting=1)
    assert nudge in house.due(renudge=0, waiting=0)
    with house.db.connection() as conn:  # the database's clock was set back since
        conn.execute("UPDATE outbox SET nudged_at = now() + interval '1 day' WHERE id = %s", (nudge.id,))
    assert nudge in house.due(renudge=60, waiting=0)


def test_a_fault_of_ours_in_mid_sentence_counts_as_unknown(house: ScriptedHouse) -> None:
    transfer = put_one(house)
    house.department("rest-a").answers.append(RuntimeError("Nguyễn Văn Thử"))
    dispatch.deliver(house, transfer)
    assert state_of(house, transfer) == State.UNKNOWN
    [row] = house.rows("SELECT error_code, error_detail FROM outbox WHERE id = %s", transfer)
    assert row == {"error_code": "HUB_FAILED", "error_detail": "RuntimeError"}


def test_those_turned_away_are_swept_only_when_nobody_is_there_to_wake_them(house: ScriptedHouse) -> None:
    transfers = [put_one(house) for _ in range(5)]
    limits = house.limits("department.rest-a")
    for transfer in transfers:
        with house.db.transaction() as conn:
            claim.claim(conn, transfer, claim.approach(conn, transfer), limits)
    nudge = Nudge(limits.queue, transfers[4])
    assert nudge not in house.due(renudge=60)
    with house.db.connection() as conn:
        conn.execute("UPDATE outbox SET due_at = now() WHERE state = 'sending'")  # the others' worker has died
    assert nudge in house.due(renudge=60)
