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
    as_bytes,
    digits,
    document,
    dong,
    local,
    notification,
    refused,
    said,
    same,
    signed_by,
    text_of,
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
    return hashlib.sha256(as_bytes("|".join([*values, secret]))).hexdigest()


def _values(found: Mapping[str, Any]) -> list[str]:
    """The signed values. A bar within one but the last would let the same bytes be cut in another way."""
    values = [text_of(found, name) for name in SIGNED]
    if any("|" in value for value in values[:-1]):
        raise refused("", "separator", "a value holds the separator of the signature")
    return values


def _verify(came: NotificationRequest, contract: ProviderContract, at: datetime) -> str:
    found = document(came.body)
    values, signature = _values(found), found.get("MaXacThuc")
    return signed_by(contract, at, lambda key: same(signature, code_of(values, key.secret)))


def _read(came: NotificationRequest, contract: ProviderContract) -> Notification:
    found = document(came.body)
    if text_of(found, "LoaiBanTin") != "CONFIRM":
        raise refused("/LoaiBanTin", "type", "is no CONFIRM")
    if text_of(found, "MaDoiTac") != contract.terms.merchant:
        raise refused("/MaDoiTac", "merchant", "is another partner")
    return notification(
        provider=contract.provider,
        provider_txn=text_of(found, "MaGiaoDich"),
        kind=NotificationKind.PAYMENT if text_of(found, "MaLoi") == SUCCESS else NotificationKind.FAILED,
        amount=dong(digits(text_of(found, "SoTien"), "/SoTien"), "/SoTien"),
        currency=text_of(found, "MaTienTe"),
        paid_at=local(text_of(found, "ThoiGianGD"), "/ThoiGianGD", TIME),
        account=contract.account,
        reference=text_of(found, "MaThamChieu"),
        text=text_of(found, "ThongTinGiaoDich"),
    )


def _answer(verdict: NotificationVerdict, contract: ProviderContract, at: datetime) -> ProviderAnswer:
    """Signed like theirs, unless it tells a stranger no."""
    status, code, words = ANSWERS[verdict]
    reply = {
        "MaLoi": code,
        "MoTaLoi": words,
        "MaDoiTac": contract.terms.merchant or "",
        "ThoiGianGD": at.astimezone(VIETNAM).strftime(TIME),
    }
    key = next((key for key in contract.keys if key.in_force(at)), None)
    known = key is not None and status != 401  # noqa: PLR2004 - the HTTP status
    return said(status, reply | {"MaXacThuc": code_of(list(reply.values()), key.secret) if key and known else ""})


DIALECT: Final = Dialect("POST", (), _verify, _read, _answer)
