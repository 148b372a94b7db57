"""What accountants read about passes and classes."""

from collections.abc import Mapping
from typing import Final

PASSES: Final[Mapping[str, str]] = {
    "P0": "có trên sao kê, chưa rõ của ai",
    "P1": "trùng số giao dịch của ngân hàng với thông báo",
    "P2": "tài khoản định danh",
    "P3": "mã thanh toán ghi đúng",
    "P4": "mã đúng, số tiền khác",
    "P5": "mã phải sửa (chữ giống số, đứt quãng, mất chữ đầu)",
    "P6": "chỉ có mã hồ sơ",
    "P7": "một dòng nhiều mã",
    "P8": "nhiều lần nộp cho một mã",
    "P9": "cổng thanh toán chuyển gộp theo bảng kê",
    "P10": "ngân hàng thu hồi",
    "P11": "gần giống một mã",
    "PO": "lệnh chi của Trung tâm",
}
CLASSES: Final[Mapping[str, str]] = {
    "A": "tự ghép",
    "B": "một người",
    "C": "hai người",
    "D": "không đề xuất",
}
STATES: Final[Mapping[str, str]] = {
    "proposed": "đề xuất",
    "confirmed": "đã ghép",
    "revoked": "đã thu hồi",
    "rejected": "đã bác",
    "superseded": "đã được thay",
}
