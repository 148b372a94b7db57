"""What a department tells the hub by itself: signed, in its order, until the hub has taken it, restarts included."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.sandbox.dossier_behaviours import UNKNOWN_CODE
from schemas.department import StatusReport
from tests.catalogue_secrets import environment
from tests.unit.sandbox.hubs import WitnessHub
from tests.unit.sandbox.running import NOWHERE, Running, a_handoff, call, sandbox, until

CODE = "department.rest-a"
IN_ORDER = ["DA_TIEP_NHAN", "DANG_XU_LY", "DA_CO_KET_QUA", "DA_TRA_KET_QUA"]


@pytest.fixture
def pushing(tmp_path: Path, witness: WitnessHub) -> Iterator[Running]:
    """A REST department that pushes to the witness."""
    with sandbox(tmp_path, [CODE], hub=witness.url) as running:
        yield running


def hand_over(rest: Running, serial: int, answer: int = 201) -> str:
    """The dossier code, once the department has answered."""
    handoff = a_handoff(serial)
    token = environment()["HUB_SECRET_TEST_REST_A_TOKEN"]
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"tr_{serial}"}
    body = handoff.model_dump_json(exclude_none=True).encode()
    assert call("POST", f"{rest.urls[CODE]}/dossiers", data=body, headers=headers).status_code == answer
    return handoff.dossier_code


def reports_of(witness: WitnessHub, dossier_code: str, reports: int) -> list[StatusReport]:
    """The reports of a dossier, once there are so many."""
    until(lambda: len(witness.of(dossier_code)) >= reports)
    return witness.of(dossier_code)


def statuses(reports: list[StatusReport]) -> list[str]:
    return [report.status for report in reports]


def settled(rest: Running) -> bool:
    """Whether every report has been taken by the hub."""
    return all(row["unpushed"] == 0 for row in call("GET", f"{rest.control(CODE)}/dossiers").json())


def test_the_statuses_come_signed_in_order_and_in_the_order_of_their_moments(
    pushing: Running, witness: WitnessHub
) -> None:
    reports = reports_of(witness, hand_over(pushing, 9001), 4)
    assert statuses(reports) == IN_ORDER
    moments = [report.at for report in reports]
    assert moments == sorted(set(moments))
    assert len({report.report_id for report in reports}) == 4
    assert pushing.effects(CODE)[0].at < moments[0]


def test_a_hub_that_is_away_hears_everything_later_in_order(pushing: Running, witness: WitnessHub) -> None:
    witness.refuse_next = 3
    assert statuses(reports_of(witness, hand_over(pushing, 9001), 4)) == IN_ORDER
    assert witness.refused == 3


def test_a_hub_that_is_away_is_asked_by_one_report_at_a_time(pushing: Running, witness: WitnessHub) -> None:
    witness.refuse_next = 1_000_000
    codes = [hand_over(pushing, serial) for serial in range(1, 41)]
    until(lambda: all(row["moves_told"] >= 4 for row in call("GET", f"{pushing.control(CODE)}/dossiers").json()))
    assert 1 <= witness.refused < 60
    witness.refuse_next = 0
    until(lambda: settled(pushing))
    assert all(witness.of(code) for code in codes)


def test_a_report_that_the_hub_does_not_take_stops_no_other_dossier(pushing: Running, witness: WitnessHub) -> None:
    unwanted = a_handoff(9001).dossier_code
    witness.unwanted.add(unwanted)
    hand_over(pushing, 9001)
    assert statuses(reports_of(witness, hand_over(pushing, 9006, 409), 4)) == IN_ORDER
    assert witness.of(unwanted) == []
    witness.unwanted.clear()
    assert statuses(reports_of(witness, unwanted, 4)) == IN_ORDER


def test_the_first_status_comes_before_the_receipt(tmp_path: Path, witness: WitnessHub) -> None:
    witness.refuse_next = 2
    with sandbox(tmp_path, [CODE], hub=witness.url, pace=60) as rest:
        dossier_code = hand_over(rest, 9013)
        assert statuses(witness.of(dossier_code)) == IN_ORDER[:1]


def test_an_unknown_code_is_the_last_that_is_said(pushing: Running, witness: WitnessHub) -> None:
    reports = reports_of(witness, hand_over(pushing, 9008), 3)
    assert statuses(reports) == [*IN_ORDER[:2], UNKNOWN_CODE]


def test_out_of_order_the_newer_status_comes_first_and_the_moments_are_true(
    pushing: Running, witness: WitnessHub
) -> None:
    accepted, resolved, in_process, returned = reports_of(witness, hand_over(pushing, 9009), 4)
    assert statuses([accepted, resolved, in_process, returned]) == [IN_ORDER[0], IN_ORDER[2], IN_ORDER[1], IN_ORDER[3]]
    assert accepted.at < in_process.at < resolved.at < returned.at


def test_a_repeated_report_is_the_same_twice_and_once_more_under_another_id(
    pushing: Running, witness: WitnessHub
) -> None:
    _, first, second, third, *_ = reports_of(witness, hand_over(pushing, 9011), 6)
    assert first == second
    assert third.report_id != first.report_id
    assert third.model_copy(update={"report_id": first.report_id}) == first


def test_a_late_status_is_older_than_the_one_before_it(pushing: Running, witness: WitnessHub) -> None:
    reports = reports_of(witness, hand_over(pushing, 9012), 5)
    assert statuses(reports) == [*IN_ORDER[:3], "CHO_BO_SUNG", IN_ORDER[3]]
    assert reports[1].at < reports[3].at < reports[2].at < reports[4].at


def test_a_restarted_department_pushes_what_it_still_has_to_and_goes_on(tmp_path: Path, witness: WitnessHub) -> None:
    with sandbox(tmp_path, [CODE], hub=NOWHERE) as rest:
        dossier_code = hand_over(rest, 9009)
        until(lambda: call("GET", f"{rest.control(CODE)}/dossiers").json()[0]["unpushed"] >= 1)
    assert witness.reports == []
    with sandbox(tmp_path, [CODE], hub=witness.url) as rest:
        reports = reports_of(witness, dossier_code, 4)
        until(lambda: settled(rest))
    with sandbox(tmp_path, [CODE], hub=witness.url) as rest:
        until(lambda: settled(rest))
    assert statuses(reports) == [IN_ORDER[0], IN_ORDER[2], IN_ORDER[1], IN_ORDER[3]]
    assert len(witness.of(dossier_code)) == 4


def test_many_dossiers_side_by_side_are_each_told_in_order(pushing: Running, witness: WitnessHub) -> None:
    codes = [hand_over(pushing, serial) for serial in range(1, 31)]
    until(lambda: settled(pushing) and all(witness.of(code)[-1:] and _is_done(witness, code) for code in codes))
    for code in codes:
        moments = [report.at for report in witness.of(code)]
        assert moments == sorted(moments)


def _is_done(witness: WitnessHub, code: str) -> bool:
    return witness.of(code)[-1].status == IN_ORDER[-1]


def test_a_department_that_is_down_reports_nothing_until_it_is_back(tmp_path: Path, witness: WitnessHub) -> None:
    with sandbox(tmp_path, [CODE], hub=witness.url, pace=60) as rest:
        dossier_code = hand_over(rest, 9001)
        rest.turn(CODE, down=True)
        rest.turn(CODE, pace=0)
        assert call("GET", f"{rest.control(CODE)}/dossiers").json()[0]["moves_told"] == 0
        rest.turn(CODE, down=False)
        assert statuses(reports_of(witness, dossier_code, 4)) == IN_ORDER
