"""What a department reports, and how it is known: by its key or by its certificate."""

import pytest
import requests
from requests import Response

from schemas.department import StatusReport
from tests.builders import a_code, a_receipt, a_report, a_submission
from tests.integration.http.caller import JSON, PROXY_SECRET, ApiCaller, Caller, as_json, certificate_of, long_ago

PATH = "/v1/departments/rest-a/statuses"
CERTIFIED = "/v1/departments/rest-b/statuses"
NOTE = "Ghi chú về bà Dấu Vết"


def body_of(report: StatusReport) -> bytes:
    return report.model_dump_json(exclude_none=True).encode()


def test_a_report_is_stored_and_moves_its_dossier(api: ApiCaller, portal: Caller, rest_a: Caller) -> None:
    code = a_code(1)
    submission = portal.submit(a_submission(dossier_code=code)).json()
    api.hub.department("rest-a").answers.append(a_receipt())
    api.hub.carry()
    report = a_report(code, "DANG_XU_LY")

    answer = rest_a.call("POST", PATH, body_of(report), key="a-key-of-theirs")
    api.hub.carry()

    assert (answer.status_code, answer.json()["report_id"]) == (202, report.report_id)
    assert portal.get(f"/v1/submissions/{submission['id']}").json()["status"] == "in_process"
    (row,) = api.hub.rows("SELECT source, external_id, body FROM inbox WHERE kind = 'department.status'")
    assert (row["source"], row["external_id"]) == ("department.rest-a", report.report_id)
    assert StatusReport.model_validate_json(row["body"]) == report


def test_a_report_needs_no_key_of_its_own(api: ApiCaller, rest_a: Caller) -> None:
    report = a_report(a_code(1), "DANG_XU_LY")

    first = rest_a.call("POST", PATH, body_of(report))
    again = rest_a.call("POST", PATH, b" " + body_of(report))

    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"
    assert api.stored()["inbox"] == 1


def test_the_same_report_id_with_another_status_is_refused(api: ApiCaller, rest_a: Caller) -> None:
    first, other = (a_report(a_code(1), status, report_id="BC-1") for status in ("DANG_XU_LY", "DA_CO_KET_QUA"))
    rest_a.call("POST", PATH, body_of(first), key="key-1")

    answer = rest_a.call("POST", PATH, body_of(other), key="key-2")

    assert (answer.status_code, answer.json()["code"]) == (422, "reference-reused")
    assert api.stored()["inbox"] == 1


def refused(api: ApiCaller, answer: Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert api.stored()["inbox"] == 0
    assert len(api.log("refused")) == 1
    assert "Dấu" not in api.log_text()
    assert "D\\u1ea5u" not in api.log_text()


def a_noted_report(**changes: object) -> bytes:
    return as_json(a_report(a_code(1), "DANG_XU_LY").model_dump(mode="json") | {"note": NOTE} | changes)


@pytest.mark.parametrize("code", ["nobody", "soap-a", "soap-b", "REST-A", "%00"])
def test_an_unknown_department_and_a_disabled_endpoint_look_alike(api: ApiCaller, rest_a: Caller, code: str) -> None:
    """soap-a has no guard, soap-b none that works here."""
    answer = rest_a.call("POST", f"/v1/departments/{code}/statuses", a_noted_report())

    refused(api, answer, 404, "not-found")
    assert answer.json() | {"request_id": ""} == (
        rest_a.call("POST", "/v1/departments/none/statuses", a_noted_report()).json() | {"request_id": ""}
    )


def test_the_portals_key_is_refused_at_a_departments_endpoint(api: ApiCaller, portal: Caller) -> None:
    refused(api, portal.call("POST", PATH, a_noted_report()), 401, "authentication-failed")


def test_an_old_report_is_refused_at_the_endpoint(api: ApiCaller, rest_a: Caller) -> None:
    refused(api, rest_a.call("POST", PATH, a_noted_report(), created=long_ago()), 401, "authentication-failed")


@pytest.mark.parametrize(
    "changes", [{"at": "2026-11-24T08:00:00"}, {"status": ""}, {"dossier_code": "x"}, {"note": "\u0000"}, {"extra": 1}]
)
def test_a_report_that_cannot_be_read_is_refused(api: ApiCaller, rest_a: Caller, changes: dict[str, object]) -> None:
    answer = rest_a.call("POST", PATH, a_noted_report(**changes))

    refused(api, answer, 422, "content-invalid")


def certified(api: ApiCaller, certificate: str | None, secret: str | None = PROXY_SECRET) -> Response:
    """As the proxy passes a report on: with the certificate that it saw, and its own secret."""
    headers = {"Content-Type": JSON}
    if certificate is not None:
        headers["X-Client-Cert"] = certificate
    if secret is not None:
        headers["X-Proxy-Secret"] = secret
    return requests.Session().post(api.url + CERTIFIED, data=a_noted_report(), headers=headers, timeout=10)


def test_a_department_is_known_by_the_certificate_that_the_proxy_saw(api: ApiCaller) -> None:
    answer = certified(api, certificate_of("rest-b").escaped)

    assert answer.status_code == 202
    (row,) = api.hub.rows("SELECT source FROM inbox")
    assert row["source"] == "department.rest-b"


@pytest.mark.parametrize("secret", [None, "", "a guess", PROXY_SECRET[:-1]])
def test_a_certificate_is_not_believed_from_anybody_but_the_proxy(api: ApiCaller, secret: str | None) -> None:
    refused(api, certified(api, certificate_of("rest-b").escaped, secret), 401, "authentication-failed")


@pytest.mark.parametrize("certificate", [None, "", "%2D%2D", certificate_of("a stranger").escaped])
def test_a_certificate_that_is_not_pinned_opens_nothing(api: ApiCaller, certificate: str | None) -> None:
    refused(api, certified(api, certificate), 401, "authentication-failed")


def test_a_pinned_certificate_that_has_expired_opens_nothing(api: ApiCaller) -> None:
    answer = certified(api, certificate_of("rest-b", expired=True).escaped)

    refused(api, answer, 401, "authentication-failed")
    assert api.log("refused")[0]["reason"] == "certificate_not_in_force"
