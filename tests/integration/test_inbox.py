"""The inbox: a message is stored once, however often it is sent."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from hub import dispatch
from hub.errors import KeyReused, ReferenceReused, StaleClaim
from hub.messages import inbox
from hub.messages.model import Arrival, Wakeup
from schemas.identifiers import Prefix, new_id
from tests.builders import a_submission, submission_arrival
from tests.scripted_hub import ScriptedHub


def again(arrival: Arrival, key: str | None = None) -> Arrival:
    """The same request once more, with another id."""
    return replace(arrival, id=new_id(Prefix.SUBMISSION), key=key or arrival.key)


def test_the_same_key_and_content_gets_the_first_answer(hub: ScriptedHub) -> None:
    arrival = submission_arrival()
    first = hub.accept(arrival)
    second = hub.accept(again(arrival))
    assert (second.id, second.at, second.replayed) == (first.id, first.at, True)
    assert len(hub.rows("SELECT 1 FROM inbox")) == 1


def test_the_same_key_with_other_content_is_refused_and_leaves_nothing(hub: ScriptedHub) -> None:
    arrival = submission_arrival(key="k-1")
    hub.accept(arrival)
    with pytest.raises(KeyReused):
        hub.accept(submission_arrival(key="k-1"))
    assert len(hub.rows("SELECT 1 FROM inbox")) == 1
    assert len(hub.rows("SELECT 1 FROM idempotency")) == 1


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_sender_that_lost_its_key_is_recognised_by_its_reference(hub: ScriptedHub) -> None:
    arrival = submission_arrival(key="k-1")
    first = hub.accept(arrival)
    assert hub.accept(again(arrival, key="k-2")).id == first.id
    assert hub.accept(again(arrival, key="k-2")).replayed
    assert len(hub.rows("SELECT 1 FROM inbox")) == 1


def test_the_same_reference_with_other_content_is_refused(hub: ScriptedHub) -> None:
    submission = a_submission()
    hub.accept(submission_arrival(submission, key="k-1"))
    with pytest.raises(ReferenceReused):
        hub.accept(submission_arrival(submission | {"summary": "Nội dung khác"}, key="k-2"))
    assert len(hub.rows("SELECT 1 FROM idempotency")) == 1


def test_fifty_copies_at_once_are_one_message_and_one_answer(hub: ScriptedHub) -> None:
    arrival = submission_arrival()
    with ThreadPoolExecutor(10) as pool:
        answers = list(pool.map(lambda _: hub.accept(again(arrival)), range(50)))
    assert len({answer.id for answer in answers}) == 1
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len(hub.rows("SELECT 1 FROM inbox")) == 1


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_claim_under_lease_is_not_given_twice_and_comes_back_by_itself(hub: ScriptedHub) -> None:
    accepted = hub.accept(submission_arrival())
    with hub.db.connection() as conn:
        assert inbox.claim(conn, [accepted.id], lease=0.2)
        assert not inbox.claim(conn, [accepted.id], lease=0.2)
        conn.execute("SELECT pg_sleep(0.25)")
        assert inbox.claim(conn, [accepted.id], lease=0.2)


def test_a_stale_claim_of_a_message_cannot_settle(hub: ScriptedHub) -> None:
    accepted = hub.accept(submission_arrival())
    with hub.db.connection() as conn:
        slow = inbox.claim(conn, [accepted.id], lease=0)
        quick = inbox.claim(conn, [accepted.id], lease=10)
        assert len(slow) == len(quick) == 1
        with pytest.raises(StaleClaim):
            inbox.settle(conn, slow)
        inbox.settle(conn, quick)


def test_what_is_woken_while_it_is_claimed_is_due_again_at_once(hub: ScriptedHub) -> None:
    """It may have looked before that came for which it waits."""
    arrival = replace(submission_arrival(), ordering_key="one")
    hub.accept(arrival)
    with hub.db.connection() as conn:
        for woken in (False, True):
            [message] = inbox.claim(conn, [arrival.id], lease=60)
            wakeups = inbox.wake(conn, arrival.source, "one") if woken else []
            postponed = inbox.postpone(conn, message, seconds=60, code="NOT_YET", detail="")
            assert postponed == wakeups
            due = hub.rows("SELECT due_at <= now() AS due FROM inbox")
            assert due == [{"due": woken}]
            hub.make_due(arrival.id)


def test_the_audit_log_cannot_be_changed(hub: ScriptedHub) -> None:
    hub.accept(submission_arrival())
    for statement in ("UPDATE audit_log SET action = 'x'", "DELETE FROM audit_log", "TRUNCATE audit_log"):
        with hub.db.connection() as conn, pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute(statement)


def test_a_message_that_is_woken_twice_while_it_is_handled_keeps_its_first_pause(hub: ScriptedHub) -> None:
    """Each wake-up takes back an attempt; below zero the next pause would be the last one, a day."""
    arrival = replace(submission_arrival(), ordering_key="one")
    hub.accept(arrival)
    with hub.db.connection() as conn:
        [message] = inbox.claim(conn, [arrival.id], lease=60)
        inbox.postpone(conn, message, seconds=0, code="NOT_YET", detail="")
        [message] = inbox.claim(conn, [arrival.id], lease=60)
        with hub.db.transaction() as handling:
            inbox.hold(handling, [message])
            for _ in range(3):
                inbox.wake(conn, arrival.source, "one")
                assert inbox.claim(conn, [arrival.id], lease=60) == []
        hub.make_due(arrival.id)
        [message] = inbox.claim(conn, [arrival.id], lease=60)
    assert message.backoff_attempts >= 1


def test_a_wakeup_that_came_too_early_for_its_ordering_key_is_not_counted_as_being_on_the_broker(
    hub: ScriptedHub,
) -> None:
    """A person requeued an earlier message after this one's wake-up had been published."""
    earlier, later = (hub.accept(replace(submission_arrival(), ordering_key="one")).id for _ in range(2))
    with hub.db.connection() as conn:
        conn.execute("UPDATE inbox SET wakeup_sent_at = now() WHERE id = %s", (later,))
    dispatch.handle(hub, later)
    dispatch.handle(hub, earlier)
    hub.waiting.clear()
    assert Wakeup(inbox.QUEUE, later) in hub.due(repeat_after=3600)
