"""The notification endpoints: stored as received, verified before parsing, counted once, answered in each dialect."""

import json
import secrets
from dataclasses import replace
from datetime import timedelta
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests

from hub.clock import now
from hub.http import banks
from tests.integration.http.caller import JSON, ApiCaller
from tests.integration.http.teller import BANKS, Teller, count, said_by, secret_of, verdicts
from tests.notices import NoticeDraft, Sent

KEPT = {
    "vnpay-t": (200, {"RspCode": "01", "Message": "Order not found"}),
    "keypay-t": (200, {"return_code": 0, "return_msg": "success"}),
    "payos-t": (200, {"success": True}),
    "casso-t": (200, {"success": True}),
    "sepay-t": (200, {"success": True}),
    "momo-t": (204, None),
    "bank-a": (200, {"code": "00", "message": "accepted"}),
}
"""What each hears whose payment names no demand of ours: it is kept all the same."""
REFUSED = {
    "vnpay-t": (200, {"RspCode": "97", "Message": "Invalid signature"}),
    "keypay-t": (401, {"return_code": -1, "return_msg": "error"}),
    "payos-t": (401, {"success": False}),
    "casso-t": (401, {"success": False}),
    "sepay-t": (401, {"success": False}),
    "momo-t": (401, None),
    "bank-a": (401, {"code": "97", "message": "signature refused"}),
}
each_bank = pytest.mark.parametrize("bank", sorted(BANKS))


@each_bank
def test_a_movement_is_kept_as_it_came_and_answered_in_the_providers_words(api: ApiCaller, bank: str) -> None:
    teller = Teller(api, bank)
    sent = teller.request(NoticeDraft())
    answer = teller.tells(sent)

    if bank == "national-t":
        assert (answer.status_code, answer.json()["MaLoi"], answer.json()["MaDoiTac"]) == (200, "00", "DEMOTMN1")
        assert len(answer.json()["MaXacThuc"]) == 64
    else:
        assert said_by(answer) == KEPT[bank]
    [delivery] = api.hub.rows("SELECT query, body, headers, sha256 FROM notify_delivery")
    assert (bytes(delivery["query"]), bytes(delivery["body"])) == (sent.query, sent.body)
    assert delivery["headers"] == {name.lower(): value for name, value in dict(sent.headers).items()}
    [event] = api.hub.rows("SELECT provider, amount, kind, inbox_id FROM notify_event")
    assert (event["provider"], event["amount"], event["kind"]) == (bank, 150_000, "payment")
    [message] = api.hub.rows("SELECT id, source, kind FROM inbox")
    assert message == {"id": event["inbox_id"], "source": f"bank.{bank}", "kind": "bank.notification"}
    assert [wakeup.id for wakeup in api.hub.waiting] == [message["id"]]


@each_bank
def test_a_changed_byte_is_refused_and_counted_and_leaves_nothing(api: ApiCaller, bank: str) -> None:
    """W1."""
    teller = Teller(api, bank)
    sent = teller.request(NoticeDraft())
    spoilt = replace(
        sent, query=sent.query.replace(b"15000000", b"15000100"), body=sent.body.replace(b"150000", b"150001")
    )
    answer = teller.tells(spoilt)

    if bank == "national-t":
        assert (answer.status_code, answer.json()["MaLoi"], answer.json()["MaXacThuc"]) == (401, "97", "")
    else:
        assert said_by(answer) == REFUSED[bank]
    assert api.hub.rows("SELECT counterparty, reason, count FROM rejected_request") == [
        {"counterparty": f"bank.{bank}", "reason": "bad_signature", "count": 1}
    ]
    assert (count(api, "notify_delivery"), count(api, "notify_event"), count(api, "inbox")) == (0, 0, 0)
    [line] = api.log("notification_refused")
    assert (line["code"], line["provider"]) == ("N04", bank)


def test_whoever_proves_nothing_leaves_a_counter_and_no_more_however_often_he_comes(api: ApiCaller) -> None:
    body = secrets.token_bytes(banks.LIMIT)
    before = api.stored()
    codes = ("sepay-t", "momo-t", "national-t")
    for path in (
        *(f"/v1/banks/{code}/notifications" for code in codes),
        "/v1/portal/submissions",
        "/v1/departments/rest-a/statuses",
        "/v1/departments/rest-a/settlement-answers",
        "/v1/postal/callbacks/" + "x" * 43,
        "/soap/soap-a",
    ):
        media_type = "text/xml" if path.startswith("/soap") else JSON
        for _ in range(5):
            answer = requests.post(api.url + path, data=body, headers={"Content-Type": media_type}, timeout=30)
            assert 400 <= answer.status_code < 500 or path.startswith("/soap"), path

    assert api.stored() == before
    counted = "SELECT coalesce(sum(count), 0)::int AS n FROM rejected_request"
    assert (api.hub.rows(counted)[0]["n"], count(api, "rejected_request")) == (15, 3)
    assert (count(api, "notify_delivery"), count(api, "notify_verdict")) == (0, 0)


def test_what_is_kept_for_a_dispute_is_bounded(api: ApiCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has overheard one delivery may send it for ever."""
    monkeypatch.setattr(banks, "MAX_DISPUTED_PER_DAY", 2)
    teller = Teller(api, "sepay-t")
    sent = teller.request(NoticeDraft(signed_at=now() - timedelta(minutes=6)))
    for _ in range(4):
        assert teller.tells(sent).status_code == 401

    assert verdicts(api) == [("stale", "N05")] * 2
    assert api.hub.rows("SELECT count FROM rejected_request") == [{"count": 4}]


@pytest.mark.parametrize("bank", ["casso-t", "sepay-t", "bank-a"])
def test_what_was_signed_six_minutes_ago_is_stale(api: ApiCaller, bank: str) -> None:
    """W2."""
    answer = Teller(api, bank).tells(NoticeDraft(signed_at=now() - timedelta(minutes=6)))
    assert said_by(answer) == REFUSED[bank]
    assert verdicts(api) == [("stale", "N05")]
    assert count(api, "notify_event") == 0


@each_bank
def test_the_same_movement_with_another_amount_is_a_conflict_and_the_first_stays(api: ApiCaller, bank: str) -> None:
    """W4."""
    teller = Teller(api, bank)
    teller.tells(NoticeDraft())
    answer = teller.tells(NoticeDraft(amount=999_000))
    again = teller.tells(NoticeDraft())
    api.hub.carry()

    assert answer.status_code in ({200} if bank == "vnpay-t" else {409})
    if bank == "vnpay-t":
        assert answer.json()["RspCode"] == "99"
    elif bank != "national-t":
        assert said_by(again) == KEPT[bank]
    assert [verdict for verdict, _ in verdicts(api)][1:] == ["conflict", "repeated"]
    [event] = api.hub.rows("SELECT id, amount FROM notify_event")
    assert event["amount"] == 150_000
    [case] = api.hub.rows("SELECT object_type, object_id, at_risk FROM fee_exception WHERE code = 'N03'")
    assert case == {"object_type": "notify_event", "object_id": str(event["id"]), "at_risk": 999_000}


@pytest.mark.parametrize("amount", [0, -5, 1.5, 10**18, "50,000"])
def test_an_amount_that_is_none_makes_no_event(api: ApiCaller, amount: Any) -> None:
    """W5."""
    answer = Teller(api, "sepay-t").tells(NoticeDraft().with_field("transferAmount", amount))
    assert said_by(answer) == (400, {"success": False})
    assert verdicts(api) == [("malformed", "N04")]
    assert count(api, "notify_event") == 0


@pytest.mark.parametrize("moment", ["0001-01-01 00:00:00", "2099-01-01 00:00:00", "9999-12-31 23:59:59", "in two days"])
def test_a_movement_of_no_time_that_can_be_makes_no_event(api: ApiCaller, moment: str) -> None:
    """A verdict and the provider's own words, not a failure: it would be told again for ever."""
    time = f"{now() + timedelta(days=2):%Y-%m-%d %H:%M:%S}" if moment == "in two days" else moment
    answer = Teller(api, "sepay-t").tells(NoticeDraft().with_field("transactionDate", time))
    assert said_by(answer) == (400, {"success": False})
    assert verdicts(api) == [("malformed", "N04")]
    assert (count(api, "notify_event"), count(api, "inbox")) == (0, 0)


@pytest.mark.parametrize("amount", ["15000050", "0", "-100", "NaN", "50,000"])
def test_an_amount_of_vnpay_that_is_not_whole_dong_makes_no_event(api: ApiCaller, amount: str) -> None:
    """W5, W6."""
    answer = Teller(api, "vnpay-t").tells(NoticeDraft().with_field("vnp_Amount", amount))
    assert said_by(answer) == (200, {"RspCode": "99", "Message": "Input data required"})
    assert verdicts(api) == [("malformed", "N04")]
    assert count(api, "notify_event") == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"\xff\xfe{}", b'{"id":"\x00"}', b'{"id":1,"id":2}', b'{"a":' * 5000 + b"1" + b"}" * 5000],
    ids=["empty", "list", "not UTF-8", "NUL", "key twice", "deep"],
)
@pytest.mark.parametrize("bank", [bank for bank in sorted(BANKS) if bank != "vnpay-t"])
def test_what_is_no_document_is_refused(api: ApiCaller, bank: str, body: bytes) -> None:
    """W9: signed or not."""
    teller = Teller(api, bank)
    answer = teller.tells(replace(teller.request(NoticeDraft()), body=body))
    assert answer.status_code in (400, 401)
    assert count(api, "notify_event") == 0


def test_what_is_too_large_is_refused_before_anything_else(api: ApiCaller) -> None:
    """W9: ten megabytes."""
    teller = Teller(api, "sepay-t")
    answer = teller.tells(replace(teller.request(NoticeDraft()), body=b" " * 10_000_000))
    assert answer.status_code == 413
    assert teller.tells(replace(teller.request(NoticeDraft()), body=b" " * (banks.LIMIT + 1))).status_code == 413
    assert Teller(api, "vnpay-t").tells(Sent(query=b"a=" + b"1" * 9000)).status_code == 413
    assert count(api, "notify_delivery") == 0


def test_while_a_key_is_replaced_both_are_believed_and_the_one_that_has_run_out_is_not(api: ApiCaller) -> None:
    """W12."""
    answers = {
        name: Teller(api, "sepay-t", secret_of(name)).tells(NoticeDraft(txn=str(number))).status_code
        for number, name in enumerate(["SEPAY_A", "SEPAY_B", "SEPAY_OLD"], 1)
    }
    assert answers == {"SEPAY_A": 200, "SEPAY_B": 200, "SEPAY_OLD": 401}
    rows = api.hub.rows("SELECT verdict, code, key_id FROM notify_verdict ORDER BY delivery_id")
    assert [tuple(row.values()) for row in rows] == [
        ("accepted", None, "a"),
        ("accepted", None, "b"),
        ("unknown_key", "N06", None),
    ]


@each_bank
def test_without_the_database_nobody_hears_a_success(
    own_api: ApiCaller, monkeypatch: pytest.MonkeyPatch, bank: str
) -> None:
    """W13."""

    def away(**_options: float) -> None:
        raise psycopg.OperationalError("the database is away")

    teller = Teller(own_api, bank)
    monkeypatch.setattr(own_api.hub.db, "connection", away)
    answer = teller.tells(NoticeDraft())
    monkeypatch.undo()
    assert answer.status_code == 503
    assert teller.tells(NoticeDraft()).status_code < 300


def test_a_signature_header_given_twice_counts_as_missing(api: ApiCaller) -> None:
    teller = Teller(api, "sepay-t")
    sent = teller.request(NoticeDraft())
    connection = HTTPConnection(urlsplit(teller.url).netloc, timeout=10)
    connection.putrequest("POST", "/v1/banks/sepay-t/notifications")
    for name, value in (*dict(sent.headers).items(), ("X-SePay-Signature", "sha256=" + "0" * 64)):
        connection.putheader(name, value)
    connection.putheader("Content-Type", JSON)
    connection.putheader("Content-Length", str(len(sent.body)))
    connection.endheaders(sent.body)
    assert connection.getresponse().status == 401
    connection.close()
    assert [row["reason"] for row in api.hub.rows("SELECT reason FROM rejected_request")] == ["bad_signature"]


@pytest.mark.parametrize("code", ["bank-b", "rest-a", "nobody"])
def test_a_bank_that_does_not_notify_has_no_endpoint(api: ApiCaller, code: str) -> None:
    answer = requests.Session().post(
        f"{api.url}/v1/banks/{code}/notifications", data=b"{}", headers={"Content-Type": JSON}, timeout=10
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


def test_nothing_that_a_payer_wrote_is_logged(api: ApiCaller) -> None:
    Teller(api, "sepay-t").tells(NoticeDraft().with_field("content", "nguoi nop la ba Dau Vet 0900000000"))
    api.hub.carry()
    assert "Dau Vet" not in api.log_text()
    assert json.dumps("0900000000") not in api.log_text()
