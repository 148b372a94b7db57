"""The operators' callback: one address for one consignment, checked before anything is read; each event counts once."""

import pytest
import requests
from requests import Response

from hub.consignments import capability
from hub.http import ingest
from schemas.postal import TrackingEvent
from tests.builders import a_receipt, a_submission
from tests.integration.http.caller import JSON, ApiCaller, Caller, as_json

NUMBER = "000.00.61.H42-261124-7001"
SAID = {"order_number": NUMBER, "status_code": "1", "at": "2026-11-24T08:15:02+07:00", "notes": "bà Dấu Vết ký nhận"}


@pytest.fixture
def address(api: ApiCaller, portal: Caller) -> str:
    """The capability URL of a consignment that has the order number NUMBER."""
    api.hub.department("rest-a").answers.append(a_receipt())
    portal.submit(a_submission(dossier_code=NUMBER))
    api.hub.carry()
    return address_of(api, NUMBER)


def address_of(api: ApiCaller, number: str) -> str:
    token, token_hash = capability.issue()
    with api.hub.db.connection() as conn:
        conn.execute(
            "INSERT INTO consignment (id, operator, direction, service, order_number, route_class, order_status,"
            " order_status_at, status, status_at, token_hash, ordered_at, last_event_at)"
            " VALUES (%s, 'post-a', 'result_to_citizen', 'result', %s, 'province', 'accepted', now(),"
            " 'accepted', now(), %s, now(), now())",
            (f"cs_{number}", number, token_hash),
        )
    return api.url + capability.PATH + token


def call(address: str, body: bytes | None = None, media_type: str = JSON) -> Response:
    document = as_json(SAID) if body is None else body
    return requests.Session().post(address, data=document, headers={"Content-Type": media_type}, timeout=10)


def stored(api: ApiCaller) -> int:
    return int(api.hub.rows("SELECT count(*) AS n FROM inbox WHERE kind = 'postal.event'")[0]["n"])


def test_an_event_is_stored_and_moves_its_consignment(api: ApiCaller, address: str) -> None:
    answer = call(address)
    api.hub.carry()

    assert (answer.status_code, answer.json()["order_number"]) == (202, NUMBER)
    [row] = api.hub.rows("SELECT status FROM consignment")
    assert row["status"] == "posted"
    [row] = api.hub.rows("SELECT source, ordering_key, body FROM inbox WHERE kind = 'postal.event'")
    assert (row["source"], row["ordering_key"]) == ("postal.post-a", NUMBER)
    assert TrackingEvent.model_validate_json(row["body"]) == TrackingEvent.model_validate_json(as_json(SAID))


def test_the_same_event_twice_is_one(api: ApiCaller, address: str) -> None:
    first, again = call(address), call(address, b"  " + as_json(SAID))

    assert (first.status_code, again.status_code, again.headers["Idempotency-Replayed"]) == (202, 202, "true")
    assert again.json() == first.json()
    assert stored(api) == 1


def test_the_same_event_in_other_words_is_one_and_that_they_differ_is_audited(api: ApiCaller, address: str) -> None:
    call(address)
    answer = call(address, as_json(SAID | {"notes": "ông Dấu Vết ký nhận"}))
    api.hub.carry()

    assert answer.status_code == 202
    assert stored(api) == 1
    assert api.hub.rows("SELECT state FROM inbox WHERE kind = 'postal.conflict'") == [{"state": "handled"}]
    [line] = api.hub.rows("SELECT subject, reason FROM audit_log WHERE action = 'consignment_event_conflict'")
    assert line["subject"] == f"cs_{NUMBER}"
    assert "Dấu" not in line["reason"]


def test_the_same_event_of_another_item_waits_for_a_person(api: ApiCaller, address: str) -> None:
    call(address, as_json(SAID | {"item_code": "EA123456785VN"}))
    answers = [call(address, as_json(SAID | {"item_code": "EA987654321VN"})) for _ in range(2)]
    api.hub.carry()

    assert [answer.status_code for answer in answers] == [202, 202]
    [row] = api.hub.rows("SELECT state, error_code FROM inbox WHERE kind = 'postal.conflict'")
    assert row == {"state": "dead", "error_code": "REPORT_CONFLICT"}
    assert api.hub.rows("SELECT item_code FROM consignment") == [{"item_code": "EA123456785VN"}]


@pytest.mark.parametrize("token", ["x", "A" * 43, "Zm9yZ2Vk" * 5 + "abc", "A" * 44, "%00" * 3, "a.b"])
def test_a_wrong_token_opens_nothing_and_its_body_is_not_looked_at(api: ApiCaller, address: str, token: str) -> None:
    answer = call(api.url + capability.PATH + token, b"not even JSON", media_type="text/plain")

    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert stored(api) == 0


def test_an_address_speaks_of_its_own_consignment_only(api: ApiCaller, address: str) -> None:
    other = address_of(api, "000.00.61.H42-261124-7002")
    answer = call(other)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/order_number")
    assert stored(api) == 0


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{", 400, "body-not-readable"),
        (as_json(SAID | {"at": "24/11/2026"}), 422, "content-invalid"),
        (as_json(SAID | {"extra": 1}), 422, "content-invalid"),
        (b" " * (ingest.BODY_LIMIT + 1), 413, "body-too-large"),
    ],
)
def test_what_cannot_be_read_is_refused(api: ApiCaller, address: str, body: bytes, status: int, code: str) -> None:
    answer = call(address, body)

    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert stored(api) == 0


def test_the_log_names_neither_the_token_nor_what_was_said(api: ApiCaller, address: str) -> None:
    call(address)
    call(address, as_json(SAID | {"Dấu Vết": "x"}))

    text = api.log_text()
    assert address.rpartition("/")[2] not in text
    assert "Dấu" not in text
    assert "D\\u1ea5u" not in text


def test_what_the_table_stores_of_a_token_is_no_credential(api: ApiCaller, address: str) -> None:
    [row] = api.hub.rows("SELECT token_hash FROM consignment")
    assert bytes(row["token_hash"]) == capability.digest(address.rpartition("/")[2])
    assert call(api.url + capability.PATH + bytes(row["token_hash"]).hex()[:43]).status_code == 404
