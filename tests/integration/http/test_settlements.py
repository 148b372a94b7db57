"""What a department answers to a month's table: kept once, whichever way it comes."""

import random
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.transport import envelope
from connectors.transport.contract import contract
from schemas.settlement import TableAnswer
from tests.builders import a_code, a_report
from tests.integration.http.caller import ApiCaller, Caller, as_json
from tests.integration.http.test_soap import post, refused, signed, text

PATH = "/v1/departments/rest-a/settlement-answers"
MOMENT = datetime(2026, 12, 3, 2, 0, tzinfo=UTC)
REASON = "Hồ sơ này đã được hoàn tiền tại Sở"


def an_answer(**changes: Any) -> dict[str, Any]:
    return {
        "answer_id": "TL-2026-11",
        "settlement_id": "sm_01M85SMWS20E6G2XCP78BXP9SG",
        "sha256": "0f" * 32,
        "verdict": "disputed",
        "lines": [{"number": 3, "reason": REASON}],
        "answered_by": "Phòng Kế hoạch - Tài chính",
        "answered_at": MOMENT.isoformat(),
    } | changes


def a_message(**changes: Any) -> bytes:
    answer = an_answer(**changes)
    message = {
        "answerId": answer["answer_id"],
        "settlementId": answer["settlement_id"],
        "sha256": answer["sha256"],
        "verdict": answer["verdict"],
        "line": answer["lines"],
        "answeredBy": answer["answered_by"],
        "answeredAt": MOMENT,
    }
    return signed(contract("hub-department.wsdl").envelope("AnswerSettlement", message))


def stored(api: ApiCaller) -> tuple[str, str, str, TableAnswer]:
    (row,) = api.hub.rows("SELECT source, kind, ordering_key, body FROM inbox")
    return row["source"], row["kind"], row["ordering_key"], TableAnswer.model_validate_json(row["body"])


def test_an_answer_is_kept_the_same_whether_it_comes_as_json_or_as_soap(api: ApiCaller, rest_a: Caller) -> None:
    by_rest = rest_a.call("POST", PATH, as_json(an_answer()))
    first = stored(api)
    with api.hub.db.transaction() as conn:
        conn.execute("DELETE FROM inbox")

    by_soap = post(api, a_message())

    assert (by_rest.status_code, by_rest.json()["answer_id"]) == (202, "TL-2026-11")
    assert text(by_soap, ".//h:AnswerSettlementResponse/h:accepted/h:answerId") == "TL-2026-11"
    assert first[0] == "department.rest-a"
    assert stored(api) == ("department.soap-b", *first[1:])
    assert first[1:] == (
        "department.settlement",
        an_answer()["settlement_id"],
        TableAnswer.model_validate_json(as_json(an_answer())),
    )


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"settlement_id": "".join(f"{random.getrandbits(32):08x}" for _ in range(2_000))}, "/settlement_id"),
        ({"settlement_id": ""}, "/settlement_id"),
        ({"lines": [{"number": 2**31, "reason": REASON}]}, "/lines/0/number"),
    ],
)
def test_an_answer_by_json_takes_no_more_than_one_by_soap(
    api: ApiCaller, rest_a: Caller, changes: dict[str, Any], pointer: str
) -> None:
    """The table's id is the ordering key, which an index holds: 16 kB of it were no row."""
    answer = rest_a.call("POST", PATH, as_json(an_answer(**changes)))

    assert (answer.status_code, [fault["pointer"] for fault in answer.json()["errors"]]) == (422, [pointer])
    assert api.hub.rows("SELECT id FROM inbox") == []


def test_a_repeated_answer_is_answered_as_the_first_time(api: ApiCaller, rest_a: Caller) -> None:
    first = rest_a.call("POST", PATH, as_json(an_answer()))
    again = rest_a.call("POST", PATH, b" " + as_json(an_answer()))

    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Idempotency-Replayed"] == "true"
    assert post(api, a_message()).content == post(api, a_message()).content
    assert api.stored()["inbox"] == 2


def test_the_same_number_with_another_verdict_is_refused(api: ApiCaller, rest_a: Caller) -> None:
    rest_a.call("POST", PATH, as_json(an_answer()), key="key-1")

    answer = rest_a.call("POST", PATH, as_json(an_answer(verdict="confirmed", lines=[])), key="key-2")

    assert (answer.status_code, answer.json()["code"]) == (422, "reference-reused")
    assert stored(api)[3].verdict == "disputed"


def test_a_report_and_an_answer_may_have_the_same_number(api: ApiCaller, rest_a: Caller) -> None:
    report = a_report(a_code(1), "DANG_XU_LY", report_id="1")
    body = report.model_dump_json(exclude_none=True).encode()

    statuses = [
        rest_a.call("POST", "/v1/departments/rest-a/statuses", body).status_code,
        rest_a.call("POST", PATH, as_json(an_answer(answer_id="1"))).status_code,
    ]

    assert statuses == [202, 202]
    assert api.stored()["inbox"] == 2


@pytest.mark.parametrize(
    "changes",
    [
        {"verdict": "confirmed"},
        {"lines": []},
        {"lines": [{"number": 3, "reason": REASON}, {"number": 3, "reason": REASON}]},
        {"lines": [{"number": 0, "reason": REASON}]},
        {"lines": [{"number": 3, "reason": ""}]},
        {"verdict": "perhaps"},
        {"sha256": "0F" * 32},
        {"answer_id": "TL 1"},
        {"answered_by": ""},
        {"answered_at": "2026-12-03T09:00:00"},
        {"extra": 1},
    ],
    ids=str,
)
def test_an_answer_that_says_two_things_or_none_is_refused(
    api: ApiCaller, rest_a: Caller, changes: dict[str, Any]
) -> None:
    answer = rest_a.call("POST", PATH, as_json(an_answer(**changes)))

    assert (answer.status_code, answer.json()["code"]) == (422, "content-invalid")
    assert REASON not in answer.text
    assert api.stored()["inbox"] == 0


def test_a_soap_answer_that_says_two_things_is_a_fault_of_the_contract(api: ApiCaller) -> None:
    refused(api, post(api, a_message(verdict="confirmed")), "content-invalid")


def test_a_soap_answer_that_is_not_signed_is_refused(api: ApiCaller) -> None:
    message = contract("hub-department.wsdl").envelope(
        "AnswerSettlement",
        {
            "answerId": "TL-1",
            "settlementId": "sm_1",
            "sha256": "00" * 32,
            "verdict": "confirmed",
            "answeredBy": "Văn phòng",
            "answeredAt": MOMENT,
        },
    )

    refused(api, post(api, envelope.to_bytes(message)), "authentication-failed")


@pytest.mark.parametrize("code", ["nobody", "soap-a", "soap-b"])
def test_a_department_without_an_endpoint_is_not_found(api: ApiCaller, rest_a: Caller, code: str) -> None:
    answer = rest_a.call("POST", f"/v1/departments/{code}/settlement-answers", as_json(an_answer()))

    assert (answer.status_code, api.stored()["inbox"]) == (404, 0)


def test_the_portals_key_answers_for_no_department(api: ApiCaller, portal: Caller) -> None:
    answer = portal.call("POST", PATH, as_json(an_answer()))

    assert (answer.status_code, api.stored()["inbox"]) == (401, 0)
