"""What departments say to us: receipts, reports and pages of reports."""

import json
from typing import Any

import pytest

from schemas.department import Changes, HandoffReceipt, StatusReport
from schemas.strict import Refused, Strict, read

REPORT = {
    "report_id": "BC-2026:1",
    "dossier_code": "H42.16-261124-0001",
    "status": "DANG_XU_LY",
    "at": "2026-11-24T08:15:00+07:00",
}


def test_a_page_of_reports_is_read_in_its_order() -> None:
    page = {
        "reports": [REPORT, REPORT | {"report_id": "BC-2026:2", "note": "Đã chuyển phòng chuyên môn"}],
        "cursor": "2",
    }
    changes = read(Changes, json.dumps(page).encode())
    assert [report.report_id for report in changes.reports] == ["BC-2026:1", "BC-2026:2"]
    assert changes.cursor == "2"


@pytest.mark.parametrize(
    ("model", "document", "pointer"),
    [
        pytest.param(StatusReport, REPORT | {"status": "ĐANG"}, "/status", id="a code outside ASCII"),
        pytest.param(StatusReport, REPORT | {"status": 20}, "/status", id="a code that is a number"),
        pytest.param(StatusReport, REPORT | {"status": "x" * 41}, "/status", id="a code of 41 characters"),
        pytest.param(StatusReport, REPORT | {"report_id": ""}, "/report_id", id="a report without an id"),
        pytest.param(StatusReport, REPORT | {"at": "2026-11-24T08:15:00"}, "/at", id="a moment without a zone"),
        pytest.param(StatusReport, REPORT | {"officer": "x"}, "/officer", id="an unknown key"),
        pytest.param(Changes, {"reports": [REPORT | {"note": 1}], "cursor": "2"}, "/reports/0/note", id="in a page"),
        pytest.param(Changes, {"reports": [], "cursor": None}, "/cursor", id="a page without a cursor"),
        pytest.param(HandoffReceipt, {"number": " ", "received_at": REPORT["at"]}, "/number", id="a blank number"),
        pytest.param(
            HandoffReceipt, {"number": "1\n2", "received_at": REPORT["at"]}, "/number", id="a number of two lines"
        ),
        pytest.param(
            HandoffReceipt, {"number": "x" * 65, "received_at": REPORT["at"]}, "/number", id="a number too long"
        ),
    ],
)
def test_a_word_outside_the_contract_is_refused_at_its_place(
    model: type[Strict], document: dict[str, Any], pointer: str
) -> None:
    with pytest.raises(Refused) as refused:
        read(model, json.dumps(document).encode())
    assert [fault.pointer for fault in refused.value.faults] == [pointer]


@pytest.mark.parametrize("number", ["1", "123/TNHS-STP", "Số 7 năm 2026", "x" * 64])
def test_a_department_numbers_as_it_likes(number: str) -> None:
    document = {"number": number, "received_at": "2026-11-24T01:15:00.5Z"}
    assert read(HandoffReceipt, json.dumps(document).encode()).number == number


def test_what_was_read_does_not_change_any_more() -> None:
    report = read(StatusReport, json.dumps(REPORT).encode())
    with pytest.raises(ValueError, match="frozen"):
        report.status = "90"  # type: ignore[misc]
