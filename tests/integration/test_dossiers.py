"""A dossier from its submission to its result, and what a department's reports do to it."""

import json
from itertools import permutations

import pytest

from hub import dispatch, operations
from hub.clock import now
from hub.dossiers import portal_view
from hub.errors import InvalidState, NotFound
from hub.http.paging import EPOCH
from hub.messages.model import Wakeup
from schemas.department import Handoff
from schemas.portal import Submission
from tests.builders import a_code, a_receipt, a_report, a_submission, report_arrival, submission_arrival
from tests.scripted_hub import ScriptedHub


def an_accepted_dossier(hub: ScriptedHub) -> str:
    """A dossier that its department has taken; gives its code."""
    hub.department("rest-a").answers.append(a_receipt())
    hub.accept(submission_arrival(a_submission()))
    hub.carry()
    [row] = hub.rows("SELECT code, status FROM dossier ORDER BY received_at DESC LIMIT 1")
    assert row["status"] == "accepted"
    return str(row["code"])


def report(hub: ScriptedHub, code: str, status: str, minutes: float = 1) -> str:
    accepted = hub.accept(report_arrival(a_report(code, status, minutes=minutes)))
    hub.carry()
    return accepted.id


def status_of(hub: ScriptedHub, code: str) -> str:
    [row] = hub.rows("SELECT status FROM dossier WHERE code = %s", code)
    return str(row["status"])


def inbox_state(hub: ScriptedHub, message_id: str) -> tuple[str, str | None]:
    [row] = hub.rows("SELECT state, error_code FROM inbox WHERE id = %s", message_id)
    return row["state"], row["error_code"]


@pytest.mark.database_roles("owner", "hub_worker")
def test_the_hub_issues_codes_without_gaps_when_the_portal_has_none(hub: ScriptedHub) -> None:
    for _ in range(3):
        hub.accept(submission_arrival(a_submission("soap-a")))
    hub.department("soap-a").answers.extend([a_receipt(), a_receipt(), a_receipt()])
    hub.carry()
    codes = [row["code"] for row in hub.rows("SELECT code FROM dossier ORDER BY code")]
    assert [code[-4:] for code in codes] == ["0001", "0002", "0003"]


def test_a_code_that_the_portal_issued_in_the_centres_name_is_passed_over(hub: ScriptedHub) -> None:
    hub.department("rest-a").answers.extend([a_receipt(), a_receipt(), a_receipt()])
    centre = hub.catalogue.portal.centre
    hub.accept(submission_arrival(a_submission(dossier_code=a_code(1, agency=centre))))
    hub.accept(submission_arrival(a_submission(dossier_code=a_code(2, agency=centre))))
    hub.carry()
    ours = hub.accept(submission_arrival(a_submission()))
    hub.carry()
    assert inbox_state(hub, ours.id) == ("handled", None)
    assert [row["code"][-4:] for row in hub.rows("SELECT code FROM dossier ORDER BY code")] == [
        "0001",
        "0002",
        "0003",
    ]


def test_the_portals_own_code_is_kept_and_a_second_with_the_same_is_refused_with_a_notice(hub: ScriptedHub) -> None:
    code = a_code(17)
    hub.department("rest-a").answers.append(a_receipt())
    hub.accept(submission_arrival(a_submission(dossier_code=code)))
    second = hub.accept(submission_arrival(a_submission(dossier_code=code.lower())))
    hub.carry()
    assert status_of(hub, code) == "accepted"
    assert inbox_state(hub, second.id) == ("refused", "DOSSIER_CODE_TAKEN")
    [notice] = [json.loads(body)["data"] for body, _ in hub.endpoint("cong-dvc").received if second.id.encode() in body]
    assert (notice["state"], notice["status_code"], notice["version"]) == ("rejected", "3", 1)
    assert notice["dossier_code"] == code.lower()
    assert "đã thuộc hồ sơ khác" in notice["reason"]
    with hub.db.connection() as conn:
        view = portal_view.submission(conn, id=second.id)
        [listed] = [one for one in portal_view.page(conn, moment=EPOCH, after="", limit=9) if one.id == second.id]
        assert any(second.id in event.notice for event in portal_view.events(conn, after=None, limit=9))
    assert view == listed
    assert view is not None
    assert (view.state, view.version, view.reason) == ("rejected", 1, notice["reason"])


def test_a_person_refuses_what_waits_and_the_portal_is_told_the_reason(hub: ScriptedHub) -> None:
    gone = hub.accept(submission_arrival(a_submission(procedure="9.999999")))
    hub.carry()
    assert inbox_state(hub, gone.id) == ("dead", "PROCEDURE_UNKNOWN")
    assert operations.refuse(hub, gone.id, actor="cli:lan", reason="Thủ tục không còn tiếp nhận")
    hub.carry()
    [(body, _)] = hub.endpoint("cong-dvc").received
    assert json.loads(body)["data"]["reason"] == "Thủ tục không còn tiếp nhận"
    assert json.loads(body)["data"]["dossier_code"] is None
    [noted] = hub.rows("SELECT actor, reason FROM audit_log WHERE action = 'message_refused'")
    assert noted == {"actor": "cli:lan", "reason": "Thủ tục không còn tiếp nhận"}
    with pytest.raises(InvalidState, match="is refused"):
        operations.refuse(hub, gone.id, actor="cli:lan", reason="lần nữa")
    with pytest.raises(InvalidState, match="no dead message"):
        operations.requeue(hub, gone.id, actor="cli:lan", reason="lại")


def test_a_report_that_is_refused_ends_and_nobody_is_told(hub: ScriptedHub) -> None:
    message = report(hub, an_accepted_dossier(hub), "MA_LA")
    assert not operations.refuse(hub, message, actor="cli:lan", reason="không phải hồ sơ của Trung tâm")
    assert inbox_state(hub, message) == ("refused", "REFUSED")
    with pytest.raises(NotFound):
        operations.refuse(hub, "in_0", actor="cli:lan", reason="không có")


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_dossier_runs_through_its_life_and_the_portal_hears_of_each_step(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    for minute, status in enumerate(["DANG_XU_LY", "CHO_BO_SUNG", "DANG_XU_LY", "DA_CO_KET_QUA", "DA_TRA_KET_QUA"], 1):
        report(hub, code, status, minute)
    assert status_of(hub, code) == "returned"
    versions = hub.rows("SELECT version FROM event ORDER BY seq")
    assert [row["version"] for row in versions] == [1, 2, 3, 4, 5, 6, 7]
    assert len(hub.endpoint("cong-dvc").received) == len(hub.endpoint("second").received) == 7


def test_an_unknown_code_moves_nothing_and_waits_for_a_person(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    message = report(hub, code, "MA_LA")
    assert inbox_state(hub, message) == ("dead", "STATUS_UNKNOWN")
    assert status_of(hub, code) == "accepted"


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_late_report_is_audited_and_moves_nothing(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    report(hub, code, "DANG_XU_LY", 10)
    message = report(hub, code, "CHO_BO_SUNG", 5)
    assert inbox_state(hub, message) == ("handled", None)
    assert status_of(hub, code) == "in_process"
    assert hub.rows("SELECT after FROM audit_log WHERE action = 'dossier_report_late'") == [
        {"after": "supplement_requested"}
    ]


def test_a_repeated_report_moves_nothing_under_whatever_id(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    first = a_report(code, "DANG_XU_LY")
    hub.accept(report_arrival(first))
    hub.accept(report_arrival(first))
    hub.carry()
    hub.accept(report_arrival(first.model_copy(update={"report_id": "BC-moi"})))
    hub.carry()
    assert [row["version"] for row in hub.rows("SELECT version FROM event ORDER BY seq")] == [1, 2, 3]


def test_reports_out_of_order_end_in_the_same_place(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    early = report(hub, code, "DA_CO_KET_QUA", 9)
    assert inbox_state(hub, early) == ("waiting", "REPORT_EARLY")
    report(hub, code, "DANG_XU_LY", 5)
    hub.make_due(early)
    dispatch.handle(hub, early)
    assert status_of(hub, code) == "resolved"


def test_a_supplement_that_is_reported_late_does_not_undo_its_own_end(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    report(hub, code, "DANG_XU_LY", 1)
    report(hub, code, "DANG_XU_LY", 3)
    report(hub, code, "CHO_BO_SUNG", 2)
    report(hub, code, "DA_CO_KET_QUA", 4)
    assert status_of(hub, code) == "resolved"


def test_every_order_of_a_departments_reports_ends_in_the_same_place(hub: ScriptedHub) -> None:
    steps = ["DANG_XU_LY", "CHO_BO_SUNG", "DANG_XU_LY", "DA_CO_KET_QUA"]
    for order in permutations(range(len(steps))):
        code = an_accepted_dossier(hub)
        reports = [a_report(code, status, minutes=minute) for minute, status in enumerate(steps, 1)]
        waiting = [hub.accept(report_arrival(reports[place])).id for place in order]
        for _ in steps:
            hub.carry()
            for message in waiting:
                hub.make_due(message)
                hub.wake([Wakeup("inbox", message)])
        assert status_of(hub, code) == "resolved", order


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_report_before_our_own_receipt_waits_for_it(hub: ScriptedHub) -> None:
    accepted = hub.accept(submission_arrival())
    dispatch.handle(hub, accepted.id)
    [row] = hub.rows("SELECT code FROM dossier")
    message = hub.accept(report_arrival(a_report(row["code"], "DANG_XU_LY")))
    dispatch.handle(hub, message.id)
    assert inbox_state(hub, message.id) == ("waiting", "REPORT_EARLY")
    hub.department("rest-a").answers.append(a_receipt(at=now()))
    hub.carry()
    hub.make_due(message.id)
    dispatch.handle(hub, message.id)
    assert status_of(hub, row["code"]) == "in_process"


@pytest.mark.database_roles("owner", "hub_worker")
def test_a_report_about_an_unknown_dossier_waits_and_ends_dead_not_lost(hub: ScriptedHub) -> None:
    message = hub.accept(report_arrival(a_report(a_code(4711), "DANG_XU_LY")))
    for _ in range(4):
        hub.make_due(message.id)
        dispatch.handle(hub, message.id)
    assert inbox_state(hub, message.id) == ("dead", "DOSSIER_UNKNOWN")


def test_a_department_cannot_speak_for_anothers_dossier(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    message = hub.accept(report_arrival(a_report(code, "DANG_XU_LY"), department="rest-b"))
    dispatch.handle(hub, message.id)
    assert inbox_state(hub, message.id) == ("waiting", "DOSSIER_UNKNOWN")
    assert status_of(hub, code) == "accepted"


def test_a_terminal_dossier_is_moved_by_nobody(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    report(hub, code, "RUT_HO_SO", 1)
    message = report(hub, code, "DANG_XU_LY", 2)
    assert inbox_state(hub, message) == ("dead", "MOVE_REFUSED")
    assert status_of(hub, code) == "withdrawn"


def test_the_handoff_says_what_the_submission_said(hub: ScriptedHub) -> None:
    submission = a_submission()
    accepted = hub.accept(submission_arrival(submission))
    dispatch.handle(hub, accepted.id)
    [row] = hub.rows("SELECT body FROM outbox WHERE kind = 'department.submit'")
    handoff = Handoff.model_validate_json(row["body"])
    request = Submission.model_validate(submission, strict=False)
    assert (handoff.applicant, handoff.papers, handoff.summary, handoff.result) == (
        request.applicant,
        request.papers,
        request.summary,
        request.result,
    )


def test_a_message_and_what_it_brings_about_are_one(hub: ScriptedHub) -> None:
    with hub.db.connection() as conn:
        conn.execute("ALTER TABLE handoff ADD CONSTRAINT never CHECK (false)")
    accepted = hub.accept(submission_arrival())
    dispatch.handle(hub, accepted.id)
    assert inbox_state(hub, accepted.id) == ("waiting", "HANDLER_FAILED")
    for table in ("dossier", "event", "outbox", "handoff"):
        assert hub.count(table) == 0


def test_reports_of_one_dossier_are_handled_in_the_order_in_which_they_came(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    first = hub.accept(report_arrival(a_report(code, "DANG_XU_LY", minutes=1)))
    second = hub.accept(report_arrival(a_report(code, "DA_CO_KET_QUA", minutes=2)))
    hub.waiting.clear()
    dispatch.handle(hub, second.id)
    assert inbox_state(hub, second.id) == ("received", None)
    dispatch.handle(hub, first.id)
    assert hub.waiting[-1] == Wakeup("inbox", second.id)
    hub.carry()
    assert status_of(hub, code) == "resolved"


def test_a_report_that_waited_goes_on_as_soon_as_its_predecessor_is_there(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    report(hub, code, "DA_CO_KET_QUA", 9)
    report(hub, code, "DANG_XU_LY", 5)
    assert status_of(hub, code) == "resolved"


def test_steps_that_a_department_leaves_out_are_passed_when_its_patience_is_over(hub: ScriptedHub) -> None:
    hub.impatient("rest-a")
    code = an_accepted_dossier(hub)
    report(hub, code, "DA_TRA_KET_QUA")
    assert status_of(hub, code) == "returned"
    passed = hub.rows("SELECT after FROM audit_log WHERE action = 'dossier_status_inferred' ORDER BY id")
    assert [line["after"] for line in passed] == ["in_process", "resolved"]


def test_no_patience_leads_a_dossier_back(hub: ScriptedHub) -> None:
    hub.impatient("rest-a")
    code = an_accepted_dossier(hub)
    report(hub, code, "DA_CO_KET_QUA", 1)
    message = report(hub, code, "DA_TIEP_NHAN", 2)
    assert inbox_state(hub, message) == ("dead", "MOVE_REFUSED")
    assert status_of(hub, code) == "resolved"
