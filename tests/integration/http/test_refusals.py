"""What is turned away: with the right problem, nothing stored, and one line in the log that knows no citizen."""

import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any

import pytest
from requests import PreparedRequest, Response

from hub.clock import now
from tests.builders import a_submission
from tests.integration.http.caller import JSON, ApiCaller, Caller, long_ago

NAME = "Trần Thị Dấu Vết"
NUMBER = "012345678901"
PHONE = "0911222333"
EMAIL = "dau.vet@example.vn"
PERSONAL = (NAME, NUMBER, PHONE, EMAIL, "Trần", json.dumps(NAME)[1:-1], "Dấu Vết")


def marked(**changes: Any) -> dict[str, Any]:
    """A submission whose applicant would be noticed in a log."""
    submission = a_submission()
    applicant = submission["applicant"] | {"name": NAME, "phone": PHONE, "email": EMAIL}
    applicant["identity"] = {"kind": "cccd", "number": NUMBER}
    return submission | {"applicant": applicant} | changes


@pytest.fixture(autouse=True)
def _leaves_no_trace(api: ApiCaller) -> Iterator[None]:
    """After each of these tests: nothing in the database, and no word of the applicant in the log."""
    yield
    assert set(api.stored().values()) == {0}
    assert not api.hub.waiting
    for word in PERSONAL:
        assert word not in api.log_text()


def expect(api: ApiCaller, answer: Response, status: int, code: str, *pointers: str) -> dict[str, Any]:
    """The answer is this problem and the log says so in one line."""
    problem: dict[str, Any] = answer.json()
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.status_code, problem["status"], problem["code"]) == (status, status, code)
    assert problem["type"] == f"urn:lienthong:hub:problem:{code}"
    assert tuple(fault["pointer"] for fault in problem["errors"]) == pointers
    assert problem["request_id"] == answer.headers["X-Request-Id"]
    (line,) = api.log("refused")
    assert (line["problem"], line["request_id"]) == (code, problem["request_id"])
    return line


def spoil_signature(request: PreparedRequest) -> None:
    label, _, value = str(request.headers["Signature"]).partition("=:")
    mac = bytearray(base64.b64decode(value.rstrip(":")))
    mac[0] ^= 1
    request.headers["Signature"] = f"{label}=:{base64.b64encode(mac).decode()}:"


def swap_body(request: PreparedRequest) -> None:
    assert isinstance(request.body, bytes)
    request.body = request.body.replace(b'"online"', b'"counter"')
    request.headers["Content-Length"] = str(len(request.body))


def swap_body_and_digest(request: PreparedRequest) -> None:
    swap_body(request)
    assert isinstance(request.body, bytes)
    digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    request.headers["Content-Digest"] = f"sha-256=:{digest}:"


def drop(*names: str) -> Callable[[PreparedRequest], None]:
    def spoil(request: PreparedRequest) -> None:
        for name in names:
            del request.headers[name]

    return spoil


def uncover(component: str) -> Callable[[PreparedRequest], None]:
    """Signed over less than we ask: the signature itself is right."""

    def spoil(request: PreparedRequest) -> None:
        request.headers["Signature-Input"] = str(request.headers["Signature-Input"]).replace(f' "{component}"', "")

    return spoil


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (spoil_signature, "wrong"),
        (swap_body, "body_differs"),
        (swap_body_and_digest, "wrong"),
        (drop("Signature"), "missing"),
        (drop("Signature", "Signature-Input"), "missing"),
        (drop("Content-Digest"), "wrong"),
        (uncover("idempotency-key"), "wrong"),
    ],
)
def test_a_request_that_was_touched_after_signing_is_refused(
    api: ApiCaller, portal: Caller, spoil: Callable[[PreparedRequest], None], reason: str
) -> None:
    answer = portal.submit(marked(), spoil=spoil)

    assert expect(api, answer, 401, "authentication-failed")["reason"] == reason


def test_every_wrong_signature_is_answered_with_the_same_words(api: ApiCaller, portal: Caller) -> None:
    stranger = Caller(api.url, "nobody", portal.secret)
    answers = [
        portal.submit(marked(), spoil=spoil_signature),
        portal.submit(marked(), spoil=drop("Signature")),
        portal.submit(marked(), created=long_ago()),
        stranger.submit(marked()),
    ]

    problems = [answer.json() | {"request_id": ""} for answer in answers]

    assert [answer.status_code for answer in answers] == [401] * 4
    assert problems == [problems[0]] * 4
    assert [line["reason"] for line in api.log("refused")] == ["wrong", "missing", "outside_window", "unknown_key"]


@pytest.mark.parametrize("seconds", [-301, 301])
def test_a_request_from_outside_the_window_is_refused(api: ApiCaller, portal: Caller, seconds: int) -> None:
    answer = portal.submit(marked(), created=now() + timedelta(seconds=seconds))

    assert expect(api, answer, 401, "authentication-failed")["reason"] == "outside_window"


def test_another_partners_key_is_refused(api: ApiCaller, rest_a: Caller) -> None:
    expect(api, rest_a.submit(marked()), 401, "authentication-failed")


def test_a_signature_for_another_address_is_refused(api: ApiCaller, portal: Caller) -> None:
    def redirect(request: PreparedRequest) -> None:
        request.url = str(request.url).replace("127.0.0.1", "localhost") + "?x=1"

    expect(api, portal.submit(marked(), spoil=redirect), 401, "authentication-failed")


def test_a_submission_without_a_key_is_refused(api: ApiCaller, portal: Caller) -> None:
    expect(api, portal.submit(marked(), key=None), 400, "idempotency-key-missing")


@pytest.mark.parametrize("key", ["with a space", "k" * 256])
def test_a_key_that_could_not_be_compared_is_refused(api: ApiCaller, portal: Caller, key: str) -> None:
    expect(api, portal.submit(marked(), key=key), 400, "idempotency-key-missing")


def test_one_unknown_key_is_named(api: ApiCaller, portal: Caller) -> None:
    submission = marked()
    submission["applicant"]["nickname"] = NAME

    line = expect(api, portal.submit(submission), 422, "content-invalid", "/applicant/nickname")

    assert line["faults"] == ["/applicant/… extra_forbidden"]


def test_an_unknown_key_that_is_a_name_is_told_to_the_sender_and_not_to_the_log(api: ApiCaller, portal: Caller) -> None:
    line = expect(api, portal.submit(marked(Tran_Thi_Dau_Vet=1)), 422, "content-invalid", "/Tran_Thi_Dau_Vet")

    assert line["faults"] == ["/… extra_forbidden"]
    assert "Dau_Vet" not in api.log_text()


@pytest.mark.parametrize("amount", [50_000.0, 50_000.5, "50000", True, -1, 10**16])
def test_a_fee_that_is_no_whole_number_of_dong_is_refused(api: ApiCaller, portal: Caller, amount: object) -> None:
    submission = marked(fees=[{"code": "LP-01", "kind": "le_phi", "amount": amount}])

    expect(api, portal.submit(submission), 422, "content-invalid", "/fees/0/amount")


def test_a_procedure_that_the_centre_does_not_have_is_refused(api: ApiCaller, portal: Caller) -> None:
    expect(api, portal.submit(marked(procedure="1.999999")), 422, "content-invalid", "/procedure")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "body-not-readable"),
        (b"{", 400, "body-not-readable"),
        (b"\xff\xfe", 400, "body-not-readable"),
        (b"[" * 100_000, 422, "content-invalid"),
        (b'{"reference": NaN}', 422, "content-invalid"),
        (b"[]", 422, "content-invalid"),
        (b"null", 422, "content-invalid"),
        (b'{"reference": "a", "reference": "b"}', 422, "content-invalid"),
    ],
)
def test_what_is_no_submission_is_refused(api: ApiCaller, portal: Caller, body: bytes, status: int, code: str) -> None:
    answer = portal.submit(body, key="a-key")

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_fifty_megabytes_are_refused_without_being_kept(api: ApiCaller, portal: Caller) -> None:
    """No Content-Length: the body comes in chunks, and the API stops reading after the first mebibyte."""

    def chunks() -> Iterator[bytes]:
        for _ in range(50):
            yield b" " * 1_048_576

    def send_in_chunks(request: PreparedRequest) -> None:
        """The head stays as it was signed: whether the body has its digest is known only when it has come."""
        request.prepare_body(chunks(), files=None)
        del request.headers["Content-Length"]

    expect(api, portal.submit(b"{}", key="large", spoil=send_in_chunks), 413, "body-too-large")


def test_who_is_not_known_sends_no_body(api: ApiCaller) -> None:
    """The head alone is answered: nobody can hold our memory or our time with bodies who has no key."""
    connection = HTTPConnection(api.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/v1/submissions")
    for name, value in (("Content-Type", JSON), ("Idempotency-Key", "a"), ("Content-Length", "1000000")):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()

    assert (answer.status, json.loads(answer.read())["code"]) == (401, "authentication-failed")
    connection.close()


def test_an_announced_size_over_the_limit_is_refused_before_it_is_sent(api: ApiCaller, portal: Caller) -> None:
    expect(api, portal.submit(b" " * 1_048_577, key="large"), 413, "body-too-large")


def test_an_encoded_body_is_refused_whatever_is_in_it(api: ApiCaller, portal: Caller) -> None:
    answer = portal.submit(marked(), headers={"Content-Encoding": "gzip"})

    expect(api, answer, 415, "content-encoding-not-supported")


@pytest.mark.parametrize("media_type", ["text/plain", "application/xml", "", "application/json; charset=utf-16"])
def test_another_media_type_is_refused(api: ApiCaller, portal: Caller, media_type: str) -> None:
    answer = portal.submit(marked(), headers={"Content-Type": media_type})

    expect(api, answer, 415, "media-type-not-supported")


def test_a_header_on_which_a_decision_stands_is_given_once(api: ApiCaller) -> None:
    """By hand, because no decent client sends the same header twice."""
    connection = HTTPConnection(api.url.removeprefix("http://"), timeout=10)
    connection.putrequest("POST", "/v1/submissions")
    for name, value in (("Idempotency-Key", "a"), ("Idempotency-Key", "b"), ("Content-Length", "0")):
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()

    assert (answer.status, json.loads(answer.read())["code"]) == (400, "request-malformed")
    connection.close()
