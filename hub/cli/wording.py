"""The words that people see: the states in Vietnamese, what to do about each, and the journal's columns."""

from typing import Final

from hub.cli import output
from hub.cli.output import TableColumn

TRANSFER_STATES: Final[dict[str, str]] = {
    "queued": "chờ gửi",
    "sending": "đang gửi",
    "retrying": "chờ gửi lại",
    "unknown": "chưa rõ kết quả",
    "held": "đối tác tạm dừng",
    "stuck": "kẹt",
    "parked": "tạm gác",
    "delivered": "đã giao",
    "refused": "bị từ chối",
    "manual": "xử lý tay",
    "cancelled": "đã huỷ",
}
ADVICE: Final[dict[str, str]] = {
    "unknown": "hỏi trạng thái trước: hub transfer check",
    "stuck": "hub transfer check, rồi replay",
    "held": "hub partner resume khi đối tác sẵn sàng",
    "parked": "hub transfer unpark khi xong",
    "retrying": "tự gửi lại; xem hub partner list",
}
NEEDING_A_PERSON: Final = frozenset({"stuck"})
JOURNAL: Final = (
    TableColumn("at", "Lúc", output.moment),
    TableColumn("actor", "Ai"),
    TableColumn("verb", "Việc"),
    TableColumn("before", "Trước"),
    TableColumn("after", "Sau"),
    TableColumn("reason", "Lý do"),
)
