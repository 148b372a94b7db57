"""A backlog of the inbox that is too deep or too old: new work is refused, reports later, what is stored never."""

import time

import pytest

from config.catalogue import Catalogue
from config.limits import ApiLimits, BacklogLimits
from hub import standstill
from hub.messages import backlog
from tests.builders import a_code, a_report, a_submission
from tests.integration.http.caller import ApiCaller, Caller

LIMITS = BacklogLimits(submissions=3, messages=5, seconds=60)


@pytest.fixture(scope="session")
def catalogue(catalogue: Catalogue) -> Catalogue:
    return catalogue.model_copy(update={"limits": ApiLimits(backlog=LIMITS)})


@pytest.fixture
def portal(own_api: ApiCaller) -> Caller:
    return own_api.portal()


@pytest.fixture
def rest_a(own_api: ApiCaller) -> Caller:
    return Caller(own_api.url, "rest-a-1", own_api.hub.catalogue.secret("HUB_SECRET_TEST_REST_A_PUSH").encode())


def report(department: Caller) -> int:
    body = a_report(a_code(1), "DANG_XU_LY").model_dump_json().encode()
    return department.call("POST", "/v1/departments/rest-a/statuses", body).status_code


def findings(api: ApiCaller) -> list[str]:
    with api.hub.db.connection() as conn:
        return list(standstill.backlog(conn, LIMITS))


def test_a_full_inbox_takes_no_new_submission_and_answers_those_it_has(own_api: ApiCaller, portal: Caller) -> None:
    first = a_submission()
    stored = [portal.submit(first), portal.submit(a_submission()), portal.submit(a_submission())]
    refused = portal.submit(another := a_submission())
    repeated = portal.submit(first)
    under_another_key = portal.submit(first, key="another")

    assert [answer.status_code for answer in stored] == [202] * LIMITS.submissions
    assert (refused.status_code, refused.json()["code"]) == (503, "backlog-full")
    assert refused.headers["Retry-After"] == "10"
    assert (repeated.status_code, repeated.json()) == (202, stored[0].json())
    assert (under_another_key.status_code, under_another_key.json()) == (202, stored[0].json())
    assert own_api.stored()["inbox"] == LIMITS.submissions
    assert "refuses new submissions" in findings(own_api)[0]
    [line] = own_api.log("refused")
    assert line["reason"] == "3 messages wait in the inbox, the oldest for 0 min"

    own_api.hub.rows("UPDATE inbox SET state = 'handled', settled_at = now() RETURNING id")
    time.sleep(backlog.LOOK_EVERY)
    assert portal.submit(another).status_code == 202


def test_reports_are_taken_when_submissions_are_not_any_more(
    own_api: ApiCaller, portal: Caller, rest_a: Caller
) -> None:
    for _ in range(LIMITS.submissions):
        portal.submit(a_submission())

    codes = [report(rest_a) for _ in range(3)]

    assert codes == [202, 202, 503]
    assert own_api.stored()["inbox"] == LIMITS.messages


def test_an_old_backlog_takes_no_new_submission(own_api: ApiCaller, portal: Caller, rest_a: Caller) -> None:
    portal.submit(a_submission())
    own_api.hub.rows("UPDATE inbox SET due_at = now() - interval '61 seconds' RETURNING id")
    time.sleep(backlog.LOOK_EVERY)

    assert portal.submit(a_submission()).json()["code"] == "backlog-full"
    assert report(rest_a) == 202


def test_what_a_worker_has_taken_and_what_waits_for_later_is_no_backlog(own_api: ApiCaller, portal: Caller) -> None:
    for _ in range(LIMITS.submissions):
        portal.submit(a_submission())
    own_api.hub.rows("UPDATE inbox SET due_at = now() + interval '1 minute' RETURNING id")
    time.sleep(backlog.LOOK_EVERY)

    assert portal.submit(a_submission()).status_code == 202
    assert findings(own_api) == []


def test_a_backlog_of_half_the_limit_is_a_finding_before_anybody_is_refused(own_api: ApiCaller, portal: Caller) -> None:
    portal.submit(a_submission())
    assert findings(own_api) == []
    portal.submit(a_submission())
    assert findings(own_api) == [
        "2 messages wait in the inbox, the oldest for 0 min: from 3 on the API refuses new submissions"
    ]
