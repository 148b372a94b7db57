"""Feeds: what cannot be read is set aside, what hangs holds up nobody else, and nothing is read twice at once."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from connectors.errors import ContractBroken, Unavailable
from hub import feeds, operations, polling, views
from hub.embedded.waiting import wait_for
from hub.errors import InvalidState
from schemas.department import Changes, ReadChanges, StatusReport
from schemas.postal import EventPage
from schemas.replies import UnreadableEntry
from tests.builders import a_code, a_receipt, a_report, a_submission, report_arrival, submission_arrival
from tests.scripted_hub import ScriptedHub

ACTOR, REASON = "thu.nghiem", "đã hỏi sở"
DEPARTMENT = "department.soap-a"


def a_dossier(hub: ScriptedHub, serial: int = 1) -> str:
    """A dossier that the department with a feed has taken; its code."""
    hub.department("soap-a").answers.append(a_receipt())
    code = a_code(serial)
    hub.accept(submission_arrival(a_submission("soap-a", dossier_code=code)))
    hub.carry()
    return code


def set_aside(hub: ScriptedHub, code: str) -> str:
    """A page of which one entry cannot be read, beside one that can; the id of the message that it became."""
    aside = UnreadableEntry.entry('{"report_id": "R-1"}', "/status missing")
    page = ReadChanges(reports=[a_report(code, "20")], unreadable=[aside], cursor="2")
    hub.department("soap-a").pages.append(page)
    polling.poll(hub)
    hub.carry()
    [row] = hub.rows("SELECT id FROM inbox WHERE kind = 'feed.unreadable'")
    return str(row["id"])


def feed_of(hub: ScriptedHub, code: str = DEPARTMENT) -> dict[str, object]:
    [row] = hub.rows("SELECT cursor, poll_lease_until, feed_error FROM counterparty WHERE code = %s", code)
    return row


def has_been_read(hub: ScriptedHub, code: str) -> bool:
    """Whether somebody has read the feed, and nobody reads it now."""
    read = "SELECT FROM counterparty WHERE code = %s AND polled_at IS NOT NULL AND poll_lease_until IS NULL"
    return bool(hub.rows(read, code))


def state_of(hub: ScriptedHub, message_id: str) -> tuple[str, str | None]:
    [row] = hub.rows("SELECT state, error_code FROM inbox WHERE id = %s", message_id)
    return row["state"], row["error_code"]


def test_an_entry_that_cannot_be_read_waits_for_a_person_and_the_feed_goes_on(hub: ScriptedHub) -> None:
    code = a_dossier(hub)
    message = set_aside(hub, code)
    assert state_of(hub, message) == ("dead", "ENTRY_UNREADABLE")
    assert hub.rows("SELECT status FROM dossier") == [{"status": "in_process"}]
    assert feed_of(hub) == {"cursor": "2", "poll_lease_until": None, "feed_error": None}


def test_what_was_set_aside_is_read_again_once_something_was_mended(hub: ScriptedHub) -> None:
    code = a_dossier(hub)
    message = set_aside(hub, code)
    department = hub.department("soap-a")
    department.entries.append(UnreadableEntry.entry('{"report_id": "R-1"}', "/status missing"))
    with pytest.raises(InvalidState, match="/status missing"):
        operations.requeue(hub, message, actor=ACTOR, reason=REASON)
    assert state_of(hub, message)[0] == "dead"
    department.entries.append(a_report(code, "90", minutes=2))
    operations.requeue(hub, message, actor=ACTOR, reason=REASON)
    hub.carry()
    assert state_of(hub, message)[0] == "handled"
    assert hub.rows("SELECT status FROM dossier") == [{"status": "resolved"}]
    [line] = hub.rows(
        "SELECT actor, reason FROM audit_log WHERE subject = %s AND action = 'message_read_again'", message
    )
    assert line == {"actor": ACTOR, "reason": REASON}


def test_a_person_is_done_with_what_was_set_aside_and_it_is_kept(hub: ScriptedHub) -> None:
    message = set_aside(hub, a_dossier(hub))
    operations.refuse(hub, message, actor=ACTOR, reason=REASON)
    assert state_of(hub, message)[0] == "refused"
    [line] = hub.rows("SELECT actor, reason FROM audit_log WHERE subject = %s AND action = 'message_refused'", message)
    assert line == {"actor": ACTOR, "reason": REASON}
    [row] = hub.rows("SELECT body FROM inbox WHERE id = %s", message)
    assert UnreadableEntry.model_validate_json(row["body"]).document == '{"report_id": "R-1"}'
    with pytest.raises(InvalidState):
        operations.refuse(hub, message, actor=ACTOR, reason=REASON)


def test_a_report_that_was_pushed_under_a_key_of_its_own_does_not_stop_the_feed(hub: ScriptedHub) -> None:
    code = a_dossier(hub)
    report = a_report(code, "20")
    hub.accept(replace(report_arrival(report, "soap-a"), key="a key of their own"))
    page = ReadChanges(reports=[report, a_report(code, "90", minutes=2)], cursor="1")
    hub.department("soap-a").pages.append(page)
    polling.poll(hub)
    hub.carry()
    assert feed_of(hub) == {"cursor": "1", "poll_lease_until": None, "feed_error": None}
    assert hub.rows("SELECT status FROM dossier") == [{"status": "resolved"}]
    assert hub.rows("SELECT count(*) AS n FROM inbox WHERE kind <> 'portal.submission'") == [{"n": 2}]


def test_a_clock_that_was_set_back_keeps_no_feed_from_being_read(hub: ScriptedHub) -> None:
    with hub.db.connection() as conn:
        conn.execute(
            "UPDATE counterparty SET polled_at = now() + interval '1 day', poll_lease_until = now() + interval '1 day'"
        )
    hub.department("soap-a").pages.append(ReadChanges(reports=[], cursor="1"))
    polling.poll(hub)
    assert feed_of(hub) == {"cursor": "1", "poll_lease_until": None, "feed_error": None}


def contradicted(hub: ScriptedHub) -> str:
    """A report, and another one under its name, told twice, beside one that is right; the id of what was set aside."""
    code = a_dossier(hub)
    first, second = a_report(code, "20", report_id="R-1"), a_report(code, "90", minutes=2, report_id="R-1")
    for cursor, reports in enumerate(([first], [second, a_report(code, "20", minutes=1)], [second]), 1):
        hub.department("soap-a").pages.append(ReadChanges(reports=reports, cursor=str(cursor)))
        polling.poll(hub)
    hub.carry()
    [row] = hub.rows("SELECT id FROM inbox WHERE kind = 'department.conflict'")
    return str(row["id"])


def test_a_report_that_contradicts_an_earlier_one_of_its_name_waits_for_a_person(hub: ScriptedHub) -> None:
    message = contradicted(hub)
    assert state_of(hub, message) == ("dead", "REPORT_CONFLICT")
    assert feed_of(hub) == {"cursor": "3", "poll_lease_until": None, "feed_error": None}
    assert hub.rows("SELECT status FROM dossier") == [{"status": "in_process"}]
    with hub.db.connection() as conn:
        shown = views.message(conn, message)
    assert shown is not None
    assert StatusReport.model_validate_json(shown["document"]).status == "90"


def test_a_person_takes_both_of_two_that_contradict_each_other(hub: ScriptedHub) -> None:
    message = contradicted(hub)
    operations.requeue(hub, message, actor=ACTOR, reason=REASON)
    hub.carry()
    assert state_of(hub, message)[0] == "handled"
    assert hub.rows("SELECT status FROM dossier") == [{"status": "resolved"}]
    [line] = hub.rows(
        "SELECT actor, reason FROM audit_log WHERE subject = %s AND action = 'message_taken_as_new'", message
    )
    assert line == {"actor": ACTOR, "reason": REASON}


def test_a_person_refuses_what_contradicts_an_earlier_one(hub: ScriptedHub) -> None:
    message = contradicted(hub)
    assert not operations.refuse(hub, message, actor=ACTOR, reason=REASON)
    assert state_of(hub, message)[0] == "refused"
    assert hub.rows("SELECT status FROM dossier") == [{"status": "in_process"}]


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (ContractBroken("PARTNER_CONTRACT", "no page"), "PARTNER_CONTRACT: no page"),
        (Unavailable("PARTNER_UNREACHABLE"), "PARTNER_UNREACHABLE"),
        (ZeroDivisionError(), "ZeroDivision"),
    ],
)
def test_why_a_feed_stands_still_is_kept_until_it_goes_on(hub: ScriptedHub, failure: Exception, message: str) -> None:
    def fail(_: str) -> Changes:
        raise failure

    goes_on = hub.department("soap-a").changes
    hub.department("soap-a").changes = fail  # type: ignore[method-assign, assignment]
    polling.poll(hub)
    assert message in str(feed_of(hub)["feed_error"])
    assert feed_of(hub)["poll_lease_until"] is None
    hub.department("soap-a").changes = goes_on  # type: ignore[method-assign]
    polling.poll(hub)
    assert feed_of(hub)["feed_error"] is None


def test_a_feed_that_hangs_holds_up_no_other_and_is_not_read_twice_at_a_time(hub: ScriptedHub) -> None:
    hung, let_go = threading.Event(), threading.Event()
    calls: list[str] = []

    def hang(cursor: str) -> ReadChanges:
        calls.append(cursor)
        hung.set()
        assert let_go.wait(60)
        return ReadChanges(reports=[], cursor=cursor)

    hub.department("soap-a").changes = hang  # type: ignore[method-assign]
    first = threading.Thread(target=polling.poll, args=(hub,))
    first.start()
    try:
        assert hung.wait(60)
        # The first poll reads the operator's feed beside the one that hangs, perhaps a moment after it.
        wait_for("the operator's feed", lambda: has_been_read(hub, "postal.post-a"), moves=str)
        for cursor in ("1", "2"):
            hub.operator("post-a").pages.append(EventPage(events=[], cursor=cursor))
            polling.poll(hub)  # comes back, though the first still waits
            assert feed_of(hub, "postal.post-a")["cursor"] == cursor
        assert calls == [""]
        assert feed_of(hub)["poll_lease_until"] is not None
    finally:
        let_go.set()
        first.join(60)
    assert feed_of(hub)["poll_lease_until"] is None


def test_who_outsleeps_the_lease_stores_nothing_more(hub: ScriptedHub) -> None:
    def outslept(read: Callable[[str], ReadChanges]) -> Callable[[str], ReadChanges]:
        def changes(cursor: str) -> ReadChanges:
            with hub.db.connection() as conn:
                conn.execute("UPDATE counterparty SET poll_lease_until = now() + interval '1 day', cursor = '9'")
            return read(cursor)

        return changes

    page = ReadChanges(reports=[a_report(a_code(1), "20")], cursor="1")
    hub.department("soap-a").pages.append(page)
    hub.department("soap-a").changes = outslept(hub.department("soap-a").changes)  # type: ignore[method-assign, assignment]
    polling.poll(hub)
    assert feed_of(hub)["cursor"] == "9"
    assert hub.count("inbox") == 0


def test_a_feed_whose_counterparty_is_paused_is_left_alone(hub: ScriptedHub) -> None:
    operations.pause(hub, DEPARTMENT, actor=ACTOR, reason=REASON)
    hub.department("soap-a").pages.append(ReadChanges(reports=[], cursor="1"))
    polling.poll(hub)
    assert feed_of(hub)["cursor"] == ""


def test_every_feed_that_sets_aside_can_read_again() -> None:
    """A kind of feed that sets entries aside and cannot read them again would leave a person without a way."""
    assert {kind.__name__ for kind, feed in feeds.FEEDS.items() if feed.again} == {"Department", "Operator"}
