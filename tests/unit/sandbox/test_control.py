"""The settings of a running sandbox server."""

import time

import pytest
import requests

from connectors.sandbox.runtime_settings import RuntimeSettings
from tests.builders import a_code, a_handoff
from tests.catalogue_secrets import environment
from tests.unit.sandbox.running import Running, call

CODE = "department.rest-a"
TOKEN = {"Authorization": f"Bearer {environment()['HUB_SECRET_TEST_REST_A_TOKEN']}"}


def health(rest: Running) -> int:
    return call("GET", f"{rest.urls[CODE]}/health", headers=TOKEN).status_code


def test_a_department_goes_down_and_comes_back(rest: Running) -> None:
    assert rest.turn(CODE, down=True).json()["down"] is True
    assert health(rest) == 503
    rest.turn(CODE, down=False)
    assert health(rest) == 200


def test_a_cut_connection_has_no_answer(rest: Running) -> None:
    rest.turn(CODE, cut=True)
    with pytest.raises(requests.ConnectionError):
        health(rest)


def test_a_slow_department_looks_at_nothing_before_its_time(rest: Running) -> None:
    rest.turn(CODE, slow=0.3)
    began = time.monotonic()
    assert health(rest) == 200
    assert time.monotonic() - began >= 0.3


def test_the_next_requests_fail_and_then_no_more(rest: Running) -> None:
    rest.turn(CODE, fail_next=2, fail_status=502)
    assert [health(rest) for _ in range(3)] == [502, 502, 200]


def test_a_failure_may_ask_to_be_left_alone(rest: Running) -> None:
    rest.turn(CODE, fail_next=1, fail_status=429, retry_after=7)
    response = call("GET", f"{rest.urls[CODE]}/health", headers=TOKEN)
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")


def test_a_page_stands_in_place_of_the_answer(rest: Running) -> None:
    rest.turn(CODE, page=True)
    response = call("GET", f"{rest.urls[CODE]}/health", headers=TOKEN)
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/html")


def test_a_dossier_whose_answer_is_cut_is_taken_all_the_same(rest: Running) -> None:
    handoff = a_handoff(dossier_code=a_code(71))
    headers = {**TOKEN, "Idempotency-Key": handoff.id, "Content-Type": "application/json"}
    rest.turn(CODE, cut_after=True)
    with pytest.raises(requests.ConnectionError):
        call("POST", f"{rest.urls[CODE]}/dossiers", headers=headers, data=handoff.model_dump_json().encode())
    rest.turn(CODE, cut_after=False)
    [effect] = call("GET", f"{rest.control(CODE)}/effects").json()
    assert effect["handoff_id"] == handoff.id


def test_a_reset_puts_every_setting_back(rest: Running) -> None:
    before = call("GET", f"{rest.control(CODE)}/").json()
    rest.turn(CODE, down=True, pace=5, unsigned_faults=True)
    assert call("POST", f"{rest.control(CODE)}/reset").json() == before
    assert health(rest) == 200
    assert RuntimeSettings.model_validate(before).pace == 0.01


@pytest.mark.parametrize(
    "body", ['{"down": 1}', '{"colour": "red"}', '{"pace": -1}', '{"down": true, "down": false}', "[1]", "{"]
)
def test_what_is_no_setting_is_refused_and_turns_nothing(rest: Running, body: str) -> None:
    before = call("GET", f"{rest.control(CODE)}/").json()
    assert call("PATCH", f"{rest.control(CODE)}/", data=body).status_code == 422
    assert call("GET", f"{rest.control(CODE)}/").json() == before
