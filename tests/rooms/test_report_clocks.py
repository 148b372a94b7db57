"""Reports by clocks that differ: the order of arrival and the lifecycle decide, and nothing that ends passes unseen."""

from datetime import timedelta

from hub import operations
from hub.clock import now
from tests.builders import a_receipt, a_submission, submission_arrival
from tests.house import ScriptedHouse
from tests.rooms.test_dossiers import an_accepted_dossier, inbox_state, report, status_of


def test_reports_by_a_clock_behind_the_receipts_move_the_dossier_all_the_same(house: ScriptedHouse) -> None:
    code = an_accepted_dossier(house)
    for minutes, status in ((-2, "DANG_XU_LY"), (-1.5, "CHO_BO_SUNG"), (-1, "DANG_XU_LY"), (-0.5, "DA_CO_KET_QUA")):
        assert inbox_state(house, report(house, code, status, minutes)) == ("handled", None)
    assert status_of(house, code) == "resolved"
    assert house.rows("SELECT 1 FROM journal WHERE verb = 'report late'") == []


def test_what_a_receipt_has_said_already_sets_the_reports_clock(house: ScriptedHouse) -> None:
    code = an_accepted_dossier(house)
    report(house, code, "DA_TIEP_NHAN", -5)
    report(house, code, "DANG_XU_LY", -4)
    assert status_of(house, code) == "in_process"


def test_a_report_that_the_lifecycle_knows_in_one_order_only_is_not_late_within_the_skew(house: ScriptedHouse) -> None:
    code = an_accepted_dossier(house)
    report(house, code, "CHO_BO_SUNG", 3)
    report(house, code, "RUT_HO_SO", 1)  # nothing follows a withdrawal, so that it came last
    assert status_of(house, code) == "withdrawn"


def test_a_report_a_year_ahead_waits_for_a_person_and_blocks_nothing(house: ScriptedHouse) -> None:
    code = an_accepted_dossier(house)
    ahead = report(house, code, "DANG_XU_LY", 365 * 24 * 60)
    assert inbox_state(house, ahead) == ("dead", "DATED_AHEAD")
    assert status_of(house, code) == "accepted"
    report(house, code, "DANG_XU_LY", 1)
    report(house, code, "DA_CO_KET_QUA", 2)
    assert status_of(house, code) == "resolved"


def test_a_person_lets_a_report_that_is_dated_ahead_pass_as_of_its_arrival(house: ScriptedHouse) -> None:
    code = an_accepted_dossier(house)
    ahead = report(house, code, "DANG_XU_LY", 365 * 24 * 60)
    operations.revive(house, ahead, actor="thu.nghiem", reason="đồng hồ của sở sai")
    house.carry()
    came = "SELECT received_at FROM inbox WHERE id = %s"
    [row] = house.rows(f"SELECT status, status_at = ({came}) AS as_it_came FROM dossier", ahead)
    assert row == {"status": "in_process", "as_it_came": True}


def test_a_receipt_a_year_ahead_blocks_no_report(house: ScriptedHouse) -> None:
    house.department("rest-a").answers.append(a_receipt(at=now() + timedelta(days=365)))
    house.accept(submission_arrival(a_submission()))
    house.carry()
    [row] = house.rows("SELECT code FROM dossier")
    report(house, row["code"], "DANG_XU_LY", 1)
    assert status_of(house, row["code"]) == "in_process"


def test_a_result_that_is_reported_late_is_a_persons_work_and_never_silence(house: ScriptedHouse) -> None:
    code = an_accepted_dossier(house)
    report(house, code, "DANG_XU_LY", 5)
    late = report(house, code, "DA_CO_KET_QUA", -60)
    assert inbox_state(house, late) == ("dead", "REPORT_LATE")
    assert status_of(house, code) == "in_process"
    operations.revive(house, late, actor="thu.nghiem", reason="sở xác nhận")
    house.carry()
    assert status_of(house, code) == "resolved"


def test_a_result_of_what_is_returned_already_is_no_news(house: ScriptedHouse) -> None:
    code = an_accepted_dossier(house)
    for minutes, status in ((1, "DANG_XU_LY"), (2, "DA_CO_KET_QUA"), (5, "DA_TRA_KET_QUA")):
        report(house, code, status, minutes)
    assert inbox_state(house, report(house, code, "DA_CO_KET_QUA", 3)) == ("handled", None)
