"""The outbox: ordering keys, leases, unknown outcomes, breakers, sweeps."""

import json
import time

import pytest

from connectors.errors import ContractBroken, Duplicate, Rejected, Unavailable
from hub import delivery
from hub.errors import StaleClaim
from hub.messages import claim, outbox
from hub.messages.model import Outcome, TransferState, Wakeup
from hub.messages.outbox import Ending
from hub.messages.wakeups import mark_sent
from tests.builders import a_receipt
from tests.integration.transfers import attempts_of, claimed, put_one, state_of, wait_until_due
from tests.scripted_hub import ScriptedHub


def test_what_the_department_takes_is_delivered_once(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    hub.department("rest-a").answers.append(a_receipt())
    delivery.deliver(hub, transfer)
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.DELIVERED
    assert len(hub.department("rest-a").submitted) == 1


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_refusal_ends_the_transfer_and_is_told(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    hub.department("rest-a").answers.append(Rejected("PARTNER_REJECTED", reason="Thiếu giấy tờ"))
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.REFUSED
    [dossier] = hub.rows("SELECT status, reason FROM dossier")
    assert dossier == {"status": "not_accepted", "reason": "Thiếu giấy tờ"}
    hub.sweep()
    hub.carry()
    hub.sweep()
    hub.carry()
    assert any(b'"not_accepted"' in body for body, _ in hub.endpoint("cong-dvc").received)


def test_a_refusal_in_words_that_no_row_can_hold_is_a_refusal_in_those_that_it_can(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    hub.department("rest-a").answers.append(Rejected("PARTNER_REJECTED", reason="Thiếu\x00 giấy\ud800 tờ"))
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.REFUSED
    assert hub.rows("SELECT status, reason FROM dossier") == [{"status": "not_accepted", "reason": "Thiếu giấy tờ"}]


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_duplicate_is_a_success_with_the_receipt_that_asking_gives(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    department = hub.department("rest-a")
    department.answers.append(Duplicate("PARTNER_DUPLICATE"))
    department.findings.append(a_receipt("SO-7"))
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.DELIVERED
    assert hub.rows("SELECT number FROM handoff") == [{"number": "SO-7"}]


def test_an_unknown_outcome_is_asked_about_before_anything_is_sent_again(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    department = hub.department("rest-a")
    department.answers.append(Unavailable("PARTNER_TIMEOUT", outcome_unknown=True))
    department.findings.append(a_receipt())
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.UNKNOWN
    wait_until_due(hub, transfer)
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.DELIVERED
    assert len(department.submitted) == 1
    assert attempts_of(hub, transfer) == [(False, Outcome.UNKNOWN), (True, Outcome.OK)]


def test_an_outcome_stays_unknown_while_the_question_is_not_answered(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    department = hub.department("rest-a")
    department.answers.append(Unavailable("PARTNER_TIMEOUT", outcome_unknown=True))
    department.findings.append(Unavailable("PARTNER_UNREACHABLE"))
    delivery.deliver(hub, transfer)
    wait_until_due(hub, transfer)
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.UNKNOWN
    assert len(department.submitted) == 1


def test_what_is_found_missing_is_sent_again_with_the_same_key(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    department = hub.department("rest-a")
    department.answers.extend([Unavailable("PARTNER_ERROR", outcome_unknown=True), a_receipt()])
    department.findings.append(None)
    delivery.deliver(hub, transfer)
    wait_until_due(hub, transfer)
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.DELIVERED
    assert [key for _, key in department.submitted] == [transfer, transfer]


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_crash_in_mid_send_leaves_an_unknown_outcome_that_is_asked_about(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    assert claimed(hub, transfer) is not None  # and then the worker dies
    hub.make_due(transfer)
    hub.department("rest-a").findings.append(a_receipt())
    delivery.deliver(hub, transfer)
    assert attempts_of(hub, transfer) == [(False, Outcome.UNKNOWN), (True, Outcome.OK)]
    assert hub.department("rest-a").submitted == []


def test_a_stale_claim_of_a_transfer_writes_nothing(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    slow = claimed(hub, transfer)
    hub.make_due(transfer)
    assert claimed(hub, transfer) is not None
    assert slow is not None
    with hub.db.connection() as conn:
        with pytest.raises(StaleClaim):
            outbox.hold(conn, [slow])
        with pytest.raises(StaleClaim):
            outbox.settle(conn, [(slow, Ending(TransferState.DELIVERED, Outcome.OK))])


@pytest.mark.database_roles("owner", "hub_worker")
def test_notices_of_a_dossier_leave_in_order_and_a_stuck_transfer_blocks_no_other_dossier(hub: ScriptedHub) -> None:
    stuck, other = put_one(hub), put_one(hub)
    department = hub.department("rest-a")
    department.answers.extend([ContractBroken("PARTNER_CONTRACT"), a_receipt()])
    delivery.deliver(hub, stuck)
    delivery.deliver(hub, other)
    assert (state_of(hub, stuck), state_of(hub, other)) == (TransferState.STUCK, TransferState.DELIVERED)

    notices = hub.rows("SELECT id FROM outbox WHERE counterparty = 'portal.cong-dvc' ORDER BY seq DESC")
    hub.endpoint("cong-dvc").answers.extend([lambda: None] * len(notices))
    for notice in notices:  # the newest first: those that are not next in their dossier have to wait
        delivery.deliver(hub, notice["id"])
    hub.carry()
    versions: dict[str, list[int]] = {}
    for body, _ in hub.endpoint("cong-dvc").received:
        data = json.loads(body)["data"]
        versions.setdefault(data["submission_id"], []).append(data["version"])
    assert sorted(versions.values()) == [[1], [1, 2]]


def test_the_second_notice_of_a_dossier_waits_for_the_first(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    hub.department("rest-a").answers.append(a_receipt())
    delivery.deliver(hub, transfer)
    first, second = hub.rows("SELECT id FROM outbox WHERE counterparty = 'portal.cong-dvc' ORDER BY seq")
    hub.endpoint("cong-dvc").answers.extend([lambda: None, lambda: None])
    delivery.deliver(hub, second["id"])
    assert state_of(hub, second["id"]) == TransferState.QUEUED
    hub.waiting.clear()
    delivery.deliver(hub, first["id"])
    assert Wakeup("outbox.portal", second["id"]) in hub.waiting
    hub.carry()
    versions = [body.split(b'"version":')[1][:1] for body, _ in hub.endpoint("cong-dvc").received]
    assert versions == [b"1", b"2"]


def test_without_capacity_transfers_wait_and_the_next_end_wakes_the_most_urgent(hub: ScriptedHub) -> None:
    transfers = [put_one(hub) for _ in range(6)]
    limits = hub.limits("department.rest-a")
    with hub.db.transaction() as conn:
        conn.execute("UPDATE outbox SET deadline = now() WHERE id = %s", (transfers[5],))
    taken = [claimed(hub, transfer) for transfer in transfers]
    assert [one is not None for one in taken] == [True] * 4 + [False] * 2
    first = taken[0]
    assert first is not None
    with hub.db.transaction() as conn:
        outbox.settle(conn, [(first, Ending(TransferState.DELIVERED, Outcome.OK))])
        woken = claim.succeeded(conn, limits)
    assert woken == [Wakeup(limits.queue, transfers[5])]


@pytest.mark.database_roles("owner", "hub_worker")
def test_failures_in_a_row_open_the_breaker_and_one_probe_closes_it(hub: ScriptedHub) -> None:
    transfers = [put_one(hub) for _ in range(6)]
    department = hub.department("rest-a")
    department.answers.extend([Unavailable("PARTNER_UNREACHABLE")] * 5)
    for transfer in transfers[:5]:
        delivery.deliver(hub, transfer)
    delivery.deliver(hub, transfers[5])
    assert len(department.submitted) == 5
    assert state_of(hub, transfers[5]) == TransferState.QUEUED
    time.sleep(0.3)
    department.answers.append(a_receipt())
    delivery.deliver(hub, transfers[5])
    assert state_of(hub, transfers[5]) == TransferState.DELIVERED
    assert hub.rows("SELECT failures, breaker_open_until FROM counterparty WHERE code = 'department.rest-a'") == [
        {"failures": 0, "breaker_open_until": None}
    ]


def test_retry_after_keeps_the_counterparty_quiet_for_as_long_as_it_asked(hub: ScriptedHub) -> None:
    busy, other = put_one(hub), put_one(hub)
    department = hub.department("rest-a")
    department.answers.append(Unavailable("PARTNER_BUSY", retry_after=3600))
    delivery.deliver(hub, busy)
    delivery.deliver(hub, other)
    assert len(department.submitted) == 1
    [row] = hub.rows("SELECT due_at > now() + interval '59 minutes' AS later FROM outbox WHERE id = %s", busy)
    assert row["later"]
    assert not [wakeup for wakeup in hub.due() if wakeup.queue == "outbox.department.rest-a"]


def test_no_counterparty_keeps_itself_quiet_for_longer_than_the_settings_say(hub: ScriptedHub) -> None:
    busy = put_one(hub)
    hub.department("rest-a").answers.append(Unavailable("PARTNER_BUSY", retry_after=31_536_000))
    delivery.deliver(hub, busy)
    [row] = hub.rows(
        "SELECT o.due_at < now() + interval '61 minutes'"
        " AND c.breaker_open_until < now() + interval '61 minutes' AS bounded,"
        " o.error_detail FROM outbox o JOIN counterparty c ON c.code = o.counterparty WHERE o.id = %s",
        busy,
    )
    assert row["bounded"]
    assert "31536000 s" in row["error_detail"]
    assert "3600 s" in row["error_detail"]


@pytest.mark.database_roles("owner", "hub_worker")
def test_the_sweep_wakes_rows_without_a_wakeup_and_expired_leases(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    wakeup = Wakeup("outbox.department.rest-a", transfer)
    assert wakeup in hub.due(repeat_after=60)
    with hub.db.connection() as conn:
        mark_sent(conn, [wakeup])
    assert wakeup not in hub.due(repeat_after=60)
    assert wakeup not in hub.due(repeat_after=0, waiting=1)
    assert wakeup in hub.due(repeat_after=0, waiting=0)
    with hub.db.connection() as conn:  # the database's clock was set back since
        conn.execute("UPDATE outbox SET wakeup_sent_at = now() + interval '1 day' WHERE id = %s", (wakeup.id,))
    assert wakeup in hub.due(repeat_after=60, waiting=0)


def test_an_internal_error_while_sending_is_an_unknown_outcome(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    hub.department("rest-a").answers.append(RuntimeError("Nguyễn Văn Thử"))
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.UNKNOWN
    [row] = hub.rows("SELECT error_code, error_detail FROM outbox WHERE id = %s", transfer)
    assert row == {"error_code": "HUB_FAILED", "error_detail": "RuntimeError"}


def test_what_waits_for_capacity_is_swept_only_if_nothing_in_flight_wakes_it(hub: ScriptedHub) -> None:
    transfers = [put_one(hub) for _ in range(5)]
    limits = hub.limits("department.rest-a")
    for transfer in transfers:
        claimed(hub, transfer)
    wakeup = Wakeup(limits.queue, transfers[4])
    assert wakeup not in hub.due(repeat_after=60)
    with hub.db.connection() as conn:
        conn.execute("UPDATE outbox SET due_at = now() WHERE state = 'sending'")  # the others' worker has died
    assert wakeup in hub.due(repeat_after=60)


def test_a_counterparty_that_was_away_for_weeks_is_still_probed_with_pauses(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    with hub.db.connection() as conn:
        conn.execute("UPDATE counterparty SET failures = 5000 WHERE code = 'department.rest-a'")
    hub.department("rest-a").answers.append(Unavailable("PARTNER_UNREACHABLE"))
    delivery.deliver(hub, transfer)
    assert hub.rows(
        "SELECT failures, breaker_open_until > now() AS quiet FROM counterparty WHERE code = 'department.rest-a'"
    ) == [{"failures": 5001, "quiet": True}]
