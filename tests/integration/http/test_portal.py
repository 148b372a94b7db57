"""What the public portal hands over: stored once, whatever is repeated."""

import re
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
import requests

from hub.clock import local, now
from hub.http.app import application
from tests.builders import a_code, a_receipt, a_submission
from tests.integration.http.caller import ApiCaller, Caller, as_json


def test_a_submission_is_stored_before_it_is_answered(api: ApiCaller, portal: Caller) -> None:
    submission = a_submission()

    answer = portal.submit(submission)

    assert answer.status_code == 202
    document = answer.json()
    assert document["state"] == "accepted"
    assert document["reference"] == submission["reference"]
    assert answer.headers["Location"] == document["links"]["self"] == f"{api.url}/v1/submissions/{document['id']}"
    assert "Idempotency-Replayed" not in answer.headers
    (row,) = api.hub.rows("SELECT id, source, kind, external_id, body FROM inbox")
    assert (row["id"], row["source"], row["kind"]) == (document["id"], "portal", "portal.submission")
    assert bytes(row["body"]) == as_json(submission)
    assert [wakeup.id for wakeup in api.hub.waiting] == [document["id"]]


def test_the_same_again_is_answered_as_the_first_time(api: ApiCaller, portal: Caller) -> None:
    submission = a_submission()
    first = portal.submit(submission)

    again = portal.submit(submission)

    assert (again.status_code, again.json()) == (202, first.json())
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.stored()["inbox"] == 1
    assert len(api.hub.waiting) == 1


def test_a_sender_that_lost_its_key_is_known_by_its_reference(api: ApiCaller, portal: Caller) -> None:
    submission = a_submission()
    first = portal.submit(submission, key="first-key")

    again = portal.submit(submission, key="second-key")

    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.stored()["inbox"] == 1


def test_fifty_at_once_are_one_submission_and_one_answer(api: ApiCaller, portal: Caller) -> None:
    submission = a_submission()
    callers = [Caller(portal.url, portal.key_id, portal.secret) for _ in range(50)]

    with ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(lambda caller: caller.submit(submission), callers))

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.text for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    stored = api.stored()
    assert (stored["inbox"], stored["idempotency"], stored["audit_log"]) == (1, 1, 1)


def test_while_the_first_is_still_being_written_the_second_is_asked_to_come_back(
    api: ApiCaller, portal: Caller
) -> None:
    submission = a_submission()
    with psycopg.connect(str(api.hub.settings.database_url)) as first:
        first.execute(
            "INSERT INTO idempotency (source, key, fingerprint, message_id) VALUES ('portal', %s, ''::bytea, 'sub_X')",
            (submission["reference"],),
        )

        answer = portal.submit(submission)

        assert (answer.status_code, answer.json()["code"]) == (409, "request-in-flight")
        assert int(answer.headers["Retry-After"]) >= 1
        first.rollback()
    assert portal.submit(submission).status_code == 202


def test_either_key_of_a_rotation_is_accepted(api: ApiCaller, portal: Caller) -> None:
    secret = api.hub.catalogue.secret("HUB_SECRET_TEST_PORTAL_B").encode()

    answer = Caller(api.url, "portal-test-b", secret).submit(a_submission())

    assert answer.status_code == 202
    assert api.lines_of([answer])[0]["client"] == "portal-test-b"


def test_the_same_key_with_other_content_is_refused(api: ApiCaller, portal: Caller) -> None:
    portal.submit(a_submission(), key="one-key")

    other = portal.submit(a_submission(), key="one-key")

    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")
    assert api.stored()["inbox"] == 1


def test_the_same_reference_with_other_content_is_refused(api: ApiCaller, portal: Caller) -> None:
    submission = a_submission()
    portal.submit(submission, key="key-1")

    other = portal.submit(submission | {"channel": "post"}, key="key-2")

    assert (other.status_code, other.json()["code"]) == (422, "reference-reused")
    assert (api.stored()["inbox"], api.stored()["idempotency"]) == (1, 1)


def test_the_code_of_another_dossier_is_refused_and_the_key_is_still_free(api: ApiCaller, portal: Caller) -> None:
    code = a_code(17)
    first = a_submission(dossier_code=code)
    portal.submit(first)
    api.hub.department("rest-a").answers.append(a_receipt())
    api.hub.carry()
    second = a_submission(dossier_code=code.lower())

    refused = portal.submit(second, key="key-2")
    assert (refused.status_code, refused.json()["code"]) == (422, "content-invalid")
    assert [(one["pointer"], one["code"]) for one in refused.json()["errors"]] == [
        ("/dossier_code", "dossier_code_taken")
    ]
    assert "Idempotency-Key vẫn chưa dùng" in refused.json()["detail"]
    assert api.stored()["inbox"] == 1
    assert portal.submit(second | {"dossier_code": a_code(18)}, key="key-2").status_code == 202
    again = portal.submit(first)
    assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("referance=CDVC-1", [("/query/referance", "unknown_parameter")]),
        ("reference=CDVC-1&reference=CDVC-2", [("/query/reference", "parameter_twice")]),
        ("limit=1&x&y=2", [("/query/x", "unknown_parameter"), ("/query/y", "unknown_parameter")]),
        ("%00=1", [("/query/\x00", "unknown_parameter")]),
    ],
)
def test_a_parameter_that_the_address_does_not_have_is_refused(
    api: ApiCaller, portal: Caller, query: str, faults: list[tuple[str, str]]
) -> None:
    portal.submit(a_submission())
    answer = portal.get(f"/v1/submissions?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "parameter-invalid")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == faults


def test_so_it_is_at_every_address_that_is_read(api: ApiCaller, portal: Caller, rest_a: Caller) -> None:
    """But for the one that providers write their message into, and machines that ask for health."""
    paths = [
        path.replace("{code}", "rest-b" if path.startswith("/soap") else "rest-a")
        for path, methods in application().openapi()["paths"].items()
        if "get" in methods and path != "/v1/banks/{code}/notifications" and not path.startswith("/health")
    ]
    assert len(paths) > 6
    for path in paths:
        caller = rest_a if path.startswith("/v1/departments") else portal
        assert caller.get(f"{path}?nobody_knows=1").status_code == 422, path
    assert portal.submit(a_submission()).status_code == 202
    assert portal.call("POST", "/v1/submissions?dry_run=1", as_json(a_submission()), key="k").status_code == 422


def test_what_may_be_submitted_is_listed(api: ApiCaller, portal: Caller) -> None:
    listed = {one["code"]: one for one in portal.get("/v1/procedures").json()["data"]}
    assert listed.keys() == api.hub.catalogue.procedures.keys()
    mine = listed["9.000001"]
    assert (mine["department"], mine["department_name"]) == ("rest-a", api.hub.catalogue.departments["rest-a"].name)
    fees = api.hub.catalogue.procedures["9.000001"].fees_on(local(now()).date())
    assert [one["amount"] for one in mine["fees"]] == [fee.amount for fee in fees]
    assert requests.Session().get(f"{portal.url}/v1/procedures", timeout=10).status_code == 401


def test_the_description_can_be_read_where_no_other_network_is(api: ApiCaller) -> None:
    page = requests.Session().get(f"{api.url}/docs", timeout=10).text
    assets = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {"/static-offline-docs/swagger-ui-bundle.js", "/static-offline-docs/swagger-ui.css"} <= set(assets)
    assert "//" not in "".join(assets)
    for asset in assets:
        assert requests.Session().get(api.url + asset, timeout=10).status_code == 200
