"""How a table is written for people: the words of its columns and kinds, in Vietnamese."""

from collections.abc import Mapping
from typing import Final

TITLE: Final = "Bảng tổng hợp thu phí, lệ phí"
KINDS: Final[Mapping[str, str]] = {"phi": "Phí", "le_phi": "Lệ phí"}
LINES: Final[Mapping[str, str]] = {
    "receipt": "Thu",
    "refund": "Hoàn trả",
    "adjustment": "Điều chỉnh",
    "carried": "Kỳ trước chuyển sang",
}
SUMS: Final[Mapping[str, str]] = {
    "carried": "Kỳ trước chuyển sang",
    "receipts": "Thu trong tháng",
    "refunds": "Hoàn trả",
    "adjustments": "Điều chỉnh",
    "retained": "Được để lại",
    "net": "Phải chuyển",
}
DIFFERENCES: Final = "Chênh lệch"
SOURCE: Final = "Nguồn"
TABLE_ID: Final = "Mã bảng"
DIGEST: Final = "SHA-256 của bảng (JSON, RFC 8785)"
NUMBER: Final = "Số dòng"
REASON: Final = "Lý do"
ANSWER: Final = (
    "Cơ quan trả lời: ghi số dòng không đồng ý (cột Dòng số của trang Chi tiết) và lý do. Để trống là xác nhận cả bảng."
)
RULE: Final = (
    "Phần được để lại tính theo tỷ lệ của từng khoản phí (phần vạn), làm tròn xuống đồng trên tổng của cơ quan, "
    "phân bổ theo số dư lớn nhất; lệ phí không được để lại."
)


def month(name: str) -> str:
    """tháng 10 năm 2026; of the first two months with a nought, as an official text has it."""
    year, number = name.split("-")
    return f"tháng {number if number <= '02' else int(number)} năm {year}"


def money(amount: int) -> str:
    """1.250.000, or -1.250.000."""
    return f"{amount:,}".replace(",", ".")
