"""The way back is a handoff too: a record that the department signs, in the report that it returns the dossier."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.clock import now
from hub.handoffs.model import result_of
from hub.signing import canonical
from schemas.department import Handoff
from schemas.handoff import Act, CounterRecord, Result, Side
from tests.builders import a_report, report_arrival
from tests.counterparts import Seal
from tests.house import ScriptedHouse
from tests.rooms.handoffs.handing import hand_over, leaves


def report_back(house: ScriptedHouse, handed: Handoff, signed: CounterRecord, status: str = "DA_TRA_KET_QUA") -> str:
    said = a_report(handed.dossier_code, status).model_copy(update={"signed": signed})
    accepted = house.accept(report_arrival(said, "rest-b"))
    house.carry()
    return accepted.id


@pytest.fixture
def handed(house: ScriptedHouse, seal: Seal) -> Handoff:
    house.impatient("rest-b")
    return hand_over(house, seal.receipt)


def state_of(house: ScriptedHouse, message: str) -> tuple[str, str | None]:
    [row] = house.rows("SELECT state, error_code FROM inbox WHERE id = %s", message)
    return row["state"], row["error_code"]


def test_the_way_back_is_the_next_row_signed_by_both_sides(house: ScriptedHouse, seal: Seal, handed: Handoff) -> None:
    message = report_back(house, handed, seal.back(handed, now()))
    assert state_of(house, message) == ("handled", None)
    forth, back = house.rows("SELECT id, leg, act, status, result FROM handoff ORDER BY leg")
    assert (forth["act"], forth["status"]) == ("transfer", "complete")
    assert (back["leg"], back["act"], back["status"], back["result"]) == (2, "return", "complete", "early")
    theirs, ours = leaves(house, back["id"])
    assert (theirs.kind, ours.kind) == ("handoff", "receipt")
    assert ours.record is not None
    assert canonical.decode(ours.record)["record"] == theirs.record_hash.hex()


def test_the_same_way_back_reported_twice_is_one_row(house: ScriptedHouse, seal: Seal, handed: Handoff) -> None:
    signed = seal.back(handed, now())
    for _ in range(2):
        assert state_of(house, report_back(house, handed, signed)) == ("handled", None)
    assert house.count("handoff") == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prev": "0" * 64}, "RECEIPT_OF_ANOTHER"),
        ({"leg": 3}, "RECEIPT_OF_ANOTHER"),
        ({"act": Act.TRANSFER}, "RECEIPT_OF_ANOTHER"),
        ({"log": "hub.other"}, "RECEIPT_OF_ANOTHER"),
        ({"result": Result.LATE}, "RECEIPT_OF_ANOTHER"),
        ({"dossier": "000.00.01.H42-260101-0001"}, "RECEIPT_OF_ANOTHER"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_way_back_that_does_not_go_on_from_our_record_waits_for_a_person(
    house: ScriptedHouse, seal: Seal, handed: Handoff, changes: dict[str, Any], code: str
) -> None:
    message = report_back(house, handed, seal.back(handed, now(), **changes))
    assert state_of(house, message) == ("dead", code)
    assert house.count("handoff") == 1


def test_a_way_back_sealed_by_another_is_refused(house: ScriptedHouse, seal: Seal, handed: Handoff, pki: Any) -> None:
    other = Seal(pki, "soap-b", seal.agency)
    assert state_of(house, report_back(house, handed, other.back(handed, now()))) == ("dead", "RECEIPT_REFUSED")


def test_a_way_back_that_names_an_officer_who_has_not_signed_is_refused(
    house: ScriptedHouse, seal: Seal, handed: Handoff
) -> None:
    """No reader would believe it: with an officer two signatures are needed."""
    unsigned = seal.back(handed, now(), giver=Side(agency=seal.agency, role="department", officer="van-thu"))
    assert state_of(house, report_back(house, handed, unsigned)) == ("dead", "RECEIPT_REFUSED")
    assert house.count("handoff") == 1


DUE = datetime.fromisoformat("2026-11-26T17:00:00+07:00")


@pytest.mark.parametrize(
    ("given", "result"),
    [
        (DUE - timedelta(days=1), Result.EARLY),
        (DUE.replace(hour=0), Result.ON_TIME),
        (DUE, Result.ON_TIME),
        (DUE + timedelta(seconds=1), Result.LATE),
    ],
)
def test_the_forms_third_column_follows_from_the_due_date(given: datetime, result: Result) -> None:
    assert result_of(Act.RETURN, given, DUE) is result
    assert result_of(Act.TRANSFER, given, DUE) is Result.NONE
