"""../shared/samples/faults/wire: what partners send and answer, through our own ports and our own API."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import Rejected, Unavailable
from connectors.transport import xml
from hub import delivery, operations
from hub.clock import now
from hub.messages.model import TransferState
from schemas.department import StatusReport
from tests.builders import a_receipt, a_submission, report_arrival
from tests.integration.http.caller import ApiCaller
from tests.integration.http.conftest import log_stream, own_api, protocol, proxy_secret
from tests.integration.test_dossiers import an_accepted_dossier, inbox_state, report, status_of
from tests.integration.transfers import put_one, state_of
from tests.scripted_hub import ScriptedHub
from tests.unit.connectors import soap_office
from tests.unit.connectors.partner import answering, partner
from tests.unit.connectors.soap_office import SoapOffice, an_office
from tests.unit.connectors.test_rest_department_port import http, port_to, submit, the_handoff

__all__ = ["log_stream", "own_api", "protocol", "proxy_secret"]


@pytest.fixture(scope="module")
def folder(samples: Path) -> Path:
    return samples / "faults" / "wire"


@pytest.fixture(scope="module")
def office() -> Iterator[SoapOffice]:
    with an_office("soap-a") as opened:
        yield opened


def test_a_page_with_a_decomposed_text_is_read_whole(folder: Path) -> None:
    with partner(answering(http(200, (folder / "feed-department-nfd.json").read_bytes()))) as server:
        page = port_to(server).changes("")
    assert [(one.report_id, one.note) for one in page.reports] == [("R-2", "Đã phân công"), ("R-3", None)]
    assert (page.unreadable, page.cursor) == ([], "2")


def test_a_report_a_year_ahead_waits_for_a_person_and_blocks_none(folder: Path, hub: ScriptedHub) -> None:
    code = an_accepted_dossier(hub)
    document = json.loads((folder / "report-a-year-ahead.json").read_bytes()) | {"dossier_code": code}
    document["at"] = (now() + timedelta(days=365)).isoformat()  # the file's own is no year ahead one day
    ahead = hub.accept(report_arrival(StatusReport.model_validate(document)))
    hub.carry()
    assert inbox_state(hub, ahead.id) == ("dead", "DATED_AHEAD")
    report(hub, code, "DANG_XU_LY", 1)
    assert status_of(hub, code) == "in_process"


def test_who_asks_for_thirty_years_is_left_alone_for_an_hour(folder: Path, hub: ScriptedHub) -> None:
    with pytest.raises(Unavailable) as busy:
        submit((folder / "busy-retry-after.http").read_bytes())
    assert busy.value.retry_after == 999_999_999
    transfer = put_one(hub)
    hub.department("rest-a").answers.extend([busy.value, a_receipt()])
    delivery.deliver(hub, transfer)
    [row] = hub.rows(
        "SELECT breaker_open_until <= now() + interval '1 hour' AS bounded FROM counterparty WHERE code = %s",
        "department.rest-a",
    )
    assert row == {"bounded": True}
    operations.resume(hub, "department.rest-a", actor="thu.nghiem", reason="đã hỏi")
    hub.carry()
    assert state_of(hub, transfer) == TransferState.DELIVERED


def test_a_typed_fault_of_axis_is_a_refusal(folder: Path, office: SoapOffice) -> None:
    fault = xml.parse((folder / "fault-axis.xml").read_bytes())
    refused = soap_office.outcome(office, soap_office.sent(fault, status=500))
    assert isinstance(refused, Rejected)
    assert (refused.reason, "TP-07" in refused.detail) == ("Thieu giay to", True)


def test_a_refusal_that_no_row_can_hold_is_a_refusal(folder: Path, hub: ScriptedHub) -> None:
    with pytest.raises(Rejected) as refused:
        submit(http(422, (folder / "refused-nul.json").read_bytes(), "application/problem+json"))
    transfer = put_one(hub)
    hub.department("rest-a").answers.append(refused.value)
    delivery.deliver(hub, transfer)
    assert state_of(hub, transfer) == TransferState.REFUSED
    assert hub.rows("SELECT reason FROM dossier") == [{"reason": "Thieu giay to"}]


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "with a BOM"])
def test_a_receipt_may_say_more_than_we_know(folder: Path, mark: bytes) -> None:
    for one in (folder / "receipt-unknown-keys.json").read_text("utf-8").strip().strip("[]").split(",\n"):
        assert submit(http(201, mark + one.strip().encode())).number == "A-1"


def test_an_early_hint_is_not_the_answer(folder: Path) -> None:
    with partner(answering((folder / "interim-103.http").read_bytes() + b"  ")) as server:  # it says 60 and has 58
        assert port_to(server).submit(the_handoff(), "tr_1").number == "A-1"


@pytest.mark.parametrize("name", ["name-ffff.json", "name-zero-width.json"])
def test_a_name_that_cannot_be_written_or_seen_is_refused_with_its_place(
    folder: Path, own_api: ApiCaller, name: str
) -> None:
    submission: dict[str, Any] = a_submission()
    submission["applicant"] |= json.loads((folder / name).read_bytes())["applicant"]
    answer = own_api.portal().submit(json.dumps(submission).encode(), key=submission["reference"])
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/applicant/name"]
    assert answer.status_code == 422
    assert own_api.stored()["inbox"] == 0
