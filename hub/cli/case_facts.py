"""What was seen of a case, as an accountant reads it: named, with amounts and days as they are written."""

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from hub.fees.proof import words
from schemas.figures import grouped

_ABOUT: Final = {
    "payment": "khoản nộp",
    "fee_demand": "yêu cầu nộp",
    "statement_line": "dòng sao kê",
    "statement_file": "tệp sao kê",
    "notify_event": "báo có số",
    "refund": "khoản hoàn",
    "payment_order": "lệnh chi",
    "settlement_item": "dòng của bảng",
    "chargeback": "tra soát",
    "receipt": "biên lai",
    "invariant": "điều kiện bất biến",
}
"""what a case is about; what stands not here is written as the database calls it"""
_NAMES: Final = {
    "account": "Tài khoản",
    "allocated": "Đã tính cho yêu cầu nộp",
    "amount": "Số tiền",
    "answer_by": "Phải trả lời trước",
    "bank_ref": "Số giao dịch ngân hàng",
    "candidates": "Có thể là",
    "chargeback": "Tra soát",
    "check": "Phép kiểm tra",
    "consignment": "Bưu gửi",
    "count": "Số điểm sai",
    "currency": "Tiền tệ",
    "day": "Ngày",
    "demand": "Yêu cầu nộp",
    "demand_status": "Yêu cầu nộp đang",
    "department": "Cơ quan",
    "dossier_status": "Hồ sơ đang",
    "due": "Hạn",
    "first_amount": "Số tiền báo lần đầu",
    "kind": "Loại",
    "line": "Dòng sao kê số",
    "message": "Tin đến",
    "month": "Tháng",
    "moved": "Số tiền của giao dịch",
    "of": "Của",
    "offenders": "Sai ở",
    "order": "Lệnh chi",
    "other": "Yêu cầu nộp kia",
    "paid_on": "Ngày nộp",
    "payment": "Khoản nộp",
    "provider": "Nơi báo",
    "provider_case": "Số tra soát của nơi báo",
    "provider_txn": "Số giao dịch của nơi báo",
    "reference": "Mã thanh toán",
    "references": "Mã thanh toán tìm thấy",
    "refund": "Khoản hoàn",
    "rest": "Còn lại",
    "returned_by": "Trả lại bằng dòng số",
    "settlement": "Bảng",
    "taken": "Đã tính",
    "why": "Vì sao",
}
_DONG: Final = frozenset({"allocated", "amount", "first_amount", "moved", "rest", "taken"})


def written(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    """A row for each; what has no name here keeps its own."""
    return [{"name": _NAMES.get(key, key), "value": _value(key, value)} for key, value in sorted(facts.items())]


def subject(object_type: str, object_id: str) -> str:
    """What a case is about: its kind and its id; of an invariant the label of the check that is red."""
    if object_type == "invariant":
        invariant, _, check = object_id.partition(": ")
        object_id = f"{invariant}: {words.CHECKS.get(check, check)}"
    return f"{_ABOUT.get(object_type, object_type)} {object_id}"


def _value(key: str, value: Any) -> str:
    if key == "check":
        return words.CHECKS.get(value, value)
    if key == "offenders":
        return "; ".join(f"{words.subject(what)}: {how}" for what, how in value)
    if isinstance(value, list | tuple):
        return ", ".join(_value("", one) for one in value) or "không có"
    if isinstance(value, dict):
        return "; ".join(f"{_NAMES.get(inner, inner)}: {_value(inner, one)}" for inner, one in value.items())
    if isinstance(value, date):
        return f"{value:%d/%m/%Y}"
    return grouped(value) if key in _DONG and isinstance(value, int) else str(value)
