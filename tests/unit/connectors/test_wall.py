"""What an HTTP status means, once and for all dialects."""

import json

import pytest
from requests.structures import CaseInsensitiveDict

from connectors.errors import ConnectorCode, ConnectorError, ContractBroken, Duplicate, Rejected, Unavailable
from connectors.transport.http_connection import HttpReply, checked, seconds_to_wait
from hub.locale import vi

NOON = 1_795_521_600.0
"""24 November 2026, 12:00 UTC"""


def a_reply(status: int, body: bytes = b"", **headers: str) -> HttpReply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return HttpReply(status, CaseInsensitiveDict(named), body)


def outcome(reply: HttpReply, *, idempotent: bool = False) -> ConnectorError:
    with pytest.raises(ConnectorError) as caught:
        checked(reply, idempotent=idempotent)
    return caught.value


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_a_success_passes(status: int) -> None:
    reply = a_reply(status)
    assert checked(reply, idempotent=False) is reply


@pytest.mark.parametrize("status", [408, 425, 429, 503])
def test_busy_means_not_done_and_says_when_to_come_back(status: int) -> None:
    error = outcome(a_reply(status, Retry_After="7"))

    assert isinstance(error, Unavailable)
    assert (error.code, error.outcome_unknown, error.retry_after) == (ConnectorCode.BUSY, False, 7.0)


@pytest.mark.parametrize("status", [500, 501, 502, 504, 599])
def test_a_failing_server_may_have_acted_unless_it_was_only_asked(status: int) -> None:
    act, question = outcome(a_reply(status)), outcome(a_reply(status), idempotent=True)

    assert isinstance(act, Unavailable)
    assert isinstance(question, Unavailable)
    assert act.code == ConnectorCode.ERROR
    assert act.outcome_unknown
    assert not question.outcome_unknown


@pytest.mark.parametrize("status", [401, 403])
def test_a_wrong_credential_is_for_a_person_and_refuses_no_dossier(status: int) -> None:
    problem = json.dumps({"detail": "no"}).encode()
    error = outcome(a_reply(status, problem, Content_Type="application/problem+json"))

    assert isinstance(error, ContractBroken)
    assert error.code == ConnectorCode.AUTH


def test_a_conflict_is_a_duplicate() -> None:
    assert isinstance(outcome(a_reply(409)), Duplicate)


@pytest.mark.parametrize("status", [400, 422])
def test_a_refusal_is_said_in_a_problem_document(status: int) -> None:
    problem = json.dumps({"title": "Từ chối", "detail": "Thiếu bản sao giấy tờ"}).encode()
    error = outcome(a_reply(status, problem, content_type="application/problem+json; charset=utf-8"))

    assert isinstance(error, Rejected)
    assert error.code == ConnectorCode.REJECTED
    assert error.reason == "Thiếu bản sao giấy tờ"
    assert "Thiếu" not in str(error), "their words are stored, never logged"


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"title": "Refused"}', "Refused"),
        (b'{"detail": 7}', ""),
        (b"[]", ""),
        (b"{", ""),
        (b"\xff", ""),
        (b"[" * 100_000, ""),
        (b'{"detail": "' + b"x" * 5000 + b'"}', "x" * 1000),
        (b'{"detail": "Thi\\u00ea\\u0301u\\u0000 gi\\u00e2\\u0301y \\ud800t\\u01a1\\u0300"}', "Thiếu giấy tờ"),
    ],
)
def test_a_refusal_without_words_is_a_refusal(body: bytes, reason: str) -> None:
    error = outcome(a_reply(422, body, Content_Type="application/problem+json"))

    assert isinstance(error, Rejected)
    assert error.reason == reason


@pytest.mark.parametrize(
    ("status", "media_type"),
    [
        (400, "text/html"),
        (422, "text/html"),
        (422, "application/json"),
        (404, "application/problem+json"),
        (405, "application/problem+json"),
        (413, "application/problem+json"),
        (415, "application/problem+json"),
    ],
)
def test_nobody_is_refused_by_a_proxy_or_a_wrong_address(status: int, media_type: str) -> None:
    error = outcome(a_reply(status, b'{"detail": "no"}', Content_Type=media_type))

    assert isinstance(error, ContractBroken)
    assert error.code == ConnectorCode.CONTRACT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("3600", 3600.0),
        (" 5 ", 5.0),
        ("Tue, 24 Nov 2026 12:00:30 GMT", 30.0),
        ("Tue, 24 Nov 2026 11:00:00 GMT", 0.0),
        ("Tuesday, 24-Nov-26 12:01:00 GMT", 60.0),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("99999999999999999999", None),
        ("٣", None),
        ("Tue, 99 Nov 2026 12:00:30 GMT", None),
        ("Tue, 24 Nov 99999 12:00:30 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(header: str, seconds: float | None) -> None:
    assert seconds_to_wait(header, now=NOON) == seconds


def test_every_code_has_a_sentence_in_both_languages() -> None:
    for code in ConnectorCode:
        assert code.en.endswith(".")
        assert vi(code.en).endswith(".")
        assert code.value == str(code)
