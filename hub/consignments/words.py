"""What a person may have to look at, and the words of complaints and losses."""

from enum import StrEnum
from typing import Final, Literal

Subject = Literal["late", "lost", "damaged", "not_delivered", "conduct", "other"]
Outcome = Literal["upheld", "rejected", "withdrawn"]
IncidentKind = Literal["loss", "damage"]
Liable = Literal["operator", "sender", "agency", "nobody"]


class Concern(StrEnum):
    """Why a person has to look."""

    NOT_ORDERED = "not_ordered"
    REFUSED = "refused"
    NOT_CANCELLED = "not_cancelled"
    NOT_COLLECTED = "not_collected"
    SILENT = "silent"
    LATE = "late"
    NO_SECOND_INVITATION = "no_second_invitation"
    NO_RETURN = "no_return"
    RETURNED_EARLY = "returned_early"
    RETURNED = "returned"
    LOST = "lost"
    DAMAGED = "damaged"
    AFTER_THE_END = "after_the_end"
    ITEM_CODE = "item_code"
    COMPLAINT_OVERDUE = "complaint_overdue"

    @property
    def label(self) -> str:
        return CONCERNS[self]


CONCERNS: Final = {
    Concern.NOT_ORDERED: "Chưa đặt được dịch vụ: đặt tay (hub consignment order)",
    Concern.REFUSED: "Bưu điện từ chối: sửa lại rồi đặt lại, hoặc chuyển cách khác",
    Concern.NOT_CANCELLED: "Bưu điện không huỷ: gọi điện",
    Concern.NOT_COLLECTED: "Chưa đến lấy: gọi bưu điện",
    Concern.SILENT: "Im lặng: hỏi bưu điện đang ở đâu",
    Concern.LATE: "Quá hạn J+n: hỏi bưu điện, báo người dân",
    Concern.NO_SECOND_INVITATION: "Chưa mời nhận lần hai trong 2 ngày làm việc",
    Concern.NO_RETURN: "Đã mời đủ hai lần mà chưa chuyển hoàn",
    Concern.RETURNED_EARLY: "Chuyển hoàn khi chưa mời đủ hai lần",
    Concern.RETURNED: "Đã chuyển hoàn: liên hệ người nhận",
    Concern.LOST: "Thất lạc: lập biên bản, xác định trách nhiệm",
    Concern.DAMAGED: "Hư hỏng: lập biên bản, xác định trách nhiệm",
    Concern.AFTER_THE_END: "Có tin báo sau khi đã kết thúc: đối chiếu với bưu điện",
    Concern.ITEM_CODE: "Mã bưu gửi sai số kiểm tra: đối chiếu với bưu điện",
    Concern.COMPLAINT_OVERDUE: "Khiếu nại quá hạn giải quyết",
}
