"""The REST dialect from our side: what is said, and how the answers are read."""

import json
import unicodedata
from typing import Any

import pytest

from config.catalogue import load
from connectors.departments.rest import RESTDepartment
from connectors.errors import ConnectorCode, ContractBroken, Duplicate
from schemas.department import Handoff, StatusReport
from tests.catalogue_secrets import CATALOGUE, environment
from tests.contract.canonical import KEY, canonical_handoff
from tests.unit.connectors.partner import Partner, answering, partner

RECEIPT = {"number": "REST-A-7", "received_at": "2026-11-24T09:00:00+07:00"}


def port_to(server: Partner, **changes: Any) -> RESTDepartment:
    catalogue = load(CATALOGUE, environment())
    return RESTDepartment(catalogue.departments["rest-a"].model_copy(update=changes), catalogue, f"{server.url}/api/")


def the_handoff(**changes: Any) -> Handoff:
    catalogue = load(CATALOGUE, environment())
    return canonical_handoff(catalogue.departments["rest-a"], catalogue).model_copy(update=changes)


def http(status: int, body: bytes, media_type: str = "application/json") -> bytes:
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {media_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def json_reply(document: Any, status: int = 200) -> bytes:
    return http(status, json.dumps(document).encode())


def submit(reply: bytes, **changes: Any) -> Any:
    with partner(answering(reply)) as server:
        return port_to(server, **changes).submit(the_handoff(), KEY)


def broken(reply: bytes) -> str:
    with pytest.raises(ContractBroken) as caught:
        submit(reply)
    assert caught.value.code == ConnectorCode.CONTRACT
    return caught.value.detail


def test_a_submission_is_a_post_with_key_and_token() -> None:
    with partner(answering(json_reply(RECEIPT, 201))) as server:
        receipt = port_to(server).submit(the_handoff(), KEY)

    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.decode().split("\r\n")
    assert receipt.number == "REST-A-7"
    assert lines[0] == "POST /api/dossiers HTTP/1.1"
    assert f"Idempotency-Key: {KEY}" in lines
    assert f"Authorization: Bearer {environment()['HUB_SECRET_TEST_REST_A_TOKEN']}" in lines
    assert "Content-Type: application/json" in lines
    assert "null" not in body.decode(), "what is unset is not said"
    assert Handoff.model_validate_json(body) == the_handoff()


def test_a_department_without_a_token_gets_none() -> None:
    with partner(answering(json_reply(RECEIPT))) as server:
        port_to(server, secret=None).submit(the_handoff(), KEY)

    assert b"authorization" not in server.requests[0].lower()


def test_an_answer_may_say_more_than_we_know() -> None:
    assert submit(json_reply(RECEIPT | {"queue": 4, "desk": {"floor": 2}})).number == "REST-A-7"


@pytest.mark.parametrize(
    ("reply", "place"),
    [
        (json_reply({"number": "7"}), "/received_at missing"),
        (json_reply(RECEIPT | {"number": 7}), "/number string_type"),
        (json_reply(RECEIPT | {"number": None}), "/number string_type"),
        (json_reply(RECEIPT | {"number": ""}), "/number string_pattern_mismatch"),
        (json_reply(RECEIPT | {"received_at": 1_795_521_600}), "/received_at"),
        (json_reply(RECEIPT | {"received_at": "2026-11-24T09:00:00"}), "/received_at"),
        (json_reply([RECEIPT]), "/ model_type"),
        (http(200, b'{"number": "1", "number": "2", "received_at": "2026-11-24T09:00:00+07:00"}'), "/number"),
        (http(201, b'{"number": "'), "not_json"),
        (http(201, b""), "not_json"),
        (http(204, b""), "not_json"),
        (
            http(200, b"<html>Xin m\xe1\xbb\x9di</html>", "text/html"),
            "HTTP 200 text/html is no HandoffReceipt: / not_json",
        ),
        (http(200, b"\xff\xfe"), "not_utf8"),
    ],
)
def test_an_answer_that_is_other_than_agreed_is_named_by_its_place(reply: bytes, place: str) -> None:
    assert place in broken(reply)


def test_what_a_broken_answer_holds_is_not_repeated() -> None:
    assert "Mẫu" not in broken(json_reply({"number": ["Nguyễn Văn Mẫu"], "Nguyễn Văn Mẫu": 1}))
    assert "Mẫu" not in broken(json_reply({"number": "Nguyễn Văn Mẫu" * 10}))


def test_a_duplicate_with_a_whole_receipt_needs_no_question() -> None:
    with pytest.raises(Duplicate) as caught:
        submit(json_reply(RECEIPT | {"title": "already there"}, 409))

    assert caught.value.reply.number == "REST-A-7"


def test_a_duplicate_with_a_number_only_leaves_the_rest_to_a_question() -> None:
    with pytest.raises(Duplicate) as caught:
        submit(json_reply({"number": "REST-A-7"}, 409))

    assert caught.value.reply is None


@pytest.mark.parametrize("document", [{}, {"number": 7}, {"title": "conflict"}, []])
def test_a_conflict_about_something_else_is_no_duplicate(document: Any) -> None:
    with pytest.raises(ContractBroken):
        submit(json_reply(document, 409))


def test_a_dossier_is_asked_for_by_its_code_as_it_was_received() -> None:
    with partner(answering(json_reply(RECEIPT))) as server:
        receipt = port_to(server).find(the_handoff(dossier_code="000.00.16.h42 - 261124-0001"), KEY)

    assert receipt is not None
    assert server.requests[0].startswith(b"GET /api/dossiers/000.00.16.h42%20-%20261124-0001 HTTP/1.1\r\n")


def test_changes_are_asked_for_after_a_cursor_that_is_theirs() -> None:
    page: dict[str, Any] = {"reports": [], "cursor": "ü & #2", "more": False}
    with partner(answering(json_reply(page))) as server:
        port = port_to(server)
        port.changes("")
        assert port.changes("ü & #2").cursor == "ü & #2"

    targets = [request.split(b" ")[1] for request in server.requests]
    assert targets == [b"/api/changes?after=", b"/api/changes?after=%C3%BC%20%26%20%232"]


def test_a_check_asks_for_health_and_says_so() -> None:
    with partner(answering(json_reply({"status": "ok"}))) as server:
        assert port_to(server).check().startswith("Sở Thử nghiệm REST A: HTTP 200")

    assert server.requests[0].startswith(b"GET /api/health HTTP/1.1\r\n")


def test_a_check_with_a_wrong_token_is_for_a_person() -> None:
    with partner(answering(json_reply({}, 401))) as server, pytest.raises(ContractBroken) as caught:
        port_to(server).check()

    assert caught.value.code == ConnectorCode.AUTH


def test_their_names_stand_for_our_fields_in_both_directions() -> None:
    fields = {
        "MaHoSo": "dossier_code",
        "CCCD": "applicant.identity.number",
        "SoTN": "number",
        "DienThoai": "applicant.email",
    }
    with partner(answering(json_reply({"SoTN": "9", "received_at": RECEIPT["received_at"]}))) as server:
        assert port_to(server, fields=fields).submit(the_handoff(), KEY).number == "9"

    body = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert body["MaHoSo"] == the_handoff().dossier_code
    assert body["CCCD"] == the_handoff().applicant.identity.number
    assert "dossier_code" not in body
    assert body["applicant"]["identity"] == {"kind": "cccd"}
    assert "DienThoai" not in body, "an optional field that is unset stays unsaid"


@pytest.mark.parametrize("ours", ["dossier", "applicant.nom", "papers.code", "number.x", ""])
def test_a_name_for_a_field_that_we_do_not_have_stops_the_start(ours: str) -> None:
    with partner(answering(b"")) as server, pytest.raises(ValueError, match="Theirs"):
        port_to(server, fields={"Theirs": ours})


REPORT = {
    "report_id": "R-2",
    "dossier_code": "000.00.01.H42-261130-0001",
    "status": "DANG_XU_LY",
    "at": "2026-11-30T16:00:00+07:00",
}
UNREADABLE_REPORTS = {
    "no status": json.dumps({**REPORT, "status": None}).encode(),
    "no time": json.dumps({**REPORT, "at": "hôm qua"}).encode(),
    "a key twice": b'{"report_id": "R-2", "report_id": "R-3"}',
    "no UTF-8": json.dumps({**REPORT, "note": "?"}).encode().replace(b"?", b"\xff"),
    "a huge number": b'{"report_id": %s}' % (b"9" * 5_000),
    "no object": b'"R-2"',
}


@pytest.mark.parametrize("odd", UNREADABLE_REPORTS.values(), ids=UNREADABLE_REPORTS)
def test_a_report_that_cannot_be_read_is_set_aside_as_it_came_and_hides_no_other(odd: bytes) -> None:
    others = [json.dumps({**REPORT, "report_id": name}).encode() for name in ("R-1", "R-3")]
    page = http(200, b'{"reports": [%s, %s, %s], "cursor": "3"}' % (others[0], odd, others[1]))
    with partner(answering(page, page)) as server:
        port = port_to(server)
        read, again = port.changes(""), port.changes("")
    assert ([one.report_id for one in read.reports], read.cursor) == (["R-1", "R-3"], "3")
    [aside] = read.unreadable
    assert aside.document == odd.decode("utf-8", "backslashreplace")
    assert aside == again.unreadable[0], "named alike whenever it is read"
    assert aside.why


def test_vietnamese_written_decomposed_is_taken() -> None:
    decomposed = {**REPORT, "note": unicodedata.normalize("NFD", "Đã phân công cán bộ")}
    with partner(
        answering(json_reply({"reports": [decomposed, {**REPORT, "report_id": "R-3"}], "cursor": "2"}))
    ) as server:
        page = port_to(server).changes("")
    assert [one.note for one in page.reports] == ["Đã phân công cán bộ", None]
    assert (page.unreadable, page.cursor) == ([], "2")


def test_a_report_under_their_names_is_set_aside_alike_and_read_once_the_table_is_mended() -> None:
    theirs = {"maHoSo" if name == "dossier_code" else name: value for name, value in REPORT.items()}
    with partner(answering(json_reply({"reports": [theirs], "cursor": "1"}))) as server:
        [aside] = port_to(server).changes("").unreadable
        mended = port_to(server, fields={"maHoSo": "dossier_code"}).entry(aside.document)
    assert isinstance(mended, StatusReport)


@pytest.mark.parametrize("page", [{"reports": []}, {"cursor": "1"}, {"reports": {}, "cursor": "1"}, {"reports": [{}]}])
def test_a_page_that_cannot_be_gone_on_from_is_broken(page: dict[str, Any]) -> None:
    with partner(answering(json_reply(page))) as server, pytest.raises(ContractBroken):
        port_to(server).changes("")
