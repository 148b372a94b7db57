"""Batches: many rows in one claim, one transaction and a few statements; one that fails harms no other."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Final

import psycopg
import pytest

from config.catalogue import Idempotency
from connectors.errors import Rejected, Unavailable
from hub import broker, delivery, dispatch, flow
from hub.db import ASYNC_COMMIT
from hub.embedded.waiting import wait_for
from hub.handoffs import service as handoffs
from hub.messages.model import BATCH, Outcome, TransferState, Wakeup
from tests.builders import a_code, a_receipt, a_submission, submission_arrival
from tests.integration.transfers import attempts_of, put_one, state_of
from tests.scripted_hub import ScriptedHub

AT_ONCE: Final = 4
"""transfers that the test catalogue lets be in flight at rest-a"""


@contextmanager
def counted_statements(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Every statement that is sent to the database meanwhile; without those that begin and end a transaction."""
    statements: list[str] = []
    execute = psycopg.Cursor.execute

    def counting(cursor: Any, query: Any, *arguments: Any, **options: Any) -> Any:
        statements.append(str(query))
        return execute(cursor, query, *arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", counting)
        yield statements


def accepted(hub: ScriptedHub, count: int) -> list[str]:
    """Submissions in the inbox, not handled yet."""
    ids = [hub.accept(submission_arrival(a_submission("rest-a"))).id for _ in range(count)]
    hub.waiting.clear()
    return ids


def delivered(hub: ScriptedHub) -> int:
    return len(hub.rows("SELECT 1 FROM outbox WHERE kind = 'department.submit' AND state = 'delivered'"))


def test_a_broker_message_names_rows_of_one_queue_in_their_order() -> None:
    wakeups = [Wakeup(f"queue-{n % 2}", str(n)) for n in range(2 * BATCH + 2)]
    batches = broker.batches([*wakeups, Wakeup(broker.TICKS, "ticks.sweep"), Wakeup(broker.TICKS, "ticks.poll")])
    assert [len(batch) for batch in batches] == [BATCH, BATCH, 1, 1, 1, 1]
    assert all(len({wakeup.queue for wakeup in batch}) == 1 for batch in batches)
    assert [wakeup.id for wakeup in batches[0]] == [str(n) for n in range(0, 2 * BATCH, 2)]


def test_a_batch_of_submissions_is_handled_in_one_transaction(hub: ScriptedHub) -> None:
    ids = accepted(hub, 5)
    dispatch.handle(hub, *ids)
    assert {row["state"] for row in hub.rows("SELECT state FROM inbox")} == {"handled"}
    assert len(hub.rows("SELECT DISTINCT xmin::text FROM dossier")) == 1


def test_a_message_that_fails_harms_no_other_of_its_batch(hub: ScriptedHub) -> None:
    code = a_code(77)
    first = hub.accept(submission_arrival(a_submission("rest-a", dossier_code=code))).id
    dispatch.handle(hub, first)
    taken = hub.accept(submission_arrival(a_submission("rest-a", dossier_code=code))).id
    sound = accepted(hub, 3)
    dispatch.handle(hub, *sound[:2], taken, sound[2])
    states = {row["id"]: row["state"] for row in hub.rows("SELECT id, state FROM inbox")}
    assert [states[one] for one in sound] == ["handled"] * 3
    assert states[taken] == "refused"


def test_a_reply_that_fails_harms_no_other_of_its_batch(hub: ScriptedHub) -> None:
    transfers = [put_one(hub) for _ in range(AT_ONCE)]
    refused, away = Rejected("NO", reason="Thiếu giấy tờ"), Unavailable("BUSY", outcome_unknown=False)
    hub.department("rest-a").answers.extend([a_receipt(), refused, away, "not a receipt"])
    delivery.deliver(hub, *transfers)
    assert sorted(state_of(hub, one) for one in transfers) == sorted(
        [TransferState.DELIVERED, TransferState.REFUSED, TransferState.RETRYING, TransferState.STUCK]
    )
    assert all(len(attempts_of(hub, one)) == 1 for one in transfers)


def test_a_slow_reply_keeps_no_other_waiting(hub: ScriptedHub) -> None:
    transfers = [put_one(hub) for _ in range(AT_ONCE)]
    others_written = threading.Event()

    def slow(*_: Any) -> Any:
        assert others_written.wait(30)
        return a_receipt()

    hub.department("rest-a").answers.extend([slow, *[a_receipt()] * (AT_ONCE - 1)])
    running = threading.Thread(target=delivery.deliver, args=(hub, *transfers))
    running.start()
    try:
        wait_for("the others", lambda: delivered(hub) == AT_ONCE - 1, moves=lambda: delivered(hub))
    finally:
        others_written.set()
        running.join()
    assert {state_of(hub, one) for one in transfers} == {TransferState.DELIVERED}


def test_what_has_no_capacity_waits_and_goes_on_with_the_next_batch(hub: ScriptedHub) -> None:
    transfers = [put_one(hub) for _ in range(AT_ONCE + 2)]
    hub.department("rest-a").answers.extend([a_receipt()] * len(transfers))
    delivery.deliver(hub, *transfers)
    states = [state_of(hub, one) for one in transfers]
    assert (states.count(TransferState.DELIVERED), states.count(TransferState.QUEUED)) == (AT_ONCE, 2)
    hub.carry()
    assert {state_of(hub, one) for one in transfers} == {TransferState.DELIVERED}


@pytest.mark.parametrize(
    ("profile", "durable"),
    [(Idempotency.KEY, False), (Idempotency.NATURAL, False), (Idempotency.ASK, True), (Idempotency.NONE, True)],
)
def test_a_claim_is_on_disk_before_it_is_sent_where_a_repetition_is_not_recognised(
    hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch, profile: Idempotency, *, durable: bool
) -> None:
    transfer = put_one(hub)
    hub.profiles["department.rest-a"] = profile
    with counted_statements(monkeypatch) as statements:
        delivery._claim(hub, [transfer])
    assert (ASYNC_COMMIT in statements) is not durable


def test_the_database_hears_little_of_a_batch(hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """A budget: statements a message, handled and settled by itself, and in a batch."""
    ids = accepted(hub, BATCH + 1)
    dispatch.handle(hub, *accepted(hub, 1))  # what a process reads once
    with counted_statements(monkeypatch) as single:
        dispatch.handle(hub, ids[0])
    with counted_statements(monkeypatch) as batch:
        dispatch.handle(hub, *ids[1:])
    assert len(single) <= 14, single
    assert len(batch) <= 3 * BATCH, Counter(one[:90] for one in batch).most_common()


def test_outcomes_of_a_batch_are_recorded_for_each_attempt(hub: ScriptedHub) -> None:
    transfers = [put_one(hub) for _ in range(3)]
    hub.department("rest-a").answers.extend([a_receipt()] * 3)
    delivery.deliver(hub, *transfers)
    assert [attempts_of(hub, one) for one in transfers] == [[(False, Outcome.OK)]] * 3


def test_an_outcome_that_cannot_be_written_leaves_no_other_of_its_batch_unwritten(
    hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database goes away while the first reply is written, and is back when the second one comes."""
    first, *others = (put_one(hub) for _ in range(AT_ONCE))
    first_failed = threading.Event()
    outbound = flow.OUTBOUND[handoffs.KIND]

    def interrupted(uow: Any, transfer: Any, reply: Any) -> Any:
        if transfer.id == first:
            first_failed.set()
            hub.rows("SELECT pg_terminate_backend(%s)", uow.conn.info.backend_pid)
        return outbound.on_delivered(uow, transfer, reply)

    def late(*_: Any) -> Any:
        assert first_failed.wait(30)
        time.sleep(0.1)
        return a_receipt()

    def by_transfer(handoff: Any, key: str) -> Any:
        return a_receipt() if key == first else late()

    monkeypatch.setattr(hub.department("rest-a"), "submit", by_transfer)
    monkeypatch.setattr(
        delivery, "OUTBOUND", {**flow.OUTBOUND, handoffs.KIND: replace(outbound, on_delivered=interrupted)}
    )
    with pytest.raises(psycopg.OperationalError):
        delivery.deliver(hub, first, *others)
    assert {state_of(hub, one) for one in others} == {TransferState.DELIVERED}
    assert state_of(hub, first) == TransferState.SENDING
    assert hub.rows("SELECT unsettled_claims FROM outbox WHERE id = %s", first) == [{"unsettled_claims": 0}]


def test_a_port_that_cannot_be_built_is_an_outcome_and_harms_no_other_of_its_batch(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    [notice] = hub.rows("SELECT id FROM outbox WHERE counterparty = 'portal.cong-dvc'")
    del hub.players["portal.cong-dvc"]
    hub.department("rest-a").answers.append(a_receipt())
    delivery.deliver(hub, transfer, notice["id"])
    assert state_of(hub, transfer) == TransferState.DELIVERED
    assert state_of(hub, notice["id"]) == TransferState.RETRYING


def test_a_counterparty_that_left_the_catalogue_harms_no_other_of_a_batch(hub: ScriptedHub) -> None:
    transfer = put_one(hub)
    [notice] = hub.rows("SELECT id FROM outbox WHERE counterparty = 'portal.cong-dvc'")
    without = {code: party for code, party in hub.catalogue.counterparties.items() if code != "portal.cong-dvc"}
    portal = hub.catalogue.portal.model_copy(update={"endpoints": []})
    hub.catalogue = hub.catalogue.model_copy(update={"portal": portal})
    hub.catalogue.__dict__["counterparties"] = without
    hub.department("rest-a").answers.append(a_receipt())
    delivery.deliver(hub, transfer, notice["id"])
    assert state_of(hub, transfer) == TransferState.DELIVERED
    assert state_of(hub, notice["id"]) == TransferState.QUEUED


def test_a_reservation_that_fails_keeps_no_message_from_its_handler(
    hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = accepted(hub, 3)

    def fails(*_: Any) -> None:
        raise ValueError

    monkeypatch.setattr(flow, "RESERVED", dict.fromkeys(flow.RESERVED, fails))
    dispatch.handle(hub, *ids)
    assert {row["state"] for row in hub.rows("SELECT state FROM inbox")} == {"handled"}


def test_a_refusal_that_cannot_be_told_harms_no_other_of_its_batch(
    hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = a_code(77)
    dispatch.handle(hub, hub.accept(submission_arrival(a_submission("rest-a", dossier_code=code))).id)
    taken = hub.accept(submission_arrival(a_submission("rest-a", dossier_code=code))).id
    sound = accepted(hub, 2)

    def fails(*_: Any) -> Any:
        raise LookupError("no channel")

    monkeypatch.setattr(flow, "REFUSED", dict.fromkeys(flow.REFUSED, fails))
    with pytest.raises(LookupError, match="no channel"):
        dispatch.handle(hub, taken, *sound)
    assert {row["state"] for row in hub.rows("SELECT state FROM inbox WHERE id = ANY(%s)", sound)} == {"handled"}
