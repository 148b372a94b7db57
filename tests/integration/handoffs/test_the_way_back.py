"""The way back is a handoff too: a record that the department signs, in the report that it returns the dossier."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from hub.clock import now
from hub.handoffs.store import result_of
from hub.signing import canonical
from schemas.department import Handoff
from schemas.handoff import Act, CounterRecord, HandoffSide, ShareResult
from tests.builders import a_report, report_arrival
from tests.counterparts import DepartmentSeal
from tests.integration.handoffs.handing import hand_over, leaves
from tests.scripted_hub import ScriptedHub


def report_back(hub: ScriptedHub, handed: Handoff, signed: CounterRecord, status: str = "DA_TRA_KET_QUA") -> str:
    report = a_report(handed.dossier_code, status).model_copy(update={"signed": signed})
    accepted = hub.accept(report_arrival(report, "rest-b"))
    hub.carry()
    return accepted.id


@pytest.fixture
def handed(hub: ScriptedHub, seal: DepartmentSeal) -> Handoff:
    hub.impatient("rest-b")
    return hand_over(hub, seal.receipt)


def state_of(hub: ScriptedHub, message: str) -> tuple[str, str | None]:
    [row] = hub.rows("SELECT state, error_code FROM inbox WHERE id = %s", message)
    return row["state"], row["error_code"]


def test_the_way_back_is_the_next_row_signed_by_both_sides(
    hub: ScriptedHub, seal: DepartmentSeal, handed: Handoff
) -> None:
    message = report_back(hub, handed, seal.back(handed, now()))
    assert state_of(hub, message) == ("handled", None)
    forth, back = hub.rows("SELECT id, leg, act, status, result FROM handoff ORDER BY leg")
    assert (forth["act"], forth["status"]) == ("transfer", "complete")
    assert (back["leg"], back["act"], back["status"], back["result"]) == (2, "return", "complete", "early")
    theirs, ours = leaves(hub, back["id"])
    assert (theirs.kind, ours.kind) == ("handoff", "receipt")
    assert ours.record is not None
    assert canonical.decode(ours.record)["record"] == theirs.record_hash.hex()


def test_the_same_way_back_reported_twice_is_one_row(hub: ScriptedHub, seal: DepartmentSeal, handed: Handoff) -> None:
    signed = seal.back(handed, now())
    for _ in range(2):
        assert state_of(hub, report_back(hub, handed, signed)) == ("handled", None)
    assert hub.count("handoff") == 2


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"prev": "0" * 64}, "RECEIPT_OF_ANOTHER"),
        ({"leg": 3}, "RECEIPT_OF_ANOTHER"),
        ({"act": Act.TRANSFER}, "RECEIPT_OF_ANOTHER"),
        ({"log": "hub.other"}, "RECEIPT_OF_ANOTHER"),
        ({"result": ShareResult.LATE}, "RECEIPT_OF_ANOTHER"),
        ({"dossier": "000.00.01.H42-260101-0001"}, "RECEIPT_OF_ANOTHER"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_way_back_that_does_not_go_on_from_our_record_waits_for_a_person(
    hub: ScriptedHub, seal: DepartmentSeal, handed: Handoff, changes: dict[str, Any], code: str
) -> None:
    message = report_back(hub, handed, seal.back(handed, now(), **changes))
    assert state_of(hub, message) == ("dead", code)
    assert hub.count("handoff") == 1


def test_a_way_back_sealed_by_another_is_refused(
    hub: ScriptedHub, seal: DepartmentSeal, handed: Handoff, pki: Any
) -> None:
    other = DepartmentSeal(pki, "soap-b", seal.agency)
    assert state_of(hub, report_back(hub, handed, other.back(handed, now()))) == ("dead", "RECEIPT_REFUSED")


def test_a_way_back_that_names_an_officer_who_has_not_signed_is_refused(
    hub: ScriptedHub, seal: DepartmentSeal, handed: Handoff
) -> None:
    """No reader would believe it: with an officer two signatures are needed."""
    unsigned = seal.back(handed, now(), giver=HandoffSide(agency=seal.agency, role="department", officer="van-thu"))
    assert state_of(hub, report_back(hub, handed, unsigned)) == ("dead", "RECEIPT_REFUSED")
    assert hub.count("handoff") == 1


DUE = datetime.fromisoformat("2026-11-26T17:00:00+07:00")


@pytest.mark.parametrize(
    ("handed_at", "result"),
    [
        (DUE - timedelta(days=1), ShareResult.EARLY),
        (DUE.replace(hour=0), ShareResult.ON_TIME),
        (DUE, ShareResult.ON_TIME),
        (DUE + timedelta(seconds=1), ShareResult.LATE),
    ],
)
def test_the_forms_third_column_follows_from_the_due_date(handed_at: datetime, result: ShareResult) -> None:
    assert result_of(Act.RETURN, handed_at, DUE) is result
    assert result_of(Act.TRANSFER, handed_at, DUE) is ShareResult.NONE
