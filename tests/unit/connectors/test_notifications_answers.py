"""What each provider hears of each verdict, word for word: its retries hang on it."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from connectors.banks.notifications.dialect import NotificationVerdict
from connectors.banks.notifications.providers import DIALECTS
from tests.unit.connectors.notifications import EACH, contract_of

AT = datetime(2026, 11, 24, 1, 15, 2, tzinfo=UTC)
KEPT = (
    NotificationVerdict.ACCEPTED,
    NotificationVerdict.IGNORED,
    NotificationVerdict.UNKNOWN_ORDER,
    NotificationVerdict.WRONG_AMOUNT,
    NotificationVerdict.FINAL,
)
STRANGER = (NotificationVerdict.BAD_SIGNATURE, NotificationVerdict.STALE, NotificationVerdict.UNKNOWN_KEY)

VNPAY = {
    NotificationVerdict.ACCEPTED: "00",
    NotificationVerdict.IGNORED: "00",
    NotificationVerdict.UNKNOWN_ORDER: "01",
    NotificationVerdict.FINAL: "02",
    NotificationVerdict.WRONG_AMOUNT: "04",
    NotificationVerdict.BAD_SIGNATURE: "97",
    NotificationVerdict.STALE: "97",
    NotificationVerdict.UNKNOWN_KEY: "97",
    NotificationVerdict.MALFORMED: "99",
    NotificationVerdict.CONFLICT: "99",
}
_SAYS_NO = {"return_code": -1, "return_msg": "error"}
_SUCCESS = {200: {"success": True}, 400: {"success": False}, 401: {"success": False}, 409: {"success": False}}
BODIES: dict[str, dict[int, Any]] = {
    "keypay": {200: {"return_code": 0, "return_msg": "success"}, 400: _SAYS_NO, 401: _SAYS_NO, 409: _SAYS_NO},
    "momo": dict.fromkeys((204, 400, 401, 409)),
    "payos": _SUCCESS,
    "casso": _SUCCESS,
    "sepay": _SUCCESS,
    "signed-json": {
        200: {"code": "00", "message": "accepted"},
        400: {"code": "99", "message": "content refused"},
        401: {"code": "97", "message": "signature refused"},
        409: {"code": "09", "message": "notified before with other content"},
    },
}


def answer_of(dialect: str, verdict: NotificationVerdict) -> tuple[int, Any]:
    answer = DIALECTS[dialect].answer(verdict, contract_of(dialect), AT)  # type: ignore[index]  # a name of the table
    return answer.status, None if answer.body is None else json.loads(answer.body)


def status_of(dialect: str, verdict: NotificationVerdict) -> int:
    if verdict in KEPT:
        return 204 if dialect == "momo" else 200
    return (
        401 if verdict in STRANGER else {NotificationVerdict.MALFORMED: 400, NotificationVerdict.CONFLICT: 409}[verdict]
    )


@pytest.mark.parametrize("verdict", NotificationVerdict)
@pytest.mark.parametrize("dialect", sorted(BODIES))
def test_a_status_and_words_for_each_verdict(dialect: str, verdict: NotificationVerdict) -> None:
    status = status_of(dialect, verdict)
    assert answer_of(dialect, verdict) == (status, BODIES[dialect][status])


@pytest.mark.parametrize("verdict", NotificationVerdict)
def test_vnpay_hears_everything_by_its_code(verdict: NotificationVerdict) -> None:
    status, answer = answer_of("vnpay", verdict)
    assert (status, answer["RspCode"], set(answer)) == (200, VNPAY[verdict], {"RspCode", "Message"})


@pytest.mark.parametrize("verdict", NotificationVerdict)
def test_the_national_platform_hears_a_signed_answer_unless_it_is_a_stranger(verdict: NotificationVerdict) -> None:
    status, answer = answer_of("national", verdict)
    assert status == status_of("national", verdict)
    assert list(answer) == ["MaLoi", "MoTaLoi", "MaDoiTac", "ThoiGianGD", "MaXacThuc"]
    assert (answer["MaLoi"] == "00") == (verdict in KEPT)
    assert answer["ThoiGianGD"] == "20261124081502"
    assert (answer["MaXacThuc"] == "") == (verdict in STRANGER)


@pytest.mark.parametrize("dialect", EACH)
def test_only_vnpay_asks_about_orders(dialect: str) -> None:
    assert DIALECTS[dialect].orders == (dialect == "vnpay")  # type: ignore[index]  # a name of the table
