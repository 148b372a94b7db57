"""What callers send, as examples of the published description; about people who are clearly invented."""

from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

from schemas.department import StatusReport
from schemas.portal import Submission
from schemas.postal import TrackingEvent
from schemas.settlement import TableAnswer

_ADDRESS: Final = {"province": "Ninh Bình", "commune": "Phường Mẫu", "detail": "Số 1 đường Ví Dụ"}

OF: Final[Mapping[type[BaseModel], dict[str, Any]]] = {
    Submission: {
        "reference": "CDVC-00000001",
        "procedure": "1.002010",
        "channel": "online",
        "submitted_at": "2026-11-24T08:15:00+07:00",
        "applicant": {
            "kind": "citizen",
            "name": "Nguyễn Văn Ví Dụ",
            "identity": {"kind": "cccd", "number": "000000000001"},
            "phone": "0900000000",
            "address": _ADDRESS,
        },
        "summary": "Đề nghị đăng ký hoạt động (ví dụ)",
        "papers": [
            {
                "code": "giay-de-nghi",
                "name": "Giấy đề nghị đăng ký hoạt động",
                "media_type": "application/pdf",
                "size": 48213,
                "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "reference": "kho/2026/11/24/00000001.pdf",
            }
        ],
        "fees": [],
        "result": {"method": "post", "address": _ADDRESS},
    },
    StatusReport: {
        "report_id": "BC-00000001",
        "dossier_code": "000.00.16.H42-261124-0001",
        "status": "DANG_XU_LY",
        "at": "2026-11-24T09:30:00+07:00",
        "note": "Đã phân công thẩm định",
    },
    TableAnswer: {
        "answer_id": "TL-2026-10",
        "settlement_id": "sm_01JD8M7W4Q2V9X3Y5Z6A7B8C9D",
        "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "verdict": "disputed",
        "lines": [{"number": 17, "reason": "Hồ sơ đã được miễn lệ phí"}],
        "answered_by": "Phòng Kế hoạch - Tài chính",
        "answered_at": "2026-11-05T10:00:00+07:00",
    },
    TrackingEvent: {
        "order_number": "000.00.16.H42-261124-0001-1",
        "item_code": "EA123456785VN",
        "status_code": "4",
        "text": "Phát thành công",
        "at": "2026-11-25T14:20:00+07:00",
        "place": "Bưu cục Ví Dụ",
    },
}
PROBLEM: Final[dict[str, Any]] = {
    "type": "urn:lienthong:hub:problem:content-invalid",
    "title": "Nội dung không hợp lệ",
    "status": 422,
    "detail": "Sửa từng chỗ nêu trong errors (JSON pointer) rồi gửi lại.",
    "code": "content-invalid",
    "request_id": "5f0c9a6be2d14c73a81d",
    "errors": [{"pointer": "/fees/0/amount", "code": "int_type", "detail": "Input should be a valid integer"}],
}
