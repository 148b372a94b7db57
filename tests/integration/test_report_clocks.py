"""Reports by clocks that differ: the order of arrival and the lifecycle decide, and nothing that ends passes unseen."""

from datetime import timedelta

from hub import operations
from hub.clock import now
from tests.builders import a_receipt, a_submission, submission_arrival
from tests.integration.test_dossiers import an_accepted_dossier, inbox_state, report, status_of
from tests.scripted_hub import ScriptedHub


def test_reports_by_a_clock_behind_the_receipts_move_the_dossier_all_the_same(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    for minutes, status in ((-2, "DANG_XU_LY"), (-1.5, "CHO_BO_SUNG"), (-1, "DANG_XU_LY"), (-0.5, "DA_CO_KET_QUA")):
        assert inbox_state(hub, report(hub, code, status, minutes)) == ("handled", None)
    assert status_of(hub, code) == "resolved"
    assert hub.rows("SELECT 1 FROM audit_log WHERE action = 'dossier_report_late'") == []


def test_what_a_receipt_has_said_already_sets_the_reports_clock(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    report(hub, code, "DA_TIEP_NHAN", -5)
    report(hub, code, "DANG_XU_LY", -4)
    assert status_of(hub, code) == "in_process"


def test_a_report_that_the_lifecycle_knows_in_one_order_only_is_not_late_within_the_skew(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    report(hub, code, "CHO_BO_SUNG", 3)
    report(hub, code, "RUT_HO_SO", 1)  # nothing follows a withdrawal, so that it came last
    assert status_of(hub, code) == "withdrawn"


def test_a_report_a_year_ahead_waits_for_a_person_and_blocks_nothing(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    ahead = report(hub, code, "DANG_XU_LY", 365 * 24 * 60)
    assert inbox_state(hub, ahead) == ("dead", "DATED_AHEAD")
    assert status_of(hub, code) == "accepted"
    report(hub, code, "DANG_XU_LY", 1)
    report(hub, code, "DA_CO_KET_QUA", 2)
    assert status_of(hub, code) == "resolved"


def test_a_person_lets_a_report_that_is_dated_ahead_pass_as_of_its_arrival(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    ahead = report(hub, code, "DANG_XU_LY", 365 * 24 * 60)
    operations.requeue(hub, ahead, actor="thu.nghiem", reason="đồng hồ của sở sai")
    hub.carry()
    came = "SELECT received_at FROM inbox WHERE id = %s"
    [row] = hub.rows(f"SELECT status, status_at = ({came}) AS as_it_came FROM dossier", ahead)
    assert row == {"status": "in_process", "as_it_came": True}


def test_a_receipt_a_year_ahead_blocks_no_report(hub: ScriptedHub) -> None:
    hub.department("rest-a").answers.append(a_receipt(at=now() + timedelta(days=365)))
    hub.accept(submission_arrival(a_submission()))
    hub.carry()
    [row] = hub.rows("SELECT code FROM dossier")
    report(hub, row["code"], "DANG_XU_LY", 1)
    assert status_of(hub, row["code"]) == "in_process"


def test_a_result_that_is_reported_late_is_a_persons_work_and_never_silence(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    report(hub, code, "DANG_XU_LY", 5)
    late = report(hub, code, "DA_CO_KET_QUA", -60)
    assert inbox_state(hub, late) == ("dead", "REPORT_LATE")
    assert status_of(hub, code) == "in_process"
    operations.requeue(hub, late, actor="thu.nghiem", reason="sở xác nhận")
    hub.carry()
    assert status_of(hub, code) == "resolved"


def test_a_result_of_what_is_returned_already_is_no_news(hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    for minutes, status in ((1, "DANG_XU_LY"), (2, "DA_CO_KET_QUA"), (5, "DA_TRA_KET_QUA")):
        report(hub, code, status, minutes)
    assert inbox_state(hub, report(hub, code, "DA_CO_KET_QUA", 3)) == ("handled", None)
