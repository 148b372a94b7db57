"""How one request can be found again: ids in and out, and one line in the log."""

import json
import re
import socket
import time

import pytest
import requests

from connectors.transport import signatures
from tests.builders import a_submission
from tests.integration.http.caller import ApiCaller, Caller

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = f"00-{TRACE}-b7ad6b7169203331-01"


def test_a_callers_request_id_comes_back_and_stands_in_the_log(api: ApiCaller, portal: Caller) -> None:
    answer = portal.submit(a_submission(), headers={"X-Request-Id": "cong-dvc.2026_11-24"})

    assert answer.headers["X-Request-Id"] == "cong-dvc.2026_11-24"
    assert len(api.lines_of([answer])) == 1


@pytest.mark.parametrize("request_id", ["", "with space", "x" * 65, 'quote"', "semi;colon"])
def test_a_request_id_that_could_mislead_is_replaced(api: ApiCaller, portal: Caller, request_id: str) -> None:
    answer = portal.get("/v1/events", headers={"X-Request-Id": request_id})

    assert re.fullmatch(r"[0-9a-f]{20}", answer.headers["X-Request-Id"])


def test_a_trace_is_continued_with_a_span_of_our_own(api: ApiCaller, portal: Caller) -> None:
    answer = portal.get("/v1/events", headers={"traceparent": PARENT})

    version, trace, span, flags = answer.headers["traceparent"].split("-")
    assert (version, trace, flags) == ("00", TRACE, "01")
    assert span != "b7ad6b7169203331"
    assert api.lines_of([answer])[0]["trace_id"] == TRACE


@pytest.mark.parametrize(
    "traceparent", ["", "00-0-0-0", PARENT.upper(), f"ff{PARENT[2:]}", PARENT.replace(TRACE, "0" * 32), PARENT + "-x"]
)
def test_a_trace_that_is_none_is_begun_anew(api: ApiCaller, portal: Caller, traceparent: str) -> None:
    answer = portal.get("/v1/events", headers={"traceparent": traceparent})

    trace = answer.headers["traceparent"].split("-")[1]
    assert re.fullmatch(r"[0-9a-f]{32}", trace)
    assert trace not in {TRACE, "0" * 32}


def test_a_request_is_one_line_that_names_the_route_and_nothing_that_was_sent(api: ApiCaller, portal: Caller) -> None:
    submission = a_submission()
    accepted = portal.submit(submission)
    asked = portal.get(f"/v1/submissions/{accepted.json()['id']}?wait=0")
    searched = portal.get(f"/v1/submissions?reference={submission['reference']}")

    lines = api.lines_of([accepted, asked, searched])

    assert [(line["method"], line["route"], line["status"]) for line in lines] == [
        ("POST", "/v1/submissions", 202),
        ("GET", "/v1/submissions/{submission_id}", 200),
        ("GET", "/v1/submissions", 200),
    ]
    assert {line["client"] for line in lines} == {"portal-test-a"}
    assert all(line["ms"] > 0 for line in lines)
    for sent in (submission["reference"], "wait", "reference=", json.dumps(submission["applicant"]["name"])[1:-1]):
        assert sent not in api.log_text()


def test_no_answer_is_kept_by_anybody_between_us(api: ApiCaller, portal: Caller) -> None:
    for answer in (portal.submit(a_submission()), portal.get("/v1/events"), portal.get("/nowhere")):
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Server" not in answer.headers


def test_a_caller_that_hangs_up_is_noted_and_nothing_is_stored(api: ApiCaller, portal: Caller) -> None:
    host, _, port = api.url.removeprefix("http://").partition(":")
    headers = {"Content-Type": "application/json", "Idempotency-Key": "half"}
    request = requests.Request("POST", f"{api.url}/v1/submissions", headers=headers, data=b"{}").prepare()
    signatures.sign(request, portal.key_id, portal.secret)
    head = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    with socket.create_connection((host, int(port))) as line:
        line.sendall(f"POST /v1/submissions HTTP/1.1\r\nHost: x\r\n{head}\r\n{{".encode())
        time.sleep(0.2)
    until = time.monotonic() + 120
    while 499 not in {line["status"] for line in api.log("request")}:
        assert time.monotonic() < until
        time.sleep(0.05)

    assert api.log("request_failed") == []
    assert api.stored()["inbox"] == 0
