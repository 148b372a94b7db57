"""The national payment platform (Nền tảng thanh toán trực tuyến) 1.0.6: CONFIRM, signed by MaXacThuc.

MaXacThuc is the SHA-256 of the values joined by "|" with the shared secret behind them. Their clock writes hours by
twelve (an afternoon payment reads 02:35), so the day is believed and the hour is not asked for anything.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from connectors.banks.notifications.dialect import (
    VIETNAM,
    Dialect,
    NotificationRequest,
    NotificationVerdict,
    ProviderAnswer,
    ProviderContract,
    digits,
    is_same_signature,
    json_answer,
    json_object,
    notification,
    payment_amount,
    refusal,
    signing_key_id,
    text_of,
    utf8,
    vietnam_time,
)
from schemas.payment import Notification, NotificationKind

SIGNED: Final = (
    "LoaiBanTin",
    "MaLoi",
    "MaDoiTac",
    "MaThamChieu",
    "SoTien",
    "MaTienTe",
    "MaGiaoDich",
    "MaNganHang",
    "ThoiGianGD",
    "ThongTinGiaoDich",
)
SUCCESS: Final = "00"
TIME: Final = "%Y%m%d%H%M%S"

ANSWERS: Final[Mapping[NotificationVerdict, tuple[int, str, str]]] = {
    NotificationVerdict.ACCEPTED: (200, "00", "Thành công"),
    NotificationVerdict.IGNORED: (200, "00", "Thành công"),
    NotificationVerdict.UNKNOWN_ORDER: (200, "00", "Thành công"),
    NotificationVerdict.WRONG_AMOUNT: (200, "00", "Thành công"),
    NotificationVerdict.FINAL: (200, "00", "Thành công"),
    NotificationVerdict.BAD_SIGNATURE: (401, "97", "Mã xác thực không hợp lệ"),
    NotificationVerdict.STALE: (401, "97", "Mã xác thực không hợp lệ"),
    NotificationVerdict.UNKNOWN_KEY: (401, "97", "Mã xác thực không hợp lệ"),
    NotificationVerdict.MALFORMED: (400, "99", "Bản tin không hợp lệ"),
    NotificationVerdict.CONFLICT: (409, "99", "Giao dịch đã được báo với nội dung khác"),
}
"""HTTP status, MaLoi, MoTaLoi. Only MaLoi 00 is public; what says no is any other."""


def code_of(values: list[str], secret: str) -> str:
    """MaXacThuc of these values."""
    return hashlib.sha256(utf8("|".join([*values, secret]))).hexdigest()


def _values(payload: Mapping[str, Any]) -> list[str]:
    """The signed values. A bar within one but the last would let the same bytes be cut in another way."""
    values = [text_of(payload, name) for name in SIGNED]
    if any("|" in value for value in values[:-1]):
        raise refusal("", "separator", "a value holds the separator of the signature")
    return values


def _verify(request: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    payload = json_object(request.body)
    values, signature = _values(payload), payload.get("MaXacThuc")
    return signing_key_id(contract, at, lambda key: is_same_signature(signature, code_of(values, key.secret)))


def _read(request: NotificationRequest, contract: ProviderContract) -> Notification:
    payload = json_object(request.body)
    if text_of(payload, "LoaiBanTin") != "CONFIRM":
        raise refusal("/LoaiBanTin", "type", "is no CONFIRM")
    if text_of(payload, "MaDoiTac") != contract.terms.merchant:
        raise refusal("/MaDoiTac", "merchant", "is another partner")
    return notification(
        provider=contract.provider,
        provider_txn=text_of(payload, "MaGiaoDich"),
        kind=NotificationKind.PAYMENT if text_of(payload, "MaLoi") == SUCCESS else NotificationKind.FAILED,
        amount=payment_amount(digits(text_of(payload, "SoTien"), "/SoTien"), "/SoTien"),
        currency=text_of(payload, "MaTienTe"),
        paid_at=vietnam_time(text_of(payload, "ThoiGianGD"), "/ThoiGianGD", TIME),
        account=contract.account,
        reference=text_of(payload, "MaThamChieu"),
        text=text_of(payload, "ThongTinGiaoDich"),
    )


def _answer(verdict: NotificationVerdict, contract: ProviderContract, at: datetime) -> ProviderAnswer:
    """Signed like theirs, unless it tells a stranger no."""
    status, code, message = ANSWERS[verdict]
    reply = {
        "MaLoi": code,
        "MoTaLoi": message,
        "MaDoiTac": contract.terms.merchant or "",
        "ThoiGianGD": at.astimezone(VIETNAM).strftime(TIME),
    }
    key = next((key for key in contract.keys if key.in_force(at)), None)
    known = key is not None and status != 401  # noqa: PLR2004 - the HTTP status
    return json_answer(
        status, reply | {"MaXacThuc": code_of(list(reply.values()), key.secret) if key and known else ""}
    )


DIALECT: Final = Dialect("POST", (), _verify, _read, _answer)
